import { setTimeout as pause } from "node:timers/promises";

import { afterEach, describe, expect, test } from "vitest";

import type { JsonObject, StreamEvent } from "../../src/kernel/index.ts";
import { createMcpHandler, type McpSession } from "../../src/providers/mcp/index.ts";
import type { Session, SessionCapability } from "../../src/session/handler.ts";
import {
  capabilityOf,
  driveHandler,
  startMcpServer,
  type HandlerDriver,
  type McpServer,
  type McpServerDials,
  type McpTool,
  type McpToolCall,
} from "../../testing/index.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

interface Rig {
  readonly server: McpServer;
  readonly driver: HandlerDriver<McpSession>;
  readonly session: Session<McpSession>;
  capability(block: JsonObject): SessionCapability;
  stream(block: JsonObject, input?: JsonObject): AsyncIterable<StreamEvent>;
}

async function rig(dials: Partial<McpServerDials>): Promise<Rig> {
  const server = await startMcpServer(dials);
  const driver = driveHandler(createMcpHandler());
  open.push(server, { [Symbol.asyncDispose]: () => driver.close() });
  const capability = (block: JsonObject): SessionCapability =>
    capabilityOf("mcp", { server_url: server.url, ...block });
  const session = await driver.open(capability({ tool_name: "any" }));
  const stream = (block: JsonObject, input: JsonObject = {}): AsyncIterable<StreamEvent> =>
    driver.stream(session, capability(block), input);
  return { server, driver, session, capability, stream };
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await pause(5);
};
const tokenOf = (call: McpToolCall): unknown => (call.params["_meta"] as JsonObject | undefined)?.["progressToken"];
const done = { content: [], structuredContent: { done: true } };

describe.each(["legacy", "modern"] as const)("a followed call, %s", (era) => {
  const work: McpTool = {
    name: "work",
    async run(_input, call) {
      const progressToken = tokenOf(call);
      await call.notify("notifications/progress", {
        progressToken,
        progress: 1,
        total: 2,
        message: "half\u001b[2J way",
      });
      await call.notify("notifications/message", { level: "debug", data: "too mild" });
      await call.notify("notifications/message", { level: "warning", logger: "disk", data: { free: 1 } });
      await call.notify("notifications/message", { level: "chatty", data: "of its own kind" });
      await call.notify("notifications/unheard-of", {});
      await call.notify("notifications/progress", { progressToken, progress: "two" });
      return done;
    },
  };

  test("tells progress and log as they come, and the result last", async () => {
    const { stream } = await rig({ era, tools: [work] });
    expect(await Array.fromAsync(stream({ tool_name: "work" }))).toEqual([
      { type: "progress", progress: 1, total: 2, message: "half way" },
      { type: "log", level: "warning", logger: "disk", value: { free: 1 } },
      { type: "log", level: "chatty", value: "of its own kind" },
      { type: "result", value: { done: true } },
    ]);
  });

  test("tells a milder log where asked for, and none where that is off", async () => {
    const { stream } = await rig({ era, tools: [work] });
    const logs = async (level: string): Promise<string[]> => {
      const events = await Array.fromAsync(stream({ tool_name: "work", log_level: level }));
      return events.flatMap((event) => (event.type === "log" ? [event.level] : []));
    };
    expect(await logs("debug")).toEqual(["debug", "warning", "chatty"]);
    expect(await logs("error")).toEqual(["chatty"]);
    expect(await logs("off")).toEqual(["chatty"]);
  });

  test("asks for the log with the call, or once for the session, where the server has one", async () => {
    const levels: unknown[] = [];
    const own: McpTool = {
      name: "work",
      run: (_input, { params }) => {
        levels.push((params["_meta"] as JsonObject | undefined)?.["io.modelcontextprotocol/logLevel"]);
        return done;
      },
    };
    const { stream, server } = await rig({
      era,
      tools: [own],
      capabilities: { logging: {} },
      methods: { "logging/setLevel": () => ({}) },
    });
    for (const level of ["warning", "info", "error"]) {
      await Array.fromAsync(stream({ tool_name: "work", log_level: level }));
    }
    const set = server.exchanges.filter(({ method }) => method === "logging/setLevel");
    if (era === "modern") {
      expect(levels).toEqual(["warning", "info", "error"]);
      expect(set).toEqual([]);
    } else {
      expect(levels).toEqual([undefined, undefined, undefined]);
      expect(set.map(({ body }) => (body as { params: unknown }).params)).toEqual([
        { level: "warning" },
        { level: "info" },
      ]);
    }
  });

  test("fails as a call that nobody follows does, after what was told", async () => {
    const failing: McpTool = {
      name: "fail",
      async run(_input, call) {
        await call.notify("notifications/progress", { progressToken: tokenOf(call), progress: 1 });
        throw new Error("no such disk");
      },
    };
    const { stream } = await rig({ era, tools: [failing] });
    const events: StreamEvent[] = [];
    const follow = async (): Promise<void> => {
      for await (const event of stream({ tool_name: "fail" })) events.push(event);
    };
    await expect(follow()).rejects.toMatchObject({
      code: "rejected",
      message: expect.stringContaining("no such disk"),
    });
    expect(events).toEqual([{ type: "progress", progress: 1 }]);
  });

  test("whoever leaves while nothing comes ends the work at the server", async () => {
    let working = 0;
    const silent: McpTool = {
      name: "silent",
      async run(_input, call) {
        working++;
        await call.notify("notifications/progress", { progressToken: tokenOf(call), progress: 1 });
        await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve(), { once: true }));
        working--;
        return done;
      },
    };
    const { stream, driver, session, capability } = await rig({ era, tools: [silent, work] });
    const events = stream({ tool_name: "silent" })[Symbol.asyncIterator]();
    await events.next();
    const waiting = events.next();
    await pause(20);
    await events.return?.();
    expect(await waiting).toEqual({ value: undefined, done: true });
    await until(() => working === 0);
    expect(await driver.call(session, capability({ tool_name: "work" }))).toEqual({ done: true });
  });

  test("a flood that nobody takes is ended, and says which key raises the limit", async () => {
    const flood: McpTool = {
      name: "flood",
      async run(_input, call) {
        for (let at = 0; at < 50 && !call.signal.aborted; at++) {
          await call.notify("notifications/progress", { progressToken: tokenOf(call), progress: at });
        }
        await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve(), { once: true }));
        return done;
      },
    };
    const { stream } = await rig({ era, tools: [flood] });
    const follow = async (): Promise<void> => {
      for await (const _event of stream({ tool_name: "flood", max_buffered_events: 4 })) await pause(100);
    };
    await expect(follow()).rejects.toMatchObject({
      code: "interrupted",
      remedy: expect.stringContaining(":max_buffered_events"),
    });
  });
});

test("two followed calls on one session each hear their own progress, also where it comes on the session's stream", async () => {
  const tokens = new Map<unknown, unknown>();
  const held: (() => void)[] = [];
  const tool: McpTool = {
    name: "work",
    run: (input, call) => {
      tokens.set(input["name"], tokenOf(call));
      return new Promise((resolve) => held.push(() => resolve(done)));
    },
  };
  const { stream, server } = await rig({
    notifications: true,
    tools: [tool],
    capabilities: { logging: {} },
    methods: { "logging/setLevel": () => ({}) },
  });
  const both = ["a", "b"].map((name) => Array.fromAsync(stream({ tool_name: "work" }, { name })));
  await until(() => tokens.size === 2);
  server.streams.announce("notifications/progress", { progressToken: tokens.get("b"), progress: 2 });
  server.streams.announce("notifications/progress", { progressToken: tokens.get("a"), progress: 1 });
  server.streams.announce("notifications/progress", { progressToken: "somebody else's", progress: 9 });
  // Nobody can tell whose this is.
  server.streams.announce("notifications/message", { level: "info", data: "whose?" });
  await pause(50);
  for (const release of held) release();
  expect(await Promise.all(both)).toEqual([
    [
      { type: "progress", progress: 1 },
      { type: "result", value: { done: true } },
    ],
    [
      { type: "progress", progress: 2 },
      { type: "result", value: { done: true } },
    ],
  ]);
});

describe.each(["legacy", "modern"] as const)("a followed resource, %s", (era) => {
  let content = 1;
  const dials = (rest: Partial<McpServerDials> = {}): Partial<McpServerDials> => ({
    era,
    notifications: true,
    capabilities: { resources: { subscribe: true } },
    methods: {
      "resources/read": ({ uri }) => ({ contents: [{ uri, text: `content ${content}` }] }),
      "resources/subscribe": () => ({}),
      "resources/unsubscribe": () => ({}),
    },
    ...rest,
  });
  const changed = (server: McpServer, uri: string): void => {
    content++;
    server.streams.announce("notifications/resources/updated", { uri });
  };

  test("gives what it holds, and again whenever it has changed", async () => {
    const { stream, server } = await rig(dials());
    content = 1;
    const events = stream({ resource: "note://a" })[Symbol.asyncIterator]();
    expect(await events.next()).toEqual({ done: false, value: { type: "data", value: "content 1" } });
    const next = events.next();
    await until(() => server.streams.size === 1);
    server.streams.announce("notifications/resources/updated", { uri: "note://another" });
    changed(server, "note://a");
    expect(await next).toEqual({ done: false, value: { type: "data", value: "content 2" } });
    await events.return?.();
    if (era === "modern") await until(() => server.streams.size === 0);
    else expect(server.counts.byMethod.get("resources/unsubscribe")).toBe(1);
  });

  test("changes that nobody takes are one", async () => {
    const { stream, server } = await rig(dials());
    const events = stream({ resource: "note://a" })[Symbol.asyncIterator]();
    await events.next();
    for (let at = 0; at < 100; at++) changed(server, "note://a");
    await pause(50);
    const reads = (): number => server.counts.byMethod.get("resources/read") ?? 0;
    const before = reads();
    expect(await events.next()).toEqual({ done: false, value: { type: "data", value: `content ${content}` } });
    expect(reads()).toBe(before + 1);
    await events.return?.();
  });

  test("a change of a part is a change", async () => {
    const { stream, server } = await rig(dials());
    const events = stream({ resource: "note://a" })[Symbol.asyncIterator]();
    await events.next();
    const next = events.next();
    if (era === "legacy") changed(server, "note://a/part");
    else server.streams.announce("notifications/resources/updated", { uri: "note://a" });
    expect(await next).toMatchObject({ done: false });
    await events.return?.();
  });

  test("goes on where its stream was cut, and what may have been missed is a change", async () => {
    const { stream, server } = await rig(dials());
    const events = stream({ resource: "note://a" })[Symbol.asyncIterator]();
    await events.next();
    await until(() => server.streams.size === 1);
    const next = events.next();
    content++;
    server.streams.cut();
    expect(await next).toEqual({ done: false, value: { type: "data", value: `content ${content}` } });
    const later = events.next();
    await until(() => server.streams.size === 1);
    changed(server, "note://a");
    expect(await later).toEqual({ done: false, value: { type: "data", value: `content ${content}` } });
    await events.return?.();
  });

  test("ends where its session ends", async () => {
    const { stream, driver, session } = await rig(dials());
    const events = stream({ resource: "note://a" })[Symbol.asyncIterator]();
    await events.next();
    const next = events.next().catch((error: unknown) => error);
    await driver.terminate(session);
    expect(await next).toMatchObject({ code: expect.stringMatching(/session-lost|outcome-unknown|unavailable/) });
  });

  test("is read once, and says so, where the server does not tell of changes", async () => {
    const { stream } = await rig(dials(era === "legacy" ? { capabilities: { resources: {} } } : { capabilities: {} }));
    content = 7;
    expect(await Array.fromAsync(stream({ resource: "note://a" }))).toEqual([
      { type: "log", level: "notice", value: expect.stringContaining("does not tell of changes") },
      { type: "result", value: "content 7" },
    ]);
  });
});

test("two streams of one resource subscribe once each, and the last one unsubscribes", async () => {
  const { stream, server } = await rig({
    notifications: true,
    capabilities: { resources: { subscribe: true } },
    methods: {
      "resources/read": ({ uri }) => ({ contents: [{ uri, text: "x" }] }),
      "resources/subscribe": () => ({}),
      "resources/unsubscribe": () => ({}),
    },
  });
  const [one, two] = [stream({ resource: "note://a" }), stream({ resource: "note://a" })].map((each) =>
    each[Symbol.asyncIterator](),
  );
  await one?.next();
  await two?.next();
  await one?.return?.();
  expect(server.counts.byMethod.get("resources/unsubscribe")).toBeUndefined();
  await two?.return?.();
  expect(server.counts.byMethod.get("resources/unsubscribe")).toBe(1);
});

describe.each(["legacy", "modern"] as const)("changes of what a server offers, %s", (era) => {
  test("are told to whoever listens, and asked for by nobody else", async () => {
    const server = await startMcpServer({
      era,
      notifications: true,
      capabilities: { tools: { listChanged: true }, prompts: { listChanged: true } },
    });
    const [listening, deaf] = [true, false].map((followOffer) => driveHandler(createMcpHandler(), { followOffer }));
    open.push(server);
    const capability = capabilityOf("mcp", { server_url: server.url, tool_name: "echo" });
    await deaf?.open(capability);
    expect(server.streams.size).toBe(0);
    await listening?.open(capability);
    await until(() => server.streams.size === 1);
    server.streams.announce("notifications/tools/list_changed");
    server.streams.announce("notifications/prompts/list_changed");
    await until(() => listening?.changes.length === 2);
    expect(listening?.changes).toEqual(["tools", "prompts"]);
    await listening?.close();
    await until(() => server.streams.size === 0);
    await deaf?.close();
  });

  test("are heard again after the stream was cut", async () => {
    const server = await startMcpServer({ era, notifications: true, capabilities: { tools: { listChanged: true } } });
    const driver = driveHandler(createMcpHandler(), { followOffer: true });
    open.push(server, { [Symbol.asyncDispose]: () => driver.close() });
    await driver.open(capabilityOf("mcp", { server_url: server.url, tool_name: "echo" }));
    await until(() => server.streams.size === 1);
    server.streams.cut();
    await until(() => server.streams.size === 0);
    await until(() => server.streams.size === 1);
    server.streams.announce("notifications/tools/list_changed");
    await until(() => driver.changes.length === 1);
  });
});

describe("the stream of a session", () => {
  const follow = async (server: McpServer): Promise<HandlerDriver<McpSession>> => {
    const driver = driveHandler(createMcpHandler(), { followOffer: true });
    open.push(server, { [Symbol.asyncDispose]: () => driver.close() });
    await driver.open(capabilityOf("mcp", { server_url: server.url, tool_name: "echo" }));
    return driver;
  };

  test.each([400, 404, 405, 406, 501])(
    "that a server refuses with %d is not there, and no session is lost",
    async (status) => {
      const server = await startMcpServer({ notifications: status });
      const driver = await follow(server);
      await pause(100);
      expect(driver.lost).toEqual([]);
      expect(server.counts.get).toBe(1);
    },
  );

  test("tells that the session is lost where a server that had it knows the session no longer", async () => {
    const server = await startMcpServer({ notifications: true });
    const driver = await follow(server);
    server.forgetAll();
    server.streams.cut();
    await until(() => driver.lost.length > 0);
    expect(driver.lost).toEqual(["The server knows the session no longer."]);
  });

  test("is ended by an event beyond the limit, and the session serves on", async () => {
    const server = await startMcpServer({ notifications: true });
    const driver = driveHandler(createMcpHandler(), { followOffer: true });
    open.push(server, { [Symbol.asyncDispose]: () => driver.close() });
    const capability = capabilityOf("mcp", { server_url: server.url, tool_name: "echo", max_response_bytes: 2_000 });
    const session = await driver.open(capability);
    server.streams.announce("notifications/message", { data: "x".repeat(500_000) });
    await until(() => server.streams.size === 0);
    expect(await driver.call(session, capability, { message: "hi" })).toBe("Echo: hi");
    expect(driver.lost).toEqual([]);
  });

  test("a server that asks without end is answered 64 questions at once, and no more", async () => {
    const server = await startMcpServer({ notifications: true });
    let asked = 0;
    const driver = driveHandler(createMcpHandler(), {
      interaction: { elicit: () => (asked++, new Promise(() => {})) },
    });
    open.push(server, { [Symbol.asyncDispose]: () => driver.close() });
    const capability = capabilityOf("mcp", { server_url: server.url, tool_name: "echo" });
    const session = await driver.open(capability);
    const form = { message: "?", requestedSchema: { type: "object", properties: {} } };
    for (let at = 0; at < 100; at++) server.streams.ask(`q${at}`, "elicitation/create", form);
    await until(() => asked === 64);
    expect(await driver.call(session, capability, { message: "hi" })).toBe("Echo: hi");
    expect(asked).toBe(64);
  });
});
