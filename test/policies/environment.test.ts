import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkCapabilities, createEnvironment, type CCOSEnvironment, type RuntimeEvents } from "../../src/index.ts";
import { CcosError, type JsonObject } from "../../src/kernel/index.ts";
import { createFakeClock, type FakeClock } from "../../testing/fake-clock.ts";
import { createScriptedHandler, type ScriptedHandler } from "../../testing/scripted-handler.ts";

let folder: string;
let clock: FakeClock;
let peer: ScriptedHandler;
let env: CCOSEnvironment | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-policies-"));
  clock = createFakeClock();
  peer = createScriptedHandler(clock);
});
afterEach(async () => {
  await env?.close();
  await rm(folder, { recursive: true });
});

const capability = (id: string, metadata = "", endpoint = "line://example"): string =>
  `(capability "${id}" :description "D" :effects [:network]
     :metadata {:line {:endpoint "${endpoint}" :requires_session "true"} ${metadata}})`;

async function open(text: string, config: JsonObject = {}): Promise<RuntimeEvents["warning"][]> {
  const file = join(folder, "all.rtfs");
  await writeFile(file, text);
  const warnings: RuntimeEvents["warning"][] = [];
  env = await createEnvironment({
    capabilities: [file],
    config,
    clock,
    env: {},
    cwd: folder,
    handlers: [peer.handler],
    onWarning: (warning) => void warnings.push(warning),
  });
  return warnings;
}

const down = (): CcosError => new CcosError("unavailable", "Down.");

test("settings come from the file, the endpoint and the configuration, and describe says which; all are in force", async () => {
  peer.dials.callFailure = down;
  const warnings = await open(
    [
      capability("line.a", ":retry {:max_attempts 1}"),
      capability("line.b"),
      capability("line.c", "", "line://elsewhere"),
    ].join("\n"),
    {
      retry: { max_attempts: 4, initial_delay_ms: 0, max_delay_ms: 0 },
      endpoints: { "line://example": { retry: { max_attempts: 2 }, timeout_ms: 700 } },
    },
  );
  expect(warnings).toEqual([]);
  expect(env?.capabilities.settings("line.b")).toMatchObject({
    retry: {
      max_attempts: { value: 2, source: "endpoint" },
      initial_delay_ms: { value: 0, source: "configuration" },
      budget_ratio: { value: 0.2, source: "default" },
    },
    session: { max_sessions: { value: 1, source: "default" } },
    timeout_ms: { value: 700, source: "endpoint" },
    cache: { value: false, source: "default" },
  });
  expect(env?.capabilities.settings("line.a")?.["retry"]).toMatchObject({
    max_attempts: { value: 1, source: "capability" },
  });
  expect(env?.capabilities.settings("ccos.echo")).toBeUndefined();
  for (const [id, runs] of [
    ["line.a", 1],
    ["line.b", 2],
    ["line.c", 4],
  ] as const) {
    peer.executed.length = 0;
    await expect(env?.call(id, {})).rejects.toMatchObject({ code: "unavailable" });
    expect([id, peer.executed.length]).toEqual([id, runs]);
  }
});

test("the time of a call is the endpoint's where neither the call nor the file says it", async () => {
  await open([capability("line.a"), capability("line.b", ":timeout_ms 300")].join("\n"), {
    timeout_ms: 900,
    endpoints: { "line://example": { timeout_ms: 600 } },
  });
  peer.dials.callDelayMs = 10_000;
  const endOf = async (id: string, timeoutMs?: number): Promise<number> => {
    const startedAt = clock.monotonic();
    let endedAt = 0;
    const call = env?.call(id, {}, { timeoutMs }).catch(() => (endedAt = clock.monotonic()));
    await clock.advance(5_000);
    await call;
    return endedAt - startedAt;
  };
  expect([await endOf("line.a"), await endOf("line.b"), await endOf("line.b", 200)]).toEqual([600, 300, 200]);
});

test("a file with a wrong setting is told of when it is loaded, and by check with its place", async () => {
  const text = `${capability("line.a")}\n${capability("line.b", ":retry {:max_attemps 3}")}`;
  const [warning] = await open(text);
  expect(warning).toMatchObject({ code: "invalid-argument", message: expect.stringContaining(":max_attemps") });
  const { errors } = await checkCapabilities([join(folder, "all.rtfs")], { providers: ["line"] });
  expect(errors).toMatchObject([
    { code: "invalid-argument", place: { line: 3 }, remedy: 'Did you mean "max_attempts"?' },
  ]);
  await expect(env?.call("line.b", {})).rejects.toMatchObject({ code: "invalid-argument" });
  expect(await env?.call("line.a", {})).toMatchObject({ count: 1 });
});

test("an operator can look at breakers, take a peer out, let it back, and forget kept answers", async () => {
  await open(capability("line.a", ":cache {} :circuit_breaker {:failures 1} :retry false :idempotent true"));
  const peerName = { provider: "line", endpoint: "line://example" };
  await env?.call("line.a", {});
  env?.policies.isolate(peerName);
  expect(env?.policies.breakers()).toMatchObject([{ ...peerName, state: "isolated" }]);
  expect(await env?.call("line.a", {})).toMatchObject({ count: 1 });
  env?.policies.clearCache();
  await expect(env?.call("line.a", {})).rejects.toMatchObject({ code: "circuit-open" });
  expect(env?.policies.release(peerName)).toBe(true);
  expect(await env?.call("line.a", {})).toMatchObject({ count: 2 });
});

test("no secret is in what policies tell", async () => {
  const told: string[] = [];
  await open(capability("line.a", ":circuit_breaker {:failures 1}"));
  env?.redactor.add("s3cret-value");
  for (const name of ["retryScheduled", "breakerChanged", "callRefused", "cacheRefreshFailed"] as const) {
    env?.on(name, (event) => told.push(JSON.stringify(event)));
  }
  peer.dials.callFailure = () => new CcosError("unavailable", "It said s3cret-value.");
  const call = env?.call("line.a", {}).catch((error: unknown) => error);
  await clock.advance(60_000);
  await call;
  expect(told.length).toBeGreaterThan(1);
  expect(told.join("\n")).toContain("[redacted]");
  expect(told.join("\n")).not.toContain("s3cret-value");
});
