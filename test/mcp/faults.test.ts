import { createServer, type AddressInfo } from "node:net";
import { afterEach, expect, test, describe } from "vitest";

import type { JsonObject } from "../../src/kernel/index.ts";
import { createMcpHandler, type McpSession } from "../../src/providers/mcp/index.ts";
import type { Session, SessionCapability } from "../../src/session/handler.ts";
import {
  capabilityOf,
  driveHandler,
  startMcpServer,
  type DriverOptions,
  type HandlerDriver,
  type McpFault,
  type McpServer,
  type McpServerDials,
} from "../../testing/index.ts";

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

interface Rig {
  readonly server: McpServer;
  readonly driver: HandlerDriver<McpSession>;
  tool(name: string, extra?: JsonObject): SessionCapability;
}

async function rig(dials: Partial<McpServerDials> = {}, options: DriverOptions = {}): Promise<Rig> {
  const server = await startMcpServer(dials);
  const driver = driveHandler(createMcpHandler({ openTimeoutMs: 2000 }), options);
  undo.push(
    () => server.stop(),
    () => driver.close(),
  );
  return {
    server,
    driver,
    tool: (name, extra = {}) => capabilityOf("mcp", { server_url: server.url, tool_name: name, ...extra }),
  };
}

async function opened(dials: Partial<McpServerDials> = {}): Promise<Rig & { session: Session<McpSession> }> {
  const parts = await rig(dials);
  return { ...parts, session: await parts.driver.open(parts.tool("echo")) };
}

const until = async (condition: () => boolean): Promise<void> => {
  for (let tries = 0; !condition() && tries < 400; tries++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
};

describe.each(["legacy", "modern"] as const)("in the %s era", (era) => {
  const faults: [string, McpFault, JsonObject][] = [
    ["401", { kind: "status", status: 401 }, { code: "unauthenticated" }],
    ["403", { kind: "status", status: 403 }, { code: "unauthenticated" }],
    [
      "429",
      { kind: "status", status: 429, headers: { "retry-after": "7" } },
      { code: "rate-limited", retryAfterMs: 7000, remedy: expect.stringMatching(/^Wait 7 s,/) },
    ],
    [
      "503",
      { kind: "status", status: 503, headers: { "retry-after": "2" } },
      { code: "unavailable", retryAfterMs: 2000 },
    ],
    ["500", { kind: "status", status: 500 }, { code: "outcome-unknown" }],
    ["502 with a page", { kind: "status", status: 502, body: "<html>bad gateway</html>" }, { code: "outcome-unknown" }],
    ["a cut before the answer", { kind: "cut", executed: true }, { code: "outcome-unknown" }],
    ["a stream that ends early", { kind: "end-stream" }, { code: "outcome-unknown" }],
    [
      "a numbered stream that ends early and cannot be taken up",
      { kind: "end-stream", eventId: "e1" },
      { code: "outcome-unknown" },
    ],
    ["an answer that is no JSON", { kind: "raw", body: '{"jsonrpc":"2.0","id":' }, { code: "protocol-error" }],
    ["an empty answer", { kind: "raw", body: "" }, { code: "protocol-error" }],
    ["a page", { kind: "raw", body: "<html>login</html>", contentType: "text/html" }, { code: "protocol-error" }],
    [
      "an answer to another request",
      { kind: "raw", body: '{"jsonrpc":"2.0","id":"x","result":{"content":[]}}' },
      { code: "protocol-error" },
    ],
    [
      "a broken event",
      { kind: "raw", body: "data: {oops\n\n", contentType: "text/event-stream" },
      { code: "protocol-error" },
    ],
    [
      "a compressed answer",
      { kind: "status", status: 200, body: "x".repeat(100), headers: { "content-encoding": "gzip" } },
      { code: "protocol-error" },
    ],
    ["JSON that is no message", { kind: "raw", body: '{"hello":1}' }, { code: "protocol-error" }],
    [
      "a redirect to another origin",
      { kind: "status", status: 307, headers: { location: "http://127.0.0.1:1/mcp" } },
      { code: "protocol-error" },
    ],
    ["a JSON-RPC error", { kind: "rpc-error", code: -32602, message: "bad arguments" }, { code: "rejected" }],
    [
      "a method the server lacks",
      { kind: "status", status: 404, code: -32601, message: "Method not found" },
      { code: "rejected" },
    ],
  ];

  test.each(faults)("%s means what it means, at once, and the session goes on", async (_name, fault, error) => {
    const { server, driver, session, tool } = await opened({ era });
    server.dials.fault = fault;
    server.dials.faultTimes = 1;
    const started = performance.now();
    await expect(driver.call(session, tool("echo"), { message: "x" }, { timeoutMs: 5000 })).rejects.toMatchObject(
      error,
    );
    expect(performance.now() - started).toBeLessThan(1500);
    expect(await driver.call(session, tool("echo"), { message: "y" })).toBe("Echo: y");
  });

  test("an answer beyond the limit is refused, as JSON and as a stream", async () => {
    const { server, driver, tool } = await rig({ era });
    const bounded = tool("echo", { max_response_bytes: 10_000 });
    const session = await driver.open(bounded);
    for (const answers of ["json", "sse"] as const) {
      server.dials.answers = answers;
      server.dials.fault = { kind: "oversize", bytes: 1_000_000 };
      server.dials.faultTimes = 1;
      await expect(driver.call(session, bounded, { message: "x" })).rejects.toMatchObject({
        code: "protocol-error",
        message: expect.stringContaining("more than 10000 bytes"),
        details: { limit: 10_000 },
      });
      expect(await driver.call(session, bounded, { message: "y" })).toBe("Echo: y");
    }
  });

  test("a hanging call ends with its deadline, and its request is let go", async () => {
    const { server, driver, session, tool } = await opened({ era });
    server.dials.fault = { kind: "hang" };
    await expect(driver.call(session, tool("echo"), { message: "x" }, { timeoutMs: 50 })).rejects.toMatchObject({
      code: "deadline-exceeded",
    });
    // The word that nobody waits any more is a request of its own, and comes when it comes.
    await until(() => server.open === 0 && server.counts.cancelled === (era === "legacy" ? 1 : 0));
  });

  test("a caller's cancellation reaches the running tool", async () => {
    let aborted = false;
    let running = false;
    const { driver, session, tool } = await opened({
      era,
      tools: [
        {
          name: "wait",
          run: (_input, call) =>
            new Promise((resolve) => {
              running = true;
              call.signal.addEventListener("abort", () => {
                aborted = true;
                resolve({ content: [] });
              });
            }),
        },
      ],
    });
    const controller = new AbortController();
    const call = driver.call(session, tool("wait"), {}, { signal: controller.signal });
    await until(() => running);
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: "canceled" });
    await until(() => aborted);
  });

  test("digits beyond 2^53 and the key __proto__ survive, as JSON and as a stream", async () => {
    const { server, driver, session, tool } = await opened({ era });
    const body =
      '{"jsonrpc":"2.0","id":$ID,"result":{"resultType":"complete","content":[],"structuredContent":{"id":12345678901234567890,"__proto__":{"a":1}}}}';
    for (const answers of ["json", "sse"] as const) {
      server.dials.fault =
        answers === "json"
          ? { kind: "raw", body }
          : { kind: "raw", body: `data: ${body}\n\n`, contentType: "text/event-stream" };
      const value = (await driver.call(session, tool("echo"))) as JsonObject;
      expect(value["id"]).toBe(12345678901234567890n);
      expect(Object.keys(value)).toEqual(["id", "__proto__"]);
    }
  });

  test("calls in flight together come back to their own callers", async () => {
    const { driver, session, tool } = await opened({ era, delayMs: 5, answers: "sse" });
    const keys = Array.from({ length: 50 }, (_, index) => `m${index}`);
    const answers = await Promise.all(keys.map((message) => driver.call(session, tool("echo"), { message })));
    expect(answers).toEqual(keys.map((message) => `Echo: ${message}`));
  });
});

describe("lost sessions", () => {
  const dialects: [string, McpServerDials["unknownSession"]][] = [
    ["404 with -32001", { status: 404, code: -32001, message: "Session not found" }],
    ["404 with -32000", { status: 404, code: -32000, message: "Unknown session" }],
    ["404 with plain text", { status: 404, code: null, message: "not here" }],
    [
      "400 with no valid session id",
      { status: 400, code: -32000, message: "Bad Request: No valid session ID provided" },
    ],
    ["400 with invalid session as plain text", { status: 400, code: null, message: "Invalid session ID" }],
    ["400 with not initialized", { status: 400, code: -32000, message: "Bad Request: Server not initialized" }],
    ["200 with -32600", { status: 200, code: -32600, message: "Session not found" }],
  ];

  test.each(dialects)("%s is one", async (_name, unknownSession) => {
    const { server, driver, session, tool } = await opened({ unknownSession });
    server.forgetAll();
    await expect(driver.call(session, tool("echo"), { message: "x" })).rejects.toMatchObject({ code: "session-lost" });
    const next = await driver.open(tool("echo"));
    expect(await driver.call(next, tool("echo"), { message: "y" })).toBe("Echo: y");
    expect(server.counts).toMatchObject({ initialize: 2, executed: 1 });
  });

  test("a tool's own words about a session are none", async () => {
    const { driver, session, tool } = await opened();
    await expect(driver.call(session, tool("fail"), { message: "Session not found" })).rejects.toMatchObject({
      code: "rejected",
    });
  });

  test("a restarted server has forgotten its sessions", async () => {
    const { server, driver, session, tool } = await opened();
    await server.restart();
    const code = async (): Promise<string> =>
      driver.call(session, tool("echo"), { message: "x" }).then(
        () => "none",
        (error: { code: string }) => error.code,
      );
    // The first call may still find the old connection half open.
    expect(["outcome-unknown", "session-lost"]).toContain(await code());
    expect(await code()).toBe("session-lost");
    expect(server.counts.executed).toBe(0);
  });

  test("a session is ended at the server when it is closed, and not when it is lost", async () => {
    const { server, driver, session, tool } = await opened();
    await driver.terminate(session);
    expect(server.counts.delete).toBe(1);
    const lost = await driver.open(tool("echo"));
    await driver.terminate({ ...lost, lost: true });
    expect(server.counts.delete).toBe(1);
  });

  test("a server that refuses to end a session disturbs nobody", async () => {
    const { server, driver, session } = await opened({ faultAt: { DELETE: { kind: "status", status: 405 } } });
    await driver.terminate(session);
    expect(server.counts.delete).toBe(1);
  });
});

describe("finding out the era", () => {
  test("it is asked once a server, and kept", async () => {
    const { server, driver, tool } = await rig({ era: "legacy" });
    await driver.open(tool("echo"));
    await driver.open(tool("echo"));
    expect(server.counts.byMethod.get("server/discover")).toBe(1);
    expect(server.counts.initialize).toBe(2);
  });

  test("a modern server is discovered once and needs no handshake", async () => {
    const { server, driver, tool } = await rig({ era: "both" });
    await driver.open(tool("echo"));
    const session = await driver.open(tool("echo"));
    expect(await driver.call(session, tool("echo"), { message: "x" })).toBe("Echo: x");
    expect(server.counts).toMatchObject({ discover: 1, initialize: 0, delete: 0, get: 0 });
    expect(server.exchanges.at(-1)?.headers).toMatchObject({
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "echo",
    });
  });

  test("too many requests at the probe are no verdict", async () => {
    const { server, driver, tool } = await rig({
      era: "modern",
      faultAt: { "server/discover": { kind: "status", status: 429, headers: { "retry-after": "3" } } },
    });
    await expect(driver.open(tool("echo"))).rejects.toMatchObject({ code: "rate-limited", retryAfterMs: 3000 });
    server.dials.faultAt = {};
    const session = await driver.open(tool("echo"));
    expect(await driver.call(session, tool("echo"), { message: "x" })).toBe("Echo: x");
    expect(server.counts).toMatchObject({ discover: 1, initialize: 0 });
  });

  test("a modern server that has become a legacy one is asked again, and the call was not executed", async () => {
    const { server, driver, tool } = await rig({ era: "modern" });
    const session = await driver.open(tool("echo"));
    server.dials.era = "legacy";
    await expect(driver.call(session, tool("echo"), { message: "x" })).rejects.toMatchObject({ code: "session-lost" });
    const next = await driver.open(tool("echo"));
    expect(await driver.call(next, tool("echo"), { message: "y" })).toBe("Echo: y");
    expect(server.counts.executed).toBe(1);
  });

  test("a result of the older revision is taken, and the server is asked again for the next session", async () => {
    const { server, driver, tool } = await rig({ era: "modern" });
    const session = await driver.open(tool("echo"));
    server.dials.era = "legacy";
    server.dials.sessionIds = false;
    expect(await driver.call(session, tool("echo"), { message: "x" })).toBe("Echo: x");
    expect(driver.lost).toHaveLength(1);
    await driver.open(tool("echo"));
    expect(server.counts.initialize).toBe(1);
  });

  test("a legacy server that has become a modern one is asked again", async () => {
    const { server, driver, tool } = await rig({ era: "legacy" });
    await driver.open(tool("echo"));
    server.dials.era = "modern";
    const session = await driver.open(tool("echo"));
    expect(await driver.call(session, tool("echo"), { message: "x" })).toBe("Echo: x");
  });

  test.each(["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])(
    "revision %s is spoken",
    async (protocolVersion) => {
      const { server, driver, tool } = await rig({ protocolVersion });
      const session = await driver.open(tool("echo"));
      expect(await driver.call(session, tool("echo"), { message: "x" })).toBe("Echo: x");
      expect(server.exchanges.at(-1)?.headers["mcp-protocol-version"]).toBe(protocolVersion);
      expect(server.counts.initialized).toBe(1);
    },
  );

  test("a server without session ids is used without them", async () => {
    const { server, driver, tool } = await rig({ sessionIds: false });
    const session = await driver.open(tool("echo"));
    expect(await driver.call(session, tool("echo"), { message: "x" })).toBe("Echo: x");
    await driver.terminate(session);
    expect(server.counts.delete).toBe(0);
    expect(server.exchanges.at(-1)?.headers["mcp-session-id"]).toBeUndefined();
  });

  test("no stream is opened that nobody reads", async () => {
    const { server, driver, session, tool } = await opened();
    await driver.call(session, tool("echo"), { message: "x" });
    expect(server.counts.get).toBe(0);
  });
});

describe("what cannot be opened", () => {
  test("a hanging server is given up after the time for a handshake", async () => {
    const { server, driver, tool } = await rig({ faultAt: { "server/discover": { kind: "hang" } } });
    await expect(driver.open(tool("echo"))).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("2000 ms"),
    });
    await until(() => server.open === 0);
  });

  test("the pool giving an opening up lets go of it", async () => {
    const { server, driver, tool } = await rig({ faultAt: { initialize: { kind: "hang" } } });
    const controller = new AbortController();
    const opening = driver.open(tool("echo"), { signal: controller.signal });
    await until(() => server.exchanges.some(({ method }) => method === "initialize"));
    controller.abort();
    await expect(opening).rejects.toMatchObject({ code: "canceled" });
    await until(() => server.open === 0);
  });

  test.each<[string, McpFault, JsonObject]>([
    ["a page", { kind: "raw", body: "<html>hello</html>", contentType: "text/html" }, { code: "protocol-error" }],
    ["401", { kind: "status", status: 401 }, { code: "unauthenticated" }],
    [
      "503",
      { kind: "status", status: 503, headers: { "retry-after": "1" } },
      { code: "unavailable", retryAfterMs: 1000 },
    ],
    ["an outage", { kind: "status", status: 502 }, { code: "unavailable" }],
  ])("%s at the first question", async (_name, fault, error) => {
    const { driver, tool } = await rig({ faultAt: { "server/discover": fault } });
    await expect(driver.open(tool("echo"))).rejects.toMatchObject(error);
  });

  test("a web server that speaks no MCP", async () => {
    const notFound: McpFault = { kind: "status", status: 404, body: "not found" };
    const { driver, tool } = await rig({ faultAt: { "server/discover": notFound, initialize: notFound } });
    await expect(driver.open(tool("echo"))).rejects.toMatchObject({
      code: "protocol-error",
      remedy: expect.stringContaining(":server_url"),
    });
  });

  test("a server that speaks no HTTP", async () => {
    const greeter = createServer(
      (socket) =>
        void socket
          .resume()
          .on("error", () => {})
          .end("SSH-2.0-OpenSSH_9.6\r\n"),
    );
    await new Promise<void>((resolve) => greeter.listen(0, "127.0.0.1", resolve));
    undo.push(() => new Promise((resolve) => greeter.close(resolve)));
    const { driver } = await rig();
    const { port } = greeter.address() as AddressInfo;
    const capability = capabilityOf("mcp", { server_url: `http://127.0.0.1:${port}/mcp`, tool_name: "echo" });
    await expect(driver.open(capability)).rejects.toMatchObject({
      code: "protocol-error",
      message: expect.stringContaining("not HTTP"),
      remedy: expect.stringContaining(":server_url"),
    });
  });

  test("a call that finds nobody listening was not executed", async () => {
    const { server, driver, session, tool } = await opened();
    await server.stop();
    const codes = new Set<string>();
    // The first call may still find the old connection half open.
    for (let tries = 0; tries < 3; tries++) {
      const error = await driver.call(session, tool("echo"), { message: "x" }).catch((thrown: unknown) => thrown);
      codes.add((error as { code: string }).code);
    }
    expect([...codes].at(-1)).toBe("unavailable");
  });

  test("nobody listens there", async () => {
    const { server, driver, tool } = await rig();
    await server.stop();
    await expect(driver.open(tool("echo"))).rejects.toMatchObject({
      code: "unavailable",
      remedy: expect.stringContaining(server.url),
    });
  });

  test("a missing token is named", async () => {
    const { driver, tool } = await rig({ tokens: ["right"] });
    await expect(driver.open(tool("echo", { auth_env_var: "LINE_TOKEN" }))).rejects.toMatchObject({
      code: "unauthenticated",
      remedy: expect.stringContaining("Set LINE_TOKEN"),
    });
  });

  test("a refused token is named and not shown", async () => {
    const { driver, tool } = await rig({ tokens: ["right"] }, { env: { LINE_TOKEN: "wrong-token-value" } });
    const error = await driver.open(tool("echo", { auth_env_var: "LINE_TOKEN" })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unauthenticated", remedy: expect.stringContaining("LINE_TOKEN") });
    expect(JSON.stringify(error)).not.toContain("wrong-token-value");
  });

  test.each<[string, string[], JsonObject]>([
    ["a command that does not exist", ["/nonexistent/server"], { code: "not-found" }],
    [
      "a command that ends at once",
      [process.execPath, "-e", "console.error('no licence'); process.exit(3)"],
      { code: "unavailable", message: expect.stringContaining("no licence") as never },
    ],
  ])("%s", async (_name, [command = "", ...args], error) => {
    const driver = driveHandler(createMcpHandler());
    undo.push(() => driver.close());
    await expect(driver.open(capabilityOf("mcp", { command, args, tool_name: "x" }))).rejects.toMatchObject(error);
  });
});

describe("child processes", () => {
  const script = (body: string): JsonObject => ({
    command: process.execPath,
    args: [
      "-e",
      `console.log("a banner"); let rest = "";
       const say = (message) => console.log(JSON.stringify({ jsonrpc: "2.0", ...message }));
       process.stdin.on("end", () => process.exit(0));
       process.stdin.on("data", (data) => { rest += data; for (let at; (at = rest.indexOf("\\n")) >= 0; rest = rest.slice(at + 1)) on(JSON.parse(rest.slice(0, at))); });
       function on(m) {
         if (m.method === "initialize") return say({ id: m.id, result: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "script", version: "1" } } });
         ${body}
       }`,
    ],
    tool_name: "x",
  });

  const start = async (
    body: string,
    extra: JsonObject = {},
  ): Promise<[HandlerDriver<McpSession>, SessionCapability, Session<McpSession>]> => {
    const driver = driveHandler(createMcpHandler({ openTimeoutMs: 5000 }));
    undo.push(() => driver.close());
    const capability = capabilityOf("mcp", { ...script(body), ...extra });
    return [driver, capability, await driver.open(capability)];
  };
  const refuse = `if (m.method === "server/discover") return say({ id: m.id, error: { code: -32601, message: "no" } });`;

  test("one that dies in a call leaves the outcome unknown, and the session is lost", async () => {
    const [driver, capability, session] = await start(`${refuse} if (m.method === "tools/call") process.exit(9);`);
    await expect(driver.call(session, capability)).rejects.toMatchObject({
      code: "outcome-unknown",
      message: expect.stringContaining("exit code 9"),
    });
    expect(driver.lost).toHaveLength(1);
    await expect(driver.call(session, capability)).rejects.toMatchObject({ code: "session-lost" });
  });

  test("one that ends at a question before the handshake is started again for an older one", async () => {
    const [driver, capability, session] = await start(
      `if (m.method === "server/discover") process.exit(1); if (m.method === "tools/call") say({ id: m.id, result: { content: [{ type: "text", text: "42" }] } });`,
    );
    expect(await driver.call(session, capability)).toBe("42");
    expect(driver.lost).toEqual([]);
  });

  test("a message beyond the limit ends the session and fails the call", async () => {
    const [driver, capability, session] = await start(
      `${refuse} if (m.method === "tools/call") say({ id: m.id, result: { content: [{ type: "text", text: "x".repeat(1e6) }] } });`,
      { max_response_bytes: 100_000 },
    );
    await expect(driver.call(session, capability)).rejects.toMatchObject({ code: "protocol-error" });
    expect(driver.lost).toHaveLength(1);
  });

  test("a cancelled call is cancelled at the server under the id it knows", async () => {
    const [driver, capability, session] = await start(
      `${refuse} if (m.method === "tools/call" && m.params.arguments.last) say({ id: m.id, result: { content: [], structuredContent: seen } });
       globalThis.seen ??= {}; if (m.method === "tools/call") seen.call = m.id; if (m.method === "notifications/cancelled") seen.cancelled = m.params.requestId;`,
    );
    await expect(driver.call(session, capability, {}, { timeoutMs: 50 })).rejects.toMatchObject({
      code: "deadline-exceeded",
    });
    const seen = (await driver.call(session, capability, { last: true })) as JsonObject;
    expect(seen["cancelled"]).toBeTypeOf("string");
    expect(seen["cancelled"]).toBe(seen["call"]);
  });

  test("closing the session ends the process", async () => {
    const [driver, capability, session] = await start(
      `${refuse} if (m.method === "tools/call") say({ id: m.id, result: { content: [], structuredContent: { pid: process.pid } } });`,
    );
    const { pid } = (await driver.call(session, capability)) as { pid: number };
    await driver.terminate(session);
    expect(() => process.kill(pid, 0)).toThrow();
    expect(driver.lost).toEqual([]);
  });
});

test("two holders of one session never get each other's answers", async () => {
  const { server, driver, session, tool } = await opened({ delayMs: 3 });
  const other = driveHandler(createMcpHandler());
  undo.push(() => other.close());
  const record = createMcpHandler().snapshot(session) as JsonObject;
  const shared = await other.restore(record, tool("echo"));
  const messages = Array.from({ length: 30 }, (_, index) => `m${index}`);
  const answers = await Promise.all(
    messages.map((message, index) =>
      index % 2 === 0 ? driver.call(session, tool("echo"), { message }) : other.call(shared, tool("echo"), { message }),
    ),
  );
  expect(answers).toEqual(messages.map((message) => `Echo: ${message}`));
  const ids = server.exchanges.filter(({ method }) => method === "tools/call").map(({ id }) => id);
  expect(new Set(ids).size).toBe(30);
  expect(server.counts.initialize).toBe(1);
});

test("a tool that wants arguments as headers gets them, from its schema or after it has complained", async () => {
  const inputSchema = { type: "object", properties: { region: { type: "string", "x-mcp-header": "Region" } } };
  const { server, driver, tool } = await rig({
    era: "modern",
    tools: [{ name: "where", inputSchema, run: () => ({ content: [{ type: "text", text: "ok" }] }) }],
  });
  const informed = tool("where", { input_schema_json: JSON.stringify(inputSchema) });
  const session = await driver.open(informed);
  expect(await driver.call(session, informed, { region: "süd" })).toBe("ok");
  expect(server.exchanges.at(-1)?.headers["mcp-param-region"]).toBe(
    `=?base64?${Buffer.from("süd").toString("base64")}?=`,
  );

  server.dials.fault = { kind: "status", status: 400, code: -32020, message: "Header mismatch" };
  server.dials.faultTimes = 1;
  expect(await driver.call(session, tool("where"), { region: "north" })).toBe("ok");
  expect(server.exchanges.at(-1)?.headers["mcp-param-region"]).toBe("north");
});
