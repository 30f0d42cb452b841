import { afterEach, expect, test } from "vitest";

import { createEnvironment, type CCOSEnvironment } from "../../src/environment.ts";
import { startMcpServer, type McpServer, type McpServerDials } from "../../testing/index.ts";

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function start(
  dials: Partial<McpServerDials>,
  env: Record<string, string> = {},
): Promise<{ server: McpServer; environment: CCOSEnvironment }> {
  const server = await startMcpServer(dials);
  undo.push(() => server.stop());
  const environment = await createEnvironment({ capabilities: [], config: {}, env });
  undo.push(() => environment.close());
  return { server, environment };
}

const echo = (id: string, url: string, extra = ""): string => `
  (capability "${id}" :description "Gives back its message"
    :metadata {:mcp {:server_url "${url}" :tool_name "echo" :requires_session "auto" ${extra}}}
    :input-schema [:map [:message :string] [:key :string]])`;

test("a server that forgets its sessions after every 10 calls fails none of 200, and runs each once", async () => {
  const { server, environment } = await start({ forgetAfterCalls: 10 });
  await environment.capabilities.load(echo("line.echo", server.url));
  for (let index = 0; index < 200; index++) {
    expect(await environment.call("line.echo", { message: `m${index}`, key: `k${index}` })).toBe(`Echo: m${index}`);
  }
  expect(server.executions.size).toBe(200);
  expect(new Set(server.executions.values())).toEqual(new Set([1]));
  expect(server.counts.initialize).toBe(20);
});

test("a hundred first calls at once shake hands once", async () => {
  const { server, environment } = await start({});
  await environment.capabilities.load(echo("line.echo", server.url));
  await Promise.all(
    Array.from({ length: 100 }, (_, index) => environment.call("line.echo", { message: "x", key: `k${index}` })),
  );
  expect(server.counts).toMatchObject({ initialize: 1, executed: 100 });
});

test("two capabilities of one server share a session, and closing ends it at the server", async () => {
  const { server, environment } = await start({});
  await environment.capabilities.load(echo("line.one", server.url));
  await environment.capabilities.load(echo("line.two", server.url));
  await environment.call("line.one", { message: "x", key: "a" });
  await environment.call("line.two", { message: "x", key: "b" });
  expect(server.counts.initialize).toBe(1);
  await environment.close();
  expect(server.counts.delete).toBe(1);
  expect([...server.sessions.values()].map(({ state }) => state)).toEqual(["deleted"]);
});

test("two identities never meet in one session", async () => {
  const { server, environment } = await start(
    { tokens: ["alice-token", "bob-token"] },
    { ALICE: "alice-token", BOB: "bob-token" },
  );
  await environment.capabilities.load(echo("line.alice", server.url, ':auth_env_var "ALICE"'));
  await environment.capabilities.load(echo("line.bob", server.url, ':auth_env_var "BOB"'));
  await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      environment.call(index % 2 === 0 ? "line.alice" : "line.bob", { message: "x", key: `k${index}` }),
    ),
  );
  expect(server.counts).toMatchObject({ initialize: 2, executed: 100 });
  for (const session of server.sessions.values()) expect([...session.tokens]).toEqual([session.token]);
});

test("a call that was cut after it had run is not run again, unless that is harmless", async () => {
  const { server, environment } = await start({});
  await environment.capabilities.load(echo("line.write", server.url));
  await environment.capabilities.load(echo("line.read", server.url, ":read_only_hint true"));
  server.dials.fault = { kind: "cut", executed: true };
  server.dials.faultTimes = 1;
  await expect(environment.call("line.write", { message: "x", key: "w" })).rejects.toMatchObject({
    code: "outcome-unknown",
  });
  server.dials.faultTimes = 1;
  expect(await environment.call("line.read", { message: "x", key: "r" })).toBe("Echo: x");
  expect(Object.fromEntries(server.executions)).toEqual({ w: 1, r: 2 });
});

test("the modern era has no session to lose", async () => {
  const { server, environment } = await start({ era: "modern", forgetAfterCalls: 1 });
  await environment.capabilities.load(echo("line.echo", server.url));
  for (let index = 0; index < 20; index++) await environment.call("line.echo", { message: "x", key: `k${index}` });
  expect(server.counts).toMatchObject({ discover: 1, initialize: 0, executed: 20 });
});
