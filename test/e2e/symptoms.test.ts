import { afterEach, describe, expect, test } from "vitest";

import { createEnvironment, type CCOSEnvironment, type EnvironmentOptions } from "../../src/environment.ts";
import { isCcosError, type CcosError, type JsonValue, type RuntimeEvents } from "../../src/kernel/index.ts";
import {
  createFakeClock,
  startMcpServer,
  startMcpStdioServer,
  type McpFault,
  type McpServer,
  type McpServerDials,
} from "../../testing/index.ts";
import { text } from "../../testing/mcp-server.ts";

/**
 * What users report of clients that keep sessions, each as a test of the whole path: from the library down to
 * a server that counts what it sees. A test is named after the symptom, and fails when we have it too.
 */

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function serve(dials: Partial<McpServerDials> = {}): Promise<McpServer> {
  const server = await startMcpServer({ tools: TOOLS, ...dials });
  undo.push(() => server.stop());
  return server;
}

async function environment(options: EnvironmentOptions = {}): Promise<CCOSEnvironment> {
  const env = await createEnvironment({ env: {}, config: {}, capabilities: [], ...options });
  undo.push(() => env.close());
  return env;
}

interface Declared {
  readonly name?: string;
  readonly block?: string;
  readonly session?: string;
  readonly more?: string;
}

/** Declares `NAME.echo`, `NAME.count` and `NAME.fail` of a server. */
async function declare(
  env: CCOSEnvironment,
  server: McpServer,
  { name = "s", block = "", session = "", more = "" }: Declared = {},
): Promise<void> {
  const files = ["echo", "count", "fail"].map(
    (tool) => `(capability "${name}.${tool}" :description "${tool}"
      :metadata {:mcp {:server_url "${server.url}" :tool_name "${tool}" :requires_session "auto" :auth_env_var "TOKEN" ${block}}
                 :session {${session}} ${more}})`,
  );
  await env.capabilities.load(files.join("\n"));
}

async function start(
  dials: Partial<McpServerDials> = {},
  declared: Declared = {},
  options: EnvironmentOptions = {},
): Promise<[CCOSEnvironment, McpServer]> {
  const server = await serve(dials);
  const env = await environment(options);
  await declare(env, server, declared);
  return [env, server];
}

const TOOLS: McpServerDials["tools"] = [
  { name: "echo", inputSchema: { type: "object" }, run: (input) => text(JSON.stringify(input)) },
  { name: "count", inputSchema: { type: "object" }, run: (_input, call) => text(String(call.count)) },
  {
    name: "fail",
    inputSchema: { type: "object" },
    run: () => ({ ...text("Session not found in the archive"), isError: true }),
  },
];

const failure = async (call: Promise<JsonValue>): Promise<CcosError> => {
  const error: unknown = await call.then(
    (value) => new Error(`It gave ${JSON.stringify(value)}.`),
    (thrown: unknown) => thrown,
  );
  if (!isCcosError(error)) throw error;
  return error;
};
const keys = (count: number, prefix = "k"): string[] => Array.from({ length: count }, (_, n) => `${prefix}${n}`);
const as = (id: string, token: string): { caller: { id: string; credentials: Record<string, string> } } => ({
  caller: { id, credentials: { TOKEN: token } },
});
const openAt = (server: McpServer): number =>
  [...server.sessions.values()].filter(({ state }) => state === "open").length;
const ranMoreThanOnce = (server: McpServer): string[] =>
  [...server.executions].filter(([, times]) => times > 1).map(([key]) => key);

describe("a session dies", () => {
  const dialects: [string, McpServerDials["unknownSession"]][] = [
    ["404", { status: 404, code: -32001, message: "Session not found" }],
    ["400", { status: 400, code: -32000, message: "Bad Request: No valid session ID provided" }],
    ["an error with status 200", { status: 200, code: -32600, message: "Session not found" }],
  ];
  test.each(dialects)("and every call fails with %s until the client is restarted", async (_name, unknownSession) => {
    const [env, server] = await start({ unknownSession });
    await env.call("s.echo", { key: "before" });
    server.forgetAll();
    await env.call("s.echo", { key: "after" });
    await env.call("s.echo", { key: "later" });
    expect(server.counts).toMatchObject({ initialize: 2, executed: 3 });
    // The handshake of the new session does not name the dead one.
    const handshakes = server.exchanges.filter(({ method }) => method === "initialize");
    expect(handshakes.map(({ headers }) => headers["mcp-session-id"])).toEqual([undefined, undefined]);
  });

  test("and the call that met it fails, though the next one works", async () => {
    const [env, server] = await start();
    for (const key of keys(20)) {
      await env.call("s.echo", { key });
      server.forgetAll();
    }
    expect(server.counts).toMatchObject({ initialize: 20, executed: 20 });
  });

  test("and 16 callers that notice at once open 16 new ones", async () => {
    const [env, server] = await start({ delayMs: 5 });
    await env.call("s.echo", { key: "before" });
    server.forgetAll();
    await Promise.all(keys(16).map((key) => env.call("s.echo", { key })));
    expect(server.counts).toMatchObject({ initialize: 2, executed: 17 });
    expect(ranMoreThanOnce(server)).toEqual([]);
  });

  test("at one of several servers, and its tools are gone for good or take the others with them", async () => {
    const [ill, well] = [await serve(), await serve()];
    const env = await environment();
    await declare(env, ill, { name: "ill" });
    await declare(env, well, { name: "well" });
    for (const id of ["ill.echo", "well.echo"]) await env.call(id, { key: "before" });
    ill.forgetAll();
    for (const id of ["ill.echo", "well.echo"]) await env.call(id, { key: "after" });
    expect([ill.counts.initialize, well.counts.initialize]).toEqual([2, 1]);
  });

  test("and so does each new one, because replicas behind one address do not know each other's: it tries forever", async () => {
    const [env, server] = await start();
    env.on("sessionOpened", () => server.forgetAll());
    const error = await failure(env.call("s.echo", { key: "nowhere" }));
    expect(error).toMatchObject({ code: "session-lost", remedy: expect.stringContaining("sticky") as string });
    expect(server.counts.initialize).toBeLessThanOrEqual(3);
    expect(server.counts.executed).toBe(0);
  });

  test("with the state that the caller had built up, and the call is silently run on an empty one", async () => {
    const [env, server] = await start({}, { session: ":stateful true" });
    expect(await env.call("s.count", {})).toBe("1");
    server.forgetAll();
    const error = await failure(env.call("s.count", {}));
    expect(error).toMatchObject({ code: "session-lost", message: expect.stringContaining("state") as string });
    expect(server.counts.executed).toBe(1);
    expect(await env.call("s.count", {})).toBe("1");
  });
});

describe("a call is run twice", () => {
  const cut: McpFault = { kind: "cut", executed: true };

  test("because its connection broke after the server had run it", async () => {
    const [env, server] = await start({ fault: cut, faultTimes: 1 });
    const error = await failure(env.call("s.echo", { key: "transfer" }));
    expect(error).toMatchObject({
      code: "outcome-unknown",
      remedy: expect.stringContaining("may have been executed") as string,
    });
    expect(error.remedy).toContain("idempotent");
    expect(server.executions.get("transfer")).toBe(1);
  });

  test("because a proxy answered 502 after the server had run it", async () => {
    const [env, server] = await start({
      fault: { kind: "status", status: 502, body: "<html>bad gateway</html>" },
      faultTimes: 1,
    });
    expect(await failure(env.call("s.echo", { key: "transfer" }))).toMatchObject({ code: "outcome-unknown" });
    expect(server.counts.calls).toBe(1);
  });

  test("or not at all, although the tool only reads and could have been called again", async () => {
    const [env, server] = await start({ fault: cut, faultTimes: 1 }, { block: ":read_only_hint true" });
    await env.call("s.echo", { key: "read" });
    expect(server.executions.get("read")).toBe(2);
  });

  test("because sessions were lost under many callers", async () => {
    const [env, server] = await start({ forgetAfterCalls: 7, delayMs: 1 });
    const waiting = keys(300);
    const work = async (): Promise<void> => {
      for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) await env.call("s.echo", { key });
    };
    await Promise.all(Array.from({ length: 16 }, work));
    expect(server.executions.size).toBe(300);
    expect(ranMoreThanOnce(server)).toEqual([]);
  });
});

describe("sessions are opened", () => {
  test("by each of 20 cold callers, one each", async () => {
    const [env, server] = await start();
    await Promise.all(keys(20).map((key) => env.call("s.echo", { key })));
    expect(server.counts).toMatchObject({ initialize: 1, executed: 20 });
  });

  test("for each tool of one server", async () => {
    const [env, server] = await start();
    await env.call("s.echo", { key: "a" });
    await env.call("s.count", {});
    await failure(env.call("s.fail", {}));
    expect(server.counts.initialize).toBe(1);
  });

  test("one for each of 10 parallel agents as a process of its own, and the processes stay", async () => {
    using server = startMcpStdioServer();
    const env = await environment();
    const { command, args } = server.block as { command: string; args: string[] };
    await env.capabilities.load(`(capability "child.echo" :description "echo"
      :metadata {:mcp {:command ${JSON.stringify(command)} :args ${JSON.stringify(args).replaceAll(",", " ")} :tool_name "echo" :requires_session "auto"}})`);
    await Promise.all(keys(10).map((key) => env.call("child.echo", { text: key })));
    expect(server.pids).toHaveLength(1);
    expect(server.notes.filter(({ kind }) => kind === "started")).toHaveLength(1);
    await env.close();
    expect(server.pids).toEqual([]);
  });

  test("without a limit when tenants are many", async () => {
    const tokens = keys(30, "token-");
    const [env, server] = await start({ tokens }, { session: ":max_sessions_per_endpoint 5" });
    let most = 0;
    env.on("sessionOpened", () => (most = Math.max(most, openAt(server))));
    await Promise.all(tokens.map((token) => env.call("s.echo", { key: token }, as(token, token))));
    expect(server.counts.executed).toBe(30);
    // One more may be on its way out at the server while its place is taken.
    expect(env.sessions.list().length).toBeLessThanOrEqual(5);
    expect(most).toBeLessThanOrEqual(6);
  });
});

describe("sessions are left behind", () => {
  test("at the server when the client closes", async () => {
    const tokens = keys(8, "token-");
    const [env, server] = await start({ tokens });
    await Promise.all(tokens.map((token) => env.call("s.echo", { key: token }, as(token, token))));
    expect(openAt(server)).toBe(8);
    await env.close();
    expect([...server.sessions.values()].map(({ state }) => state)).toEqual(tokens.map(() => "deleted"));
    expect(server.counts.delete).toBe(8);
  });

  test("when nobody uses them for long", async () => {
    const clock = createFakeClock();
    const [env, server] = await start({}, { session: ":idle_timeout_ms 60000" }, { clock });
    await env.call("s.echo", { key: "a" });
    await clock.advance(59_000);
    expect(openAt(server)).toBe(1);
    await clock.advance(2_000);
    await expect.poll(() => openAt(server)).toBe(0);
    expect(server.counts.delete).toBe(1);
    await env.call("s.echo", { key: "b" });
    expect(openAt(server)).toBe(1);
  });

  test("each time one is replaced for its age", async () => {
    const clock = createFakeClock();
    const [env, server] = await start({}, { session: ":max_lifetime_ms 60000" }, { clock });
    for (const key of keys(5)) {
      await env.call("s.echo", { key });
      await clock.advance(61_000);
      await expect.poll(() => env.sessions.list().length).toBeLessThanOrEqual(1);
    }
    await env.call("s.echo", { key: "last" });
    await expect.poll(() => openAt(server)).toBe(1);
    expect(server.counts.initialize).toBeGreaterThanOrEqual(5);
    expect(server.counts.initialize - server.counts.delete).toBe(1);
  });

  test("when the token they were opened with has been replaced", async () => {
    const variables = { TOKEN: "old" };
    const [env, server] = await start({ tokens: ["old", "new"] }, {}, { env: variables });
    await env.call("s.echo", { key: "a" });
    variables.TOKEN = "new";
    await env.call("s.echo", { key: "b" });
    await expect.poll(() => openAt(server)).toBe(1);
    expect([...server.sessions.values()].map(({ token, state }) => [token, state])).toEqual([
      ["old", "deleted"],
      ["new", "open"],
    ]);
  });
});

describe("tenants", () => {
  test("share a session because they call the same address", async () => {
    const [env, server] = await start({ tokens: ["of-a", "of-b"], delayMs: 1 });
    const calls = keys(200).map((key, n) =>
      env.call("s.echo", { key }, n % 2 === 0 ? as("a", "of-a") : as("b", "of-b")),
    );
    const answers = await Promise.all(calls);
    expect(answers).toEqual(keys(200).map((key) => ({ key })));
    expect(server.sessions.size).toBe(2);
    for (const session of server.sessions.values()) expect([...session.tokens]).toEqual([session.token]);
  });

  test("share a session because the gateway has one key for all of them", async () => {
    const [env, server] = await start({}, { session: ':scope "caller"' }, { env: { TOKEN: "of-the-gateway" } });
    await Promise.all(keys(40).map((key, n) => env.call("s.echo", { key }, { caller: { id: `user-${n % 4}` } })));
    expect(server.sessions.size).toBe(4);
    expect([...server.sessions.values()].map(({ calls }) => calls)).toEqual([10, 10, 10, 10]);
  });

  test("see each other's counter: one user, two conversations", async () => {
    const [env] = await start({}, { session: ':scope "caller"' }, { env: { TOKEN: "of-the-user" } });
    const count = (conversation: string): Promise<JsonValue> =>
      env.call("s.count", {}, { caller: { id: conversation } });
    expect([await count("one"), await count("one"), await count("two"), await count("one")]).toEqual([
      "1",
      "2",
      "1",
      "3",
    ]);
  });

  test("wait for the one who has used up the server's patience", async () => {
    const [env, server] = await start({ tokens: ["of-a", "of-b"] });
    await env.call("s.echo", { key: "b0" }, as("b", "of-b"));
    server.dials.fault = { kind: "status", status: 429, headers: { "retry-after": "3600" } };
    server.dials.faultTimes = 1;
    expect(await failure(env.call("s.echo", { key: "a" }, as("a", "of-a")))).toMatchObject({ code: "rate-limited" });
    const startedAt = performance.now();
    await env.call("s.echo", { key: "b1" }, as("b", "of-b"));
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  test("get each other's answers when one cancels in between", async () => {
    const [env, server] = await start({ delayMs: 20, answers: "sse" });
    await env.call("s.echo", { key: "warm" });
    const controller = new AbortController();
    const canceled = keys(10, "c").map((key) => failure(env.call("s.echo", { key }, { signal: controller.signal })));
    const kept = keys(10).map((key) => env.call("s.echo", { key }));
    controller.abort();
    expect((await Promise.all(canceled)).map(({ code }) => code)).toEqual(keys(10).map(() => "canceled"));
    expect(await Promise.all(kept)).toEqual(keys(10).map((key) => ({ key })));
    expect(server.counts.initialize).toBe(1);
  });
});

describe("a session is poisoned", () => {
  test.each<[string, McpFault]>([
    ["a broken answer", { kind: "raw", body: '{"jsonrpc":' }],
    ["a cut connection", { kind: "cut", executed: false }],
    ["an answer that is too long", { kind: "oversize", bytes: 300_000 }],
  ])("by %s, and every later caller gets it from the cache", async (_name, fault) => {
    const [env, server] = await start({}, { block: ":max_response_bytes 100000" });
    await env.call("s.echo", { key: "before" });
    server.dials.fault = fault;
    server.dials.faultTimes = 1;
    await failure(env.call("s.echo", { key: "ill" }));
    for (const key of keys(3)) expect(await env.call("s.echo", { key })).toEqual({ key });
  });

  test("or thrown away because a tool reported an error of its own", async () => {
    const [env, server] = await start();
    const error = await failure(env.call("s.fail", {}));
    expect(error).toMatchObject({
      code: "rejected",
      message: expect.stringContaining("Session not found in the archive") as string,
    });
    for (const key of keys(3)) await env.call("s.echo", { key });
    expect(server.counts).toMatchObject({ initialize: 1, delete: 0 });
  });

  test("by an opening that failed, and everybody gets that failure from the cache", async () => {
    const [env, server] = await start({ faultAt: { "server/discover": { kind: "status", status: 502 } } });
    const errors = await Promise.all(keys(4).map((key) => failure(env.call("s.echo", { key }, { timeoutMs: 3_000 }))));
    for (const { code } of errors) expect(["unavailable", "deadline-exceeded"]).toContain(code);
    server.dials.faultAt = {};
    expect(await env.call("s.echo", { key: "later" })).toEqual({ key: "later" });
  });
});

describe("credentials expire", () => {
  test("and a process that runs for long goes on with the first one it read", async () => {
    const variables = { TOKEN: "first" };
    const [env, server] = await start({ tokens: ["first"] }, {}, { env: variables });
    await env.call("s.echo", { key: "a" });
    variables.TOKEN = "second";
    server.dials.tokens = ["second"];
    await env.call("s.echo", { key: "b" });
    expect(server.counts.executed).toBe(2);
  });

  test("under 16 calls at once, and each of them logs in anew", async () => {
    const variables = { TOKEN: "first" };
    const [env, server] = await start({ tokens: ["first"], delayMs: 5 }, {}, { env: variables });
    await env.call("s.echo", { key: "a" });
    server.dials.tokens = ["second"];
    const calls = keys(16).map((key) => env.call("s.echo", { key }));
    // The new one is written while the old one is being refused.
    variables.TOKEN = "second";
    await Promise.all(calls);
    expect(server.counts).toMatchObject({ initialize: 2, executed: 17 });
  });

  test("for good, and all the error says is 401", async () => {
    const [env] = await start({ tokens: ["right"] }, {}, { env: { TOKEN: "a-token-that-is-wrong" } });
    const error = await failure(env.call("s.echo", { key: "a" }));
    expect(error).toMatchObject({ code: "unauthenticated", remedy: expect.stringContaining("TOKEN") as string });
    expect(JSON.stringify(error)).not.toContain("a-token-that-is-wrong");
  });
});

describe("callers wait", () => {
  test("for each other, because calls on one session are run one at a time", async () => {
    let running = 0;
    const { promise: allHere, resolve: open } = Promise.withResolvers<void>();
    const meet = async (): Promise<object> => {
      if (++running === 10) open();
      await allHere;
      return text("met");
    };
    const [env, server] = await start({ tools: [{ name: "echo", inputSchema: { type: "object" }, run: meet }] });
    await Promise.all(keys(10).map((key) => env.call("s.echo", { key }, { timeoutMs: 5_000 })));
    expect(server.counts.initialize).toBe(1);
  });

  test("in no order, or are refused at once, where the limit is reached", async () => {
    const [env, server] = await start({ delayMs: 1 }, { session: ":max_sessions 1 :max_in_flight 1" });
    await Promise.all(keys(30).map((key) => env.call("s.echo", { key })));
    expect([...server.executions.keys()]).toEqual(keys(30));
  });

  test("without end for a handshake that hangs", async () => {
    const hang: McpFault = { kind: "hang" };
    const [env, server] = await start({ faultAt: { "server/discover": hang, initialize: hang } });
    const startedAt = performance.now();
    const error = await failure(env.call("s.echo", { key: "a" }, { timeoutMs: 200 }));
    expect(error.code).toBe("deadline-exceeded");
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    server.dials.faultAt = {};
    await env.close({ deadlineMs: 500 });
    await expect.poll(() => server.open).toBe(0);
  });

  test("for nothing, because the one whose call opened the session has given up", async () => {
    const [env, server] = await start();
    const controller = new AbortController();
    const first = failure(env.call("s.echo", { key: "first" }, { signal: controller.signal }));
    const second = env.call("s.echo", { key: "second" });
    controller.abort();
    expect((await first).code).toBe("canceled");
    expect(await second).toEqual({ key: "second" });
    expect(server.counts.initialize).toBe(1);
  });

  test("longer than they said, because the server asked for an hour", async () => {
    const [env, server] = await start({ fault: { kind: "status", status: 429, headers: { "retry-after": "3600" } } });
    const startedAt = performance.now();
    const error = await failure(env.call("s.echo", { key: "a" }, { timeoutMs: 10_000 }));
    expect(error).toMatchObject({ code: "rate-limited", retryAfterMs: 3_600_000 });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(server.counts.executed).toBe(0);
  });
});

describe("a server says that it has had enough", () => {
  const busy = (seconds: number): McpFault => ({
    kind: "status",
    status: 429,
    headers: { "retry-after": String(seconds) },
  });

  test("and is asked again at once, because the time it named got lost", async () => {
    const clock = createFakeClock();
    const [env, server] = await start({ fault: busy(2), faultTimes: 1 }, {}, { clock });
    const call = env.call("s.echo", { key: "a" });
    await expect.poll(() => server.counts.calls).toBe(1);
    await expect.poll(() => clock.nextTimerMs).toBeLessThanOrEqual(2_000);
    await clock.advance(1_900);
    expect(server.counts.calls).toBe(1);
    await clock.advance(200);
    expect(await call).toEqual({ key: "a" });
    expect(server.counts).toMatchObject({ calls: 2, executed: 1, initialize: 1 });
  });

  test("to one tenant, and all the others stand still, because the limit is the process's", async () => {
    const clock = createFakeClock();
    const limit = ":rate_limit {:limit 3 :interval_ms 60000}";
    const [env, server] = await start({ tokens: ["of-a", "of-b"] }, { more: limit }, { clock });
    const busyTenant = keys(5, "a").map((key) =>
      env.call("s.echo", { key }, { ...as("a", "of-a"), timeoutMs: 300_000 }),
    );
    expect(await env.call("s.echo", { key: "b" }, as("b", "of-b"))).toEqual({ key: "b" });
    await expect.poll(() => server.counts.executed).toBe(4);
    // The clock has not moved: the two that are left wait for their own turn.
    for (let minute = 0; minute < 2; minute++) await clock.advance(60_000);
    await Promise.all(busyTenant);
    expect(server.counts.executed).toBe(6);
  });

  test("and gets three times as much, because everybody tries again", async () => {
    const [env, server] = await start(
      { fault: { kind: "status", status: 503 } },
      { more: ":retry {:max_attempts 3 :initial_delay_ms 1 :max_delay_ms 1}", session: ":max_in_flight 300" },
    );
    const errors = await Promise.all(keys(300).map((key) => failure(env.call("s.echo", { key }))));
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(["unavailable"]));
    // A fifth of the calls, and ten a second on top.
    expect(server.counts.calls).toBeLessThanOrEqual(300 + 60 + 100 + 20);
  });

  test("for good, and is called for each caller all the same", async () => {
    const [env, server] = await start(
      { fault: { kind: "status", status: 503 } },
      { more: ":retry false :circuit_breaker {:failures 3 :reset_ms 60000}" },
    );
    const codes: string[] = [];
    for (const key of keys(10)) codes.push((await failure(env.call("s.echo", { key }))).code);
    expect(codes).toEqual([...Array<string>(3).fill("unavailable"), ...Array<string>(7).fill("circuit-open")]);
    expect(server.counts.calls).toBe(3);
  });
});

describe("an answer is kept", () => {
  test("and given to a tenant who may not see it", async () => {
    const tools: McpServerDials["tools"] = TOOLS.map((tool) => ({
      ...tool,
      run: (_input, { token }) => text(`of ${token}`),
    }));
    const [env, server] = await start(
      { tools, tokens: ["token-a", "token-b"], delayMs: 5 },
      { more: ":idempotent true :cache {:ttl_ms 60000}" },
    );
    const ask = (tenant: string): Promise<JsonValue> => env.call("s.echo", { same: 1 }, as(tenant, `token-${tenant}`));
    const answers = await Promise.all(keys(20).map((_key, n) => ask(n % 2 === 0 ? "a" : "b")));
    expect(answers).toEqual(keys(20).map((_key, n) => `of token-${n % 2 === 0 ? "a" : "b"}`));
    expect([await ask("a"), await ask("b")]).toEqual(["of token-a", "of token-b"]);
    expect(server.counts.executed).toBe(2);
  });

  test("in place of a call that changes something", async () => {
    const [env, server] = await start({}, { more: ":cache {:ttl_ms 60000} :single_flight true" });
    await Promise.all(keys(5).map(() => env.call("s.echo", { key: "order" })));
    expect(server.executions.get("order")).toBe(5);
  });
});

describe("people cannot tell what happened", () => {
  test("because a replacement is silent", async () => {
    const [env, server] = await start();
    const told: (keyof RuntimeEvents)[] = [];
    for (const name of ["sessionOpened", "sessionLost", "sessionReplaced"] as const)
      env.on(name, () => told.push(name));
    await env.call("s.echo", { key: "a" });
    server.forgetAll();
    const { attempts, session } = await env.callDetailed("s.echo", { key: "b" });
    expect(told).toEqual(["sessionOpened", "sessionLost", "sessionOpened", "sessionReplaced"]);
    expect([attempts, session?.reused]).toEqual([2, false]);
  });

  test("because the message shows the server's session id", async () => {
    const [env, server] = await start();
    const shown: unknown[] = [];
    for (const name of ["sessionOpened", "sessionLost", "callEnded", "warning"] as const)
      env.on(name, (event) => shown.push(event));
    await env.call("s.echo", { key: "a" });
    const [id = ""] = server.sessions.keys();
    server.dials.unknownSession = { status: 404, code: -32001, message: `Session ${id} not found` };
    server.forgetAll();
    await env.call("s.echo", { key: "b" });
    expect(JSON.stringify([shown, env.sessions.list()])).not.toContain(id);
  });
});
