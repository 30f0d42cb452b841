import { afterEach, describe, expect, test } from "vitest";

import type { JsonObject } from "../../src/kernel/index.ts";
import { createMcpHandler, type McpSession } from "../../src/providers/mcp/index.ts";
import type { SessionCapability } from "../../src/session/handler.ts";
import {
  capabilityOf,
  driveHandler,
  startMcpServer,
  type HandlerDriver,
  type McpServer,
  type McpServerDials,
} from "../../testing/index.ts";

const RESOURCES: Readonly<Record<string, object[]>> = {
  "note://plain": [{ uri: "note://plain", mimeType: "text/plain", text: '{"looks": "like JSON"}' }],
  "note://json": [
    { uri: "note://json", mimeType: "application/json; charset=utf-8", text: '{"n":12345678901234567890}' },
  ],
  "note://geo": [{ uri: "note://geo", mimeType: "application/geo+json", text: "[1]" }],
  "note://lies": [{ uri: "note://lies", mimeType: "application/json", text: "not JSON" }],
  "note://bytes": [{ uri: "note://bytes", mimeType: "image/png", blob: "AAEC" }],
  "note://both": [
    { uri: "note://both/1", text: "one" },
    { uri: "note://both/2", text: "two" },
  ],
  "note://broken": [{ uri: "note://broken" }],
  "file:///a%20b/c?x=1&x=2": [{ uri: "file:///", text: "expanded" }],
};

function methods(seen: JsonObject[]): McpServerDials["methods"] {
  const noted =
    (answer: (params: JsonObject) => object) =>
    (params: Record<string, unknown>): object => {
      const { _meta, ...own } = params as JsonObject;
      seen.push(own);
      return answer(own);
    };
  return {
    "resources/read": noted(({ uri }) => {
      const contents = RESOURCES[String(uri)];
      return contents === undefined ? { rpcError: { code: -32002, message: "Resource not found" } } : { contents };
    }),
    "prompts/get": noted((params) => ({
      description: "A greeting",
      messages: [{ role: "user", content: { type: "text", text: JSON.stringify(params["arguments"]) } }],
      _meta: { own: true },
    })),
    "completion/complete": noted((params) => ({ completion: { values: ["Paris", JSON.stringify(params)], total: 2 } })),
  };
}

describe.each(["legacy", "modern"] as const)("operations other than tools, %s", (era) => {
  const open: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
  });

  async function start(
    dials: Partial<McpServerDials> = {},
  ): Promise<{ server: McpServer; driver: HandlerDriver<McpSession>; seen: JsonObject[]; run: Run }> {
    const seen: JsonObject[] = [];
    const server = await startMcpServer({ era, methods: methods(seen), ...dials });
    const driver = driveHandler(createMcpHandler());
    open.push(server, { [Symbol.asyncDispose]: () => driver.close() });
    const run: Run = async (block, input = {}) => {
      const capability = capabilityOf("mcp", { server_url: server.url, ...block });
      return driver.call(await driver.open(capability), capability, input);
    };
    return { server, driver, seen, run };
  }
  type Run = (block: JsonObject, input?: JsonObject) => Promise<unknown>;

  test("a resource is its text, the value of its JSON, or its bytes beside their type", async () => {
    const { run } = await start();
    expect(await run({ resource: "note://plain" })).toBe('{"looks": "like JSON"}');
    expect(await run({ resource: "note://json" })).toEqual({ n: 12345678901234567890n });
    expect(await run({ resource: "note://geo" })).toEqual([1]);
    expect(await run({ resource: "note://lies" })).toBe("not JSON");
    expect(await run({ resource: "note://bytes" })).toEqual({
      uri: "note://bytes",
      mimeType: "image/png",
      blob: "AAEC",
    });
    expect(await run({ resource: "note://both" })).toEqual(RESOURCES["note://both"]);
  });

  test("a template gets its variables from the input", async () => {
    const { run, seen } = await start();
    const template = "file:///{dir}/{name}{?x*}";
    expect(await run({ resource_template: template }, { dir: "a b", name: "c", x: [1, "2"] })).toBe("expanded");
    expect(seen).toEqual([{ uri: "file:///a%20b/c?x=1&x=2" }]);
  });

  test("what a template is given stays within its place", async () => {
    const { run, seen } = await start();
    await run({ resource_template: "file:///{name}" }, { name: "../../etc/passwd", __proto__: "x" }).catch(() => {});
    expect(seen).toEqual([{ uri: "file:///..%2F..%2Fetc%2Fpasswd" }]);
  });

  test("a prompt is its messages, and its arguments travel as texts", async () => {
    const { run } = await start();
    const prompt = (await run({ prompt: "greet" }, { name: "Ada", times: 3, tags: ["a"], none: null })) as JsonObject;
    expect(prompt).toEqual({
      description: "A greeting",
      messages: [{ role: "user", content: { type: "text", text: '{"name":"Ada","times":"3","tags":"[\\"a\\"]"}' } }],
    });
  });

  test("a completion is asked for with the argument, what stands so far, and the other arguments", async () => {
    const { run, seen } = await start();
    const values = await run(
      { complete: { prompt: "travel" } },
      { argument: "city", value: "Pa", context: { country: "France" } },
    );
    expect(values).toMatchObject({ values: ["Paris", expect.any(String)], total: 2 });
    await run({ complete: { resource_template: "file:///{path}", argument: "path" } }, { value: 1 });
    expect(seen).toEqual([
      {
        ref: { type: "ref/prompt", name: "travel" },
        argument: { name: "city", value: "Pa" },
        context: { arguments: { country: "France" } },
      },
      { ref: { type: "ref/resource", uri: "file:///{path}" }, argument: { name: "path", value: "1" } },
    ]);
  });

  test("what is not there is rejected in the server's words, with a remedy that names the key", async () => {
    const { run } = await start();
    await expect(run({ resource: "note://none" })).rejects.toMatchObject({
      code: "rejected",
      message: expect.stringContaining("Resource not found"),
      remedy: expect.stringContaining(":resource"),
    });
  });

  test("a server without prompts says so", async () => {
    const { run } = await start({ methods: {} });
    await expect(run({ prompt: "greet" })).rejects.toMatchObject({ code: "rejected" });
  });

  test("a result without contents breaks the protocol", async () => {
    const { run } = await start();
    await expect(run({ resource: "note://broken" })).rejects.toMatchObject({
      code: "protocol-error",
      details: { executed: true },
    });
  });

  if (era === "modern")
    test("headers name the operation, so that proxies can route it", async () => {
      const { run, server } = await start();
      await run({ resource: "note://plain" });
      await run({ prompt: "greet" });
      const headers = server.exchanges.slice(-2).map((exchange) => exchange.headers);
      expect(headers).toMatchObject([
        { "mcp-method": "resources/read", "mcp-name": "note://plain" },
        { "mcp-method": "prompts/get", "mcp-name": "greet" },
      ]);
    });
});

describe("what a capability does", () => {
  const driver = driveHandler(createMcpHandler());
  const target = (block: JsonObject): unknown => driver.target(capability(block));
  const capability = (block: JsonObject): SessionCapability =>
    capabilityOf("mcp", { server_url: "http://127.0.0.1:1/mcp", ...block });

  test("reading twice is harmless; a tool says so itself or not", () => {
    expect(target({ resource: "a:b" })).toMatchObject({ idempotent: true, operation: "a:b" });
    expect(target({ prompt: "p" })).toMatchObject({ idempotent: true, operation: "p" });
    expect(target({ complete: { prompt: "p" } })).toMatchObject({ idempotent: true, operation: "p" });
    expect(target({ tool_name: "t" })).toMatchObject({ idempotent: undefined });
  });

  test("one session serves tools, resources and prompts of a server", () => {
    const blocks: JsonObject[] = [{ tool_name: "t" }, { resource: "a:b" }, { prompt: "p", log_level: "debug" }];
    const shapes = blocks.map((block) => driver.target(capability(block)).shape);
    expect(new Set(shapes.map((shape) => JSON.stringify(shape))).size).toBe(1);
  });

  test.each<[JsonObject, RegExp]>([
    [{}, /names no tool/],
    [{ tool_name: "t", prompt: "p" }, /both :tool_name and :prompt/],
    [{ complete: {} }, /does not say what is completed/],
    [{ complete: { prompt: "p", resource_template: "x:{y}" } }, /does not say what is completed/],
    [{ complete: { prompt: "p", argument: 7 } }, /does not say what is completed/],
    [{ tool_name: "t", log_level: "loud" }, /log_level .* is no level/],
    [{ tool_name: "t", max_buffered_events: 0 }, /max_buffered_events .* is no number of events/],
  ])("%j is refused", (block, message) => {
    expect(() => target(block)).toThrow(message);
  });

  test("a completion for no argument is the caller's mistake", async () => {
    await using server = await startMcpServer({ era: "modern" });
    const own = capabilityOf("mcp", { server_url: server.url, complete: { prompt: "p" } });
    const session = await driver.open(own);
    await expect(driver.call(session, own, { value: "x" })).rejects.toMatchObject({ code: "invalid-argument" });
    await driver.terminate(session);
  });
});
