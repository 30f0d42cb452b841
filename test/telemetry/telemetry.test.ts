import { join } from "node:path";
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { createEnvironment, type CCOSEnvironment } from "../../src/environment.ts";
import { systemClock } from "../../src/kernel/index.ts";
import { ATTRIBUTES, METRICS } from "../../src/telemetry/index.ts";
import { counting } from "../../testing/event-scripts.ts";
import { createScriptedHandler } from "../../testing/scripted-handler.ts";
import { startMcpServer, text, type McpServer, type McpServerDials } from "../../testing/mcp-server.ts";
import { repository, runProcess } from "../run-process.ts";
import { startSdk, type Sdk } from "./sdk.ts";

let sdk: Sdk;
beforeEach(() => {
  sdk = startSdk();
});
afterEach(() => sdk.stop());

async function open(
  dials: Partial<McpServerDials> = {},
  session = "",
): Promise<{ env: CCOSEnvironment; server: McpServer }> {
  const server = await startMcpServer({
    tools: [{ name: "echo", run: (input) => text(JSON.stringify(input)) }],
    ...dials,
  });
  const env = await createEnvironment({ env: { TOKEN: "token-of-the-test" }, config: {}, capabilities: [] });
  onTestFinished(async () => {
    await env.close();
    await server.stop();
  });
  await env.capabilities.load(
    `(capability "acme.echo" :description "Echo" :metadata {:mcp {:server_url "${server.url}" :tool_name "echo" :requires_session "auto" :auth_env_var "TOKEN"} :session {${session}} :retry {:max_attempts 1}})
     (capability "acme.twice" :description "Two calls" :effects [:network]
       :implementation (fn [input] [(call "acme.echo" input) (call "acme.echo" input)]))`,
  );
  return { env, server };
}

const spanOf = (name: string): ReadableSpan => {
  const found = sdk.spans().find((span) => span.name === name);
  if (found === undefined)
    throw new Error(
      `There is no span ${name} among ${sdk
        .spans()
        .map((span) => span.name)
        .join(", ")}.`,
    );
  return found;
};

/** What the server got of a trace with each call, in its headers and in its messages. */
const carried = (server: McpServer): { header: unknown; meta: unknown }[] =>
  server.exchanges
    .filter(({ method }) => method === "tools/call")
    .map(({ headers, body }) => ({
      header: headers["traceparent"],
      meta: (body as { params: { _meta?: Record<string, unknown> } }).params._meta?.["traceparent"],
    }));

const traceparent = (span: ReadableSpan): string => {
  const { traceId, spanId } = span.spanContext();
  return `00-${traceId}-${spanId}-01`;
};

describe("spans", () => {
  test("a streaming call says how many events it gave, and leaving it is no error", async () => {
    const { env } = await open();
    const scripted = createScriptedHandler(systemClock);
    scripted.dials.events = counting().events;
    env.sessions.registerHandler(scripted.handler);
    await env.capabilities.load(
      `(capability "line.count" :description "Counts" :metadata {:line {:endpoint "line://peer" :requires_session "true"}})`,
    );
    let left = 3;
    for await (const _event of env.stream("line.count")) if (--left === 0) break;
    const call = spanOf("ccos.call line.count");
    expect(call.attributes).toMatchObject({ "ccos.call.events": 3, "ccos.call.attempts": 1 });
    expect(sdk.spans().map((span) => span.status.code)).toEqual([SpanStatusCode.UNSET, SpanStatusCode.UNSET]);
  });

  test("a call is a span, its execution a child of it, with the conventions of the protocol", async () => {
    const { env, server } = await open();
    await env.call("acme.echo", { n: 1 });
    const call = spanOf("ccos.call acme.echo");
    const attempt = spanOf("tools/call echo");
    expect(call.kind).toBe(SpanKind.INTERNAL);
    expect(call.parentSpanContext).toBeUndefined();
    expect(call.attributes).toMatchObject({
      "ccos.capability.id": "acme.echo",
      "ccos.call.attempts": 1,
      "ccos.session.reused": false,
      "ccos.session.id": expect.stringMatching(/^s_/),
    });
    expect(attempt.kind).toBe(SpanKind.CLIENT);
    expect(attempt.parentSpanContext?.spanId).toBe(call.spanContext().spanId);
    expect(attempt.attributes).toMatchObject({
      "mcp.method.name": "tools/call",
      "mcp.protocol.version": "2025-11-25",
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "echo",
      "network.transport": "tcp",
      "server.address": "127.0.0.1",
      "server.port": Number(new URL(server.url).port),
      "ccos.provider": "mcp",
      "ccos.attempt": 1,
    });
    expect([call.status.code, attempt.status.code]).toEqual([SpanStatusCode.UNSET, SpanStatusCode.UNSET]);
  });

  test("a call is a child of the span its caller is in, and of the call whose code made it", async () => {
    const { env } = await open();
    const outer = trace.getTracer("test").startSpan("outer");
    await context.with(trace.setSpan(ROOT_CONTEXT, outer), () => env.call("acme.twice", {}));
    outer.end();
    const twice = spanOf("ccos.call acme.twice");
    expect(twice.parentSpanContext?.spanId).toBe(outer.spanContext().spanId);
    const inner = sdk.spans().filter((span) => span.name === "ccos.call acme.echo");
    expect(inner.map((span) => span.parentSpanContext?.spanId)).toEqual([
      twice.spanContext().spanId,
      twice.spanContext().spanId,
    ]);
    expect(new Set(sdk.spans().map((span) => span.spanContext().traceId)).size).toBe(1);
  });

  test("a replay is an attempt of its own that links to the one it stands in for", async () => {
    const { env, server } = await open();
    await env.call("acme.echo", {});
    server.forgetAll();
    await env.call("acme.echo", {});
    const [, second] = sdk.spans().filter((span) => span.name === "ccos.call acme.echo");
    const attempts = sdk.spans().filter((span) => span.parentSpanContext?.spanId === second?.spanContext().spanId);
    expect(attempts.map((span) => span.attributes["ccos.attempt"])).toEqual([1, 2]);
    expect(attempts[0]?.attributes["error.type"]).toBe("session-lost");
    expect(attempts[0]?.attributes["http.response.status_code"]).toBeUndefined();
    expect(attempts[0]?.status.code).toBe(SpanStatusCode.ERROR);
    expect(attempts[1]?.links.map((link) => link.context.spanId)).toEqual([attempts[0]?.spanContext().spanId]);
    expect(attempts[1]?.status.code).toBe(SpanStatusCode.UNSET);
    expect(second?.attributes["ccos.call.attempts"]).toBe(2);
  });

  test("a failure has its code on both spans, and the status that the peer gave", async () => {
    const { env } = await open({ fault: { kind: "status", status: 500, body: "no" } });
    await expect(env.call("acme.echo", {})).rejects.toMatchObject({ code: "outcome-unknown" });
    for (const name of ["ccos.call acme.echo", "tools/call echo"]) {
      expect(spanOf(name).attributes).toMatchObject({
        "error.type": "outcome-unknown",
        "http.response.status_code": 500,
      });
      expect(spanOf(name).status).toMatchObject({ code: SpanStatusCode.ERROR });
    }
  });

  test("a call that no capability answers to is a span without an attempt", async () => {
    const { env } = await open();
    await expect(env.call("acme.none", {})).rejects.toMatchObject({ code: "not-found" });
    expect(spanOf("ccos.call acme.none").attributes).toMatchObject({
      "error.type": "not-found",
      "ccos.call.attempts": 0,
    });
    expect(sdk.spans()).toHaveLength(1);
  });

  test("a call that waited for its session says how long", async () => {
    const { env } = await open({}, ":max_in_flight 1");
    await Promise.all([env.call("acme.echo", {}), env.call("acme.echo", {})]);
    const waits = sdk.spans().filter((span) => span.name === "tools/call echo");
    expect(waits.every((span) => (span.attributes["ccos.session.wait_ms"] as number) > 0)).toBe(true);
    await env.call("acme.echo", {});
    expect(sdk.spans().findLast((span) => span.name === "tools/call echo")?.attributes).not.toHaveProperty(
      "ccos.session.wait_ms",
    );
  });
});

describe("the trace context", () => {
  test("of each call reaches the peer on one shared session, in the headers and in the message", async () => {
    const { env, server } = await open();
    for (let n = 0; n < 3; n++) await env.call("acme.echo", { n });
    const attempts = sdk.spans().filter((span) => span.name === "tools/call echo");
    expect(carried(server)).toEqual(attempts.map((span) => ({ header: traceparent(span), meta: traceparent(span) })));
    expect(new Set(attempts.map((span) => span.spanContext().traceId)).size).toBe(3);
    expect(server.counts.initialize).toBe(1);
    // The handshake is everybody's, so it carries nobody's trace.
    expect(
      server.exchanges.filter(({ method }) => method === "initialize").map(({ headers }) => headers["traceparent"]),
    ).toEqual([undefined]);
  });

  test("goes along where the peer has no sessions, beside what that revision puts there", async () => {
    const { env, server } = await open({ era: "modern" });
    await env.call("acme.echo", {});
    expect(carried(server)).toEqual([
      { header: traceparent(spanOf("tools/call echo")), meta: traceparent(spanOf("tools/call echo")) },
    ]);
    const call = server.exchanges.find(({ method }) => method === "tools/call")?.body as { params: { _meta: object } };
    expect(call.params._meta).toHaveProperty(["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
  });

  test("carries the caller's tracestate, and no baggage", async () => {
    const { env, server } = await open();
    const remote = propagation.extract(ROOT_CONTEXT, {
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      tracestate: "vendor=one",
    });
    const baggage = propagation.createBaggage({ plan: { value: "secret-plan" } });
    await context.with(propagation.setBaggage(remote, baggage), () => env.call("acme.echo", {}));
    const call = server.exchanges.find(({ method }) => method === "tools/call");
    expect(call?.headers["traceparent"]).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-/);
    expect(call?.headers["tracestate"]).toBe("vendor=one");
    expect(JSON.stringify([call?.headers, call?.body])).not.toContain("secret-plan");
  });

  test("is left to whoever watches the HTTP client, as a second header would spoil both; the message still has it", async () => {
    const { subscribe, unsubscribe } = await import("node:diagnostics_channel");
    const spansAtRequest: (string | undefined)[] = [];
    const listener = (): void => void spansAtRequest.push(trace.getActiveSpan()?.spanContext().spanId);
    const { env, server } = await open();
    await env.call("acme.echo", {});
    subscribe("undici:request:create", listener);
    try {
      await env.call("acme.echo", {});
    } finally {
      unsubscribe("undici:request:create", listener);
    }
    const attempt = sdk.spans().findLast((span) => span.name === "tools/call echo");
    expect(carried(server).at(-1)).toEqual({ header: undefined, meta: traceparent(attempt as ReadableSpan) });
    // Its own span of the request will be a child of the attempt.
    expect(spansAtRequest).toEqual([attempt?.spanContext().spanId]);
  });

  test("is not sent where nothing traces", async () => {
    await sdk.stop();
    const { env, server } = await open();
    await env.call("acme.echo", {});
    expect(carried(server)).toEqual([{ header: undefined, meta: undefined }]);
    sdk = startSdk();
    await env.call("acme.echo", {});
    expect(carried(server).at(-1)?.header).toBe(traceparent(spanOf("tools/call echo")));
  });
});

describe("metrics", () => {
  test("count sessions, what became of them, and calls", async () => {
    const { env, server } = await open();
    await env.call("acme.echo", {});
    await env.call("acme.echo", {});
    server.forgetAll();
    await env.call("acme.echo", {});
    await expect(env.call("acme.none", {})).rejects.toThrow();
    expect(await sdk.total("ccos.sessions", { "ccos.session.state": "open", "ccos.provider": "mcp" })).toBe(1);
    expect(await sdk.total("ccos.session.opens", { "ccos.provider": "mcp" })).toBe(2);
    expect(await sdk.total("ccos.session.open.duration")).toBe(2);
    expect(await sdk.total("ccos.session.reuses")).toBe(2);
    expect(await sdk.total("ccos.session.losses")).toBe(1);
    expect(await sdk.total("ccos.session.closes")).toBe(1);
    expect(await sdk.total("ccos.call.attempts")).toBe(4);
    expect(await sdk.total("ccos.call.replays")).toBe(1);
    expect(await sdk.total("ccos.call.duration", { "ccos.capability.id": "acme.echo" })).toBe(3);
    expect(await sdk.total("ccos.call.rejections", { "error.type": "not-found" })).toBe(1);
    expect(await sdk.total("ccos.call.active")).toBe(0);
    // Calls wait while a session is opened: the first one, and the replay.
    expect(await sdk.total("ccos.session.waits")).toBe(2);
    expect(await sdk.total("ccos.session.acquire.duration")).toBe(2);
    await env.close();
    expect(await sdk.total("ccos.sessions")).toBe(0);
  });

  test("count openings that failed by their cause", async () => {
    const { env, server } = await open();
    await server.stop();
    await expect(env.call("acme.echo", {})).rejects.toMatchObject({ code: "unavailable" });
    expect(await sdk.total("ccos.session.opens", { "error.type": "unavailable" })).toBe(1);
    expect(await sdk.total("ccos.call.rejections", { "error.type": "unavailable" })).toBe(1);
  });

  test("are split by nothing that calls make up: a thousand unknown ids are one series", async () => {
    const { env } = await open();
    for (let n = 0; n < 1000; n++) await env.call(`made.up.${n}`, { input: `x${n}` }).catch(() => {});
    const all = await sdk.metrics();
    const keys = new Set(
      [...all.values()].flatMap((metric) => metric.dataPoints.flatMap((point) => Object.keys(point.attributes))),
    );
    expect([...keys].toSorted()).toEqual([ATTRIBUTES.capability, ATTRIBUTES.error]);
    for (const metric of all.values()) expect(metric.dataPoints.length).toBeLessThan(5);
    expect(await sdk.total("ccos.call.duration", { "ccos.capability.id": "_other" })).toBe(1000);
  });

  test("and span events tell what policies did", async () => {
    const { env, server } = await open({ delayMs: 5 });
    const load = (id: string, policies: string): Promise<string[]> =>
      env.capabilities.load(
        `(capability "${id}" :description "d" :metadata {:mcp {:server_url "${server.url}" :tool_name "echo" :requires_session "auto"} :idempotent true ${policies}})`,
      );
    await load("acme.cached", ":cache {:ttl_ms 60000}");
    await Promise.all([env.call("acme.cached", {}), env.call("acme.cached", {})]);
    await env.call("acme.cached", {});
    expect(await sdk.total("ccos.cache.lookups", { "ccos.cache.result": "miss" })).toBeGreaterThan(0);
    expect(await sdk.total("ccos.cache.lookups", { "ccos.cache.result": "hit" })).toBe(1);
    expect(await sdk.total("ccos.call.shared")).toBe(1);
    const cached = sdk.spans().filter((span) => span.name === "ccos.call acme.cached");
    expect(cached.map((span) => span.events.map(({ name }) => name))).toContainEqual(["ccos.cache.hit"]);
    const follower = cached.find((span) => span.events.some(({ name }) => name === "ccos.shared"));
    expect(cached.map((span) => span.spanContext().spanId)).toContain(follower?.links[0]?.context.spanId);

    await load("acme.narrow", ":bulkhead {:max_concurrent 1 :max_queue 1} :retry {:max_attempts 1}");
    const three = await Promise.allSettled([1, 2, 3].map((n) => env.call("acme.narrow", { n })));
    expect(three.filter(({ status }) => status === "rejected")).toHaveLength(1);
    expect(await sdk.total("ccos.policy.delays", { "ccos.policy": "bulkhead" })).toBe(1);
    expect(await sdk.total("ccos.policy.refusals", { "ccos.policy": "bulkhead", "ccos.cause": "queue-full" })).toBe(1);

    await load("acme.ill", ":retry {:max_attempts 2 :initial_delay_ms 1} :circuit_breaker {:failures 2}");
    server.dials.fault = { kind: "status", status: 503, body: "no" };
    await expect(env.call("acme.ill", {})).rejects.toThrow();
    expect(await sdk.total("ccos.call.retries", { "error.type": "unavailable" })).toBe(1);
    expect(await sdk.total("ccos.breaker.changes", { "ccos.breaker.state": "open" })).toBe(1);
    const [ill] = sdk.spans().filter((span) => span.name === "ccos.call acme.ill");
    expect(ill?.events.map(({ name }) => name)).toContain("ccos.retry");
    const [first, second] = sdk.spans().filter((span) => span.parentSpanContext?.spanId === ill?.spanContext().spanId);
    expect(second?.links.map(({ context: linked }) => linked.spanId)).toEqual([first?.spanContext().spanId]);
    await expect(env.call("acme.ill", {})).rejects.toMatchObject({ code: "circuit-open" });
    expect(await sdk.total("ccos.policy.refusals", { "ccos.cause": "circuit-open" })).toBe(1);
    expect(await sdk.total("ccos.call.rejections", { "error.type": "circuit-open" })).toBe(1);

    server.dials.fault = null;
    await env.call("acme.echo", {});
    server.forgetAll();
    await env.call("acme.echo", {});
    const measured = await sdk.metrics();
    expect([...measured.keys()].toSorted()).toEqual(
      Object.values(METRICS)
        .map(({ name }) => name)
        .toSorted(),
    );
    for (const { name, unit, description } of Object.values(METRICS)) {
      expect(measured.get(name)?.descriptor).toMatchObject({ unit, description });
    }
  });
});

describe("without an SDK", () => {
  test("nothing is loaded and nothing is made", async () => {
    const { code, stdout } = await runProcess(process.execPath, [
      "--input-type=module",
      "-e",
      `import { registerHooks } from "node:module";
       const loaded = [];
       registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
       const { createEnvironment } = await import(${JSON.stringify(join(repository, "src", "environment.ts"))});
       await using env = await createEnvironment({ capabilities: [] });
       await env.run("(+ 1 2)");
       await env.call("ccos.io.log", "x").catch(() => {});
       console.log(loaded.filter((url) => url.includes("opentelemetry")).length);`,
    ]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "0\n" });
  });

  test("one that comes later sees the calls from then on", async () => {
    await sdk.stop();
    const { env } = await open();
    await env.call("acme.echo", { n: 1 });
    sdk = startSdk();
    await env.call("acme.echo", { n: 2 });
    expect(sdk.spans().map((span) => span.name)).toEqual(["tools/call echo", "ccos.call acme.echo"]);
    expect(spanOf("ccos.call acme.echo").attributes["ccos.session.reused"]).toBe(true);
    expect(await sdk.total("ccos.sessions", { "ccos.session.state": "open" })).toBe(1);
  });

  test("a call that was under way when one came is not counted as one less", async () => {
    await sdk.stop();
    const { env } = await open({ delayMs: 20 });
    const early = env.call("acme.echo", {});
    sdk = startSdk();
    await env.call("acme.echo", {});
    await early;
    expect(await sdk.total("ccos.call.active")).toBe(0);
  });
});
