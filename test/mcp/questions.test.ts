import { setTimeout as pause } from "node:timers/promises";

import { afterEach, describe, expect, test } from "vitest";

import type { Answer, Asker, Interaction, JsonObject, Question } from "../../src/kernel/index.ts";
import { createMcpHandler } from "../../src/providers/mcp/index.ts";
import {
  capabilityOf,
  driveHandler,
  startMcpServer,
  type HandlerDriver,
  type McpServer,
  type McpTool,
} from "../../testing/index.ts";

const FORM = {
  message: "Who\u001b[31m are you?",
  requestedSchema: {
    type: "object",
    properties: {
      name: { type: "string", title: "Your name", minLength: 2 },
      size: { type: "string", enum: ["s", "l"], enumNames: ["small", "large"], default: "s" },
    },
    required: ["name"],
  },
};
const text = (value: unknown): object => ({ content: [{ type: "text", text: JSON.stringify(value) }] });

/** Tools that ask back, in the way of each era. */
function toolsThatAsk(era: "legacy" | "modern"): McpTool[] {
  const ask = (name: string, method: string, params: object): McpTool => ({
    name,
    async run(_input, call) {
      if (era === "legacy") return text(await call.ask(method, params));
      const given = (call.params["inputResponses"] as JsonObject | undefined)?.["the key"];
      if (given !== undefined) return text({ result: given, state: call.params["requestState"] });
      return {
        raw: { resultType: "input_required", inputRequests: { "the key": { method, params } }, requestState: "s1" },
      };
    },
  });
  return [
    ask("form", "elicitation/create", FORM),
    ask("link", "elicitation/create", { mode: "url", message: "Go there", url: "https://example.com/a?b=c" }),
    ask("bad-link", "elicitation/create", { mode: "url", message: "Go there", url: "javascript:alert(1)" }),
    ask("bad-form", "elicitation/create", { message: "?", requestedSchema: { properties: { a: { type: "object" } } } }),
    ask("sample", "sampling/createMessage", {
      messages: [{ role: "user", content: { type: "text", text: "2+2?" } }],
      maxTokens: 5,
    }),
    ask("roots", "roots/list", {}),
    ask("unheard-of", "elicitation/telepathy", {}),
  ];
}

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

interface Rig {
  readonly server: McpServer;
  readonly driver: HandlerDriver<unknown>;
  call(name: string, input?: JsonObject, signal?: AbortSignal): Promise<unknown>;
}

async function rig(
  era: "legacy" | "modern",
  interaction: Interaction | undefined,
  tools = toolsThatAsk(era),
): Promise<Rig> {
  const server = await startMcpServer({ era, tools });
  const driver = driveHandler(createMcpHandler(), { ...(interaction && { interaction }) });
  open.push(server, { [Symbol.asyncDispose]: () => driver.close() });
  const capability = (name: string) => capabilityOf("mcp", { server_url: server.url, tool_name: name });
  const session = await driver.open(capability("form"));
  return {
    server,
    driver,
    call: (name, input = {}, signal) => driver.call(session, capability(name), input, { ...(signal && { signal }) }),
  };
}

const elicits = (answer: Answer): Interaction & { readonly asked: (Question & Omit<Asker, "signal">)[] } => {
  const asked: (Question & Omit<Asker, "signal">)[] = [];
  return {
    asked,
    elicit: (question, { signal: _, ...asker }) => {
      asked.push({ ...question, ...asker });
      return Promise.resolve(answer);
    },
  };
};

describe.each(["legacy", "modern"] as const)("a server that asks back, %s", (era) => {
  test("a form is filled in by the host, and what it leaves out gets its default", async () => {
    const interaction = elicits({ action: "accept", content: { name: "Ada" } });
    const { call, server } = await rig(era, interaction);
    expect(await call("form")).toMatchObject({ result: { action: "accept", content: { name: "Ada", size: "s" } } });
    expect(interaction.asked).toEqual([
      {
        kind: "form",
        message: "Who are you?",
        fields: [
          { name: "name", label: "Your name", required: true, type: "text", least: 2 },
          {
            name: "size",
            label: "size",
            required: false,
            type: "choice",
            default: "s",
            choices: [
              { value: "s", label: "small" },
              { value: "l", label: "large" },
            ],
          },
        ],
        provider: "mcp",
        endpoint: server.url,
        capabilityId: "mcp.test",
      },
    ]);
  });

  test("a person who declines or leaves is reported as such", async () => {
    for (const action of ["decline", "cancel"] as const) {
      const { call } = await rig(era, elicits({ action }));
      expect(await call("form")).toMatchObject({ result: { action } });
    }
  });

  test("a page to visit is shown whole, and is no form", async () => {
    const interaction = elicits({ action: "accept" });
    const { call } = await rig(era, interaction);
    expect(await call("link")).toMatchObject({ result: { action: "accept" } });
    expect(interaction.asked).toMatchObject([{ kind: "link", message: "Go there", url: "https://example.com/a?b=c" }]);
  });

  test("a model answers a sampling request: a text, a whole message, or nothing", async () => {
    const said = await rig(era, { sample: () => Promise.resolve("4") });
    expect(await said.call("sample")).toMatchObject({
      result: { role: "assistant", content: { type: "text", text: "4" } },
    });
    const whole = { role: "assistant", content: { type: "text", text: "four" }, model: "m" };
    const other = await rig(era, { sample: () => Promise.resolve(whole) });
    expect(await other.call("sample")).toMatchObject({ result: whole });
  });

  test("the host's folders are told", async () => {
    const { call } = await rig(era, { roots: () => [{ uri: "file:///work", name: "work" }] });
    expect(await call("roots")).toMatchObject({ result: { roots: [{ uri: "file:///work", name: "work" }] } });
  });

  test("a server is told what it may ask, and nothing where nobody answers", async () => {
    const told = async (interaction: Interaction | undefined): Promise<unknown> => {
      const { server, call } = await rig(era, interaction);
      await call("form").catch(() => {});
      const first = server.exchanges.find(({ method }) => method === (era === "legacy" ? "initialize" : "tools/call"));
      const { params } = (first as { body: unknown }).body as { params: JsonObject };
      const meta = params["_meta"] as JsonObject | undefined;
      return params["capabilities"] ?? meta?.["io.modelcontextprotocol/clientCapabilities"];
    };
    expect(await told(undefined)).toEqual({});
    expect(await told(elicits({ action: "decline" }))).toEqual({ elicitation: { form: {}, url: {} } });
    expect(await told({ sample: () => Promise.resolve(undefined), roots: () => [] })).toEqual({
      sampling: {},
      roots: {},
    });
  });

  test("a canceled call takes its question back", async () => {
    let asker: Asker | undefined;
    const { call } = await rig(era, {
      elicit: (_question, about) => {
        asker = about;
        return new Promise(() => {});
      },
    });
    const controller = new AbortController();
    const ended = call("form", {}, controller.signal).catch((error: unknown) => error);
    while (asker === undefined) await pause(5);
    controller.abort();
    expect(await ended).toMatchObject({ code: "canceled" });
    expect(asker.signal.aborted).toBe(true);
  });
});

describe("a legacy server that asks what nobody answers", () => {
  test("is declined in the protocol's own words, and its call goes on", async () => {
    const { call } = await rig("legacy", undefined);
    expect(await call("form")).toMatchObject({ result: { action: "decline" } });
    expect(await call("sample")).toMatchObject({ error: { code: -1, message: expect.stringContaining("Nobody") } });
    expect(await call("roots")).toMatchObject({ error: { code: -32601 } });
    expect(await call("unheard-of")).toMatchObject({ error: { code: -32601 } });
  });

  test("is told where it asks wrongly", async () => {
    const interaction = elicits({ action: "accept", content: {} });
    const { call } = await rig("legacy", interaction);
    expect(await call("bad-link")).toMatchObject({ error: { code: -32602, message: expect.stringContaining("http") } });
    expect(await call("bad-form")).toMatchObject({ error: { code: -32602, message: expect.stringContaining("form") } });
    expect(interaction.asked).toEqual([]);
  });

  test("hears that there was no answer where the host fails or answers what does not fit, and people are warned", async () => {
    const { call, driver } = await rig("legacy", elicits({ action: "accept", content: { name: "x" } }));
    expect(await call("form")).toMatchObject({ error: { code: -32603 } });
    expect(driver.warnings.join()).toContain('"name" is at least 2 characters');
    const failing = await rig("legacy", { elicit: () => Promise.reject(new Error("no terminal")) });
    expect(await failing.call("form")).toMatchObject({ error: { message: expect.not.stringContaining("terminal") } });
    expect(failing.driver.warnings.join()).toContain("no terminal");
  });

  test("that wants pages visited before it works is called again when they have been", async () => {
    let visited = false;
    const tool: McpTool = {
      name: "form",
      run: () =>
        visited
          ? text("done")
          : {
              rpcError: {
                code: -32042,
                message: "This request requires more information.",
                data: {
                  elicitations: [{ mode: "url", elicitationId: "1", url: "https://example.com/", message: "Go" }],
                },
              },
            },
    };
    const refused = await rig("legacy", elicits({ action: "decline" }), [tool]);
    await expect(refused.call("form")).rejects.toMatchObject({
      code: "rejected",
      remedy: expect.stringContaining("https://example.com/"),
    });
    const { call } = await rig(
      "legacy",
      {
        elicit: () => {
          visited = true;
          return Promise.resolve({ action: "accept" });
        },
      },
      [tool],
    );
    expect(await call("form")).toBe('"done"');
    visited = false;
    const nobody = await rig("legacy", undefined, [tool]);
    await expect(nobody.call("form")).rejects.toMatchObject({
      code: "rejected",
      remedy: expect.stringContaining("interaction"),
    });
  });
});

test("pages to visit are asked for, too, where the error comes with a status of its own", async () => {
  const interaction = elicits({ action: "accept" });
  const { call, server } = await rig("legacy", interaction, [{ name: "form", run: () => text("done") }]);
  const elicitations = [{ mode: "url", elicitationId: "1", url: "https://example.com/", message: "Go" }];
  const error = { code: -32042, message: "Visit a page first.", data: { elicitations } };
  server.dials.fault = { kind: "status", status: 400, body: JSON.stringify({ jsonrpc: "2.0", id: null, error }) };
  server.dials.faultTimes = 1;
  expect(await call("form")).toBe('"done"');
  expect(interaction.asked).toHaveLength(1);
});

describe("a modern server that asks", () => {
  const raw = (result: object): McpTool[] => [
    { name: "form", run: () => ({ raw: { resultType: "input_required", ...result } }) },
  ];

  test("gets back the state it gave, and no other call has it", async () => {
    const { call, server } = await rig("modern", elicits({ action: "accept", content: { name: "Ada" } }));
    expect(await call("form")).toMatchObject({ state: "s1" });
    const bodies = server.exchanges
      .filter(({ method }) => method === "tools/call")
      .map(({ body }) => body as { id: unknown; params: JsonObject });
    expect(bodies.map(({ params }) => params["requestState"])).toEqual([undefined, "s1"]);
    expect(new Set(bodies.map(({ id }) => id)).size).toBe(2);
  });

  test("what nobody answers is rejected, with a remedy that says who could", async () => {
    const { call } = await rig("modern", undefined);
    await expect(call("form")).rejects.toMatchObject({ code: "rejected", remedy: expect.stringContaining("elicit") });
    await expect(call("sample")).rejects.toMatchObject({ code: "rejected", remedy: expect.stringContaining("sample") });
    await expect(call("roots")).rejects.toMatchObject({ code: "rejected", remedy: expect.stringContaining("roots") });
    await expect(call("unheard-of")).rejects.toMatchObject({ code: "rejected" });
  });

  test("a sampling request that is declined ends the call", async () => {
    const { call } = await rig("modern", { sample: () => Promise.resolve(undefined) });
    await expect(call("sample")).rejects.toMatchObject({
      code: "rejected",
      message: expect.stringContaining("declined"),
    });
  });

  test("that asks again and again is left after ten rounds", async () => {
    const interaction = elicits({ action: "accept", content: { name: "Ada" } });
    const { call } = await rig(
      "modern",
      interaction,
      raw({ inputRequests: { a: { method: "elicitation/create", params: FORM } } }),
    );
    await expect(call("form")).rejects.toMatchObject({
      code: "rejected",
      message: expect.stringContaining("10 times"),
    });
    expect(interaction.asked).toHaveLength(10);
  });

  test.each<[string, object]>([
    ["asks for nothing", {}],
    ["asks no map", { inputRequests: [] }],
    ["asks without a method", { inputRequests: { a: {} } }],
    [
      "asks too much at once",
      {
        inputRequests: Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`q${at}`, { method: "roots/list" }])),
      },
    ],
    ["gives a state that is no text", { requestState: 7 }],
    ["gives a state without end", { requestState: "x".repeat(300_000) }],
  ])("that %s breaks the protocol", async (_what, result) => {
    const { call } = await rig("modern", { roots: () => [] }, raw(result));
    await expect(call("form")).rejects.toMatchObject({ code: "protocol-error" });
  });
});

test("a question on the stream of a session goes to the host, and is nobody's call where several are under way", async () => {
  const interaction = elicits({ action: "decline" });
  const held: (() => void)[] = [];
  const server = await startMcpServer({
    notifications: true,
    tools: [{ name: "hold", run: () => new Promise((resolve) => held.push(() => resolve(text("held")))) }],
  });
  const driver = driveHandler(createMcpHandler(), { interaction });
  open.push(server, { [Symbol.asyncDispose]: () => driver.close() });
  const capability = capabilityOf("mcp", { server_url: server.url, tool_name: "hold" });
  const session = await driver.open(capability);
  expect(server.streams.size).toBe(1);
  const ask = async (): Promise<void> => {
    const before = interaction.asked.length;
    server.streams.ask(`q${before}`, "elicitation/create", FORM);
    while (interaction.asked.length === before) await pause(5);
  };
  const first = driver.call(session, capability);
  while (held.length < 1) await pause(5);
  await ask();
  const second = driver.call(session, capability);
  while (held.length < 2) await pause(5);
  await ask();
  for (const release of held) release();
  await Promise.all([first, second]);
  expect(interaction.asked.map(({ capabilityId }) => capabilityId)).toEqual(["mcp.test", undefined]);
  await driver.terminate(session);
  while (server.streams.size > 0) await pause(5);
});
