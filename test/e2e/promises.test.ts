import { describe, expect, onTestFinished, test } from "vitest";
import { startMcpServer, text, type McpServer, type McpServerDials } from "../../testing/mcp-server.ts";
import { createEnvironment, type CCOSEnvironment, type EnvironmentOptions } from "../../src/environment.ts";
import type { CcosError, RuntimeEvents } from "../../src/kernel/index.ts";

/** The whole path, from the library down to a server over HTTP. */
async function open(
  dials: Partial<McpServerDials>,
  options: EnvironmentOptions = {},
): Promise<{ env: CCOSEnvironment; server: McpServer; told: [keyof RuntimeEvents, unknown][] }> {
  const server = await startMcpServer({ tools: TOOLS, ...dials });
  const env = await createEnvironment({ env: {}, config: {}, capabilities: [], ...options });
  onTestFinished(async () => {
    await env.close();
    await server.stop();
  });
  await env.capabilities.load(
    ["echo", "count"]
      .map(
        (tool) => `(capability "mcp.scripted.${tool}" :description "${tool}"
           :metadata {:mcp {:server_url "${server.url}" :tool_name "${tool}" :requires_session "auto" :auth_env_var "TOKEN"}})`,
      )
      .join("\n"),
  );
  const told: [keyof RuntimeEvents, unknown][] = [];
  for (const name of ["sessionOpened", "sessionLost", "sessionReplaced", "sessionReused", "callEnded"] as const) {
    env.on(name, (event) => void told.push([name, event]));
  }
  return { env, server, told };
}

const TOOLS: McpServerDials["tools"] = [
  { name: "echo", inputSchema: { type: "object" }, run: (input) => text(JSON.stringify(input)) },
  { name: "count", inputSchema: { type: "object" }, run: (_input, call) => text(String(call.count)) },
];

const namesOf = (told: [string, unknown][]): string[] => told.map(([name]) => name);

describe("a server that forgets its sessions after every 10 calls", () => {
  test("and says so with 400: of 200 calls in a row none fails, and each ran exactly once", async () => {
    const unknownSession = { status: 400, code: -32000, message: "Bad Request: No valid session ID provided" };
    const { env, server, told } = await open({ forgetAfterCalls: 10, unknownSession });
    for (let n = 0; n < 200; n++) await env.call("mcp.scripted.echo", { key: `call-${n}` });
    expect(server.executions.size).toBe(200);
    expect([...server.executions.values()].every((times) => times === 1)).toBe(true);
    expect(server.counts.initialize).toBe(20);
    expect(namesOf(told).filter((name) => name === "sessionLost")).toHaveLength(19);
    expect(namesOf(told).filter((name) => name === "sessionReplaced")).toHaveLength(19);
  });

  test("of 320 calls, 16 at once, none fails, and each ran exactly once", async () => {
    const { env, server } = await open({ forgetAfterCalls: 10, delayMs: 2 });
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < 320) await env.call("mcp.scripted.echo", { key: `call-${next++}` });
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    expect(server.executions.size).toBe(320);
    expect([...server.executions.values()].every((times) => times === 1)).toBe(true);
    const lost = [...server.sessions.values()].filter((session) => session.state === "forgotten").length;
    expect(server.counts.initialize).toBeLessThanOrEqual(lost + 1);
  });
});

test("two identities, 50 interleaved calls each: no session is ever used with the other's token", async () => {
  const tokens = ["token-of-alice", "token-of-bob"];
  const { env, server } = await open({ tokens });
  await Promise.all(
    Array.from({ length: 100 }, (_, n) => {
      const token = tokens[n % 2] as string;
      return env.call("mcp.scripted.echo", { key: `${n}` }, { caller: { id: token, credentials: { TOKEN: token } } });
    }),
  );
  expect(server.counts.executed).toBe(100);
  expect(server.sessions.size).toBe(2);
  for (const session of server.sessions.values()) {
    expect([...session.tokens]).toEqual([session.token]);
    expect(session.calls).toBe(50);
  }
});

test("a server that restarts with calls in between is met again, and its new session is a replacement", async () => {
  const { env, server, told } = await open({});
  await env.call("mcp.scripted.echo", { key: "before" });
  await server.restart();
  // The ends of the old connections have to arrive; a call written on one of them might have run.
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  await env.call("mcp.scripted.echo", { key: "after" });
  expect(namesOf(told)).toEqual([
    "sessionOpened",
    "callEnded",
    "sessionReused",
    "sessionLost",
    "sessionOpened",
    "sessionReplaced",
    "callEnded",
  ]);
});

test("closing ends every session at the server", async () => {
  const { env, server } = await open({});
  await env.call("mcp.scripted.echo", {});
  await env.close();
  expect([...server.sessions.values()].map((session) => session.state)).toEqual(["deleted"]);
  await expect(env.call("mcp.scripted.echo", {})).rejects.toMatchObject({ code: "pool-closed" });
});

test("a deadline ends the call in time, and its request with it", async () => {
  const { env, server } = await open({ fault: { kind: "hang" } });
  const startedAt = performance.now();
  const error = (await env
    .call("mcp.scripted.echo", {}, { timeoutMs: 300 })
    .catch((failure: unknown) => failure)) as CcosError;
  expect(error.code).toBe("deadline-exceeded");
  expect(performance.now() - startedAt).toBeLessThan(3_000);
  await expect.poll(() => server.open).toBe(0);
  await expect.poll(() => server.counts.cancelled).toBe(1);
});

test("integers beyond 2^53 come back with every digit", async () => {
  const big = 9_007_199_254_740_993n;
  const tools: McpServerDials["tools"] = [
    { name: "echo", inputSchema: { type: "object" }, run: () => text(`{"id": ${big}}`) },
    { name: "count", inputSchema: { type: "object" }, run: () => text("") },
  ];
  const { env } = await open({ tools });
  expect(await env.call("mcp.scripted.echo", {})).toEqual({ id: big });
  expect(await env.run('(:id (call "mcp.scripted.echo" {}))')).toBe(big);
});
