import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { Interaction, JsonObject, Question, StreamEvent } from "../../src/kernel/index.ts";
import { createMcpHandler, type McpSession } from "../../src/providers/mcp/index.ts";
import type { Session, SessionCapability } from "../../src/session/handler.ts";
import { capabilityOf, driveHandler, type HandlerDriver } from "../../testing/index.ts";
import { EVERYTHING, startEverything, type EverythingServer } from "./everything.ts";

describe.each(["streamable HTTP", "HTTP+SSE", "stdio"] as const)("server-everything over %s", (transport) => {
  let server: EverythingServer | undefined;
  let driver: HandlerDriver<McpSession>;
  let session: Session<McpSession>;
  let place: JsonObject;
  const asked: Question[] = [];
  const interaction: Interaction = {
    elicit: (question) => {
      asked.push(question);
      return Promise.resolve({
        action: "accept",
        ...(question.kind === "form" && { content: { name: "Ada", check: true } }),
      });
    },
    sample: ({ messages }) => Promise.resolve(`heard ${(messages as JsonObject[]).length} message`),
    roots: () => [{ uri: "file:///tmp/work", name: "work" }],
  };

  const capability = (block: JsonObject): SessionCapability => capabilityOf("mcp", { ...place, ...block });
  const call = (block: JsonObject, input: JsonObject = {}): Promise<unknown> =>
    driver.call(session, capability(block), input);
  const stream = (block: JsonObject, input: JsonObject = {}): AsyncIterable<StreamEvent> =>
    driver.stream(session, capability(block), input);

  beforeAll(async () => {
    if (transport === "stdio") place = { command: process.execPath, args: [EVERYTHING, "stdio"] };
    else {
      server = await startEverything(transport === "HTTP+SSE" ? "sse" : "streamableHttp");
      place = { server_url: server.url };
    }
    driver = driveHandler(createMcpHandler(), { interaction });
    session = await driver.open(capability({ tool_name: "echo" }));
  }, 20_000);

  afterAll(async () => {
    await driver.close();
    await server?.[Symbol.asyncDispose]();
  });

  test("resources, templates, prompts and completion", async () => {
    expect(await call({ resource: "demo://resource/static/document/architecture.md" })).toContain(
      "# Everything Server",
    );
    const template = "demo://resource/dynamic/blob/{resourceId}";
    expect(await call({ resource_template: template }, { resourceId: 2 })).toMatchObject({
      uri: "demo://resource/dynamic/blob/2",
      blob: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/),
    });
    await expect(call({ resource_template: template }, { resourceId: "x" })).rejects.toMatchObject({
      code: "rejected",
    });
    expect(await call({ prompt: "args-prompt" }, { city: "Paris", state: "Texas" })).toMatchObject({
      messages: [{ role: "user", content: { type: "text", text: "What's weather in Paris, Texas?" } }],
    });
    const names = await call(
      { complete: { prompt: "completable-prompt", argument: "name" } },
      { value: "", context: { department: "Sales" } },
    );
    expect(names).toMatchObject({ values: ["David", "Eve", "Frank"] });
  });

  test("progress of a long operation comes while it runs", async () => {
    const events: StreamEvent[] = [];
    const work = stream({ tool_name: "trigger-long-running-operation", log_level: "off" }, { duration: 0.3, steps: 3 });
    let firstAt = 0;
    for await (const event of work) {
      if (events.push(event) === 1) firstAt = performance.now();
    }
    expect(events).toEqual([
      ...[1, 2, 3].map((progress) => ({ type: "progress", progress, total: 3 })),
      { type: "result", value: expect.stringContaining("completed") },
    ]);
    expect(performance.now() - firstAt).toBeGreaterThan(100);
  });

  test("whoever leaves early leaves the session usable", async () => {
    for await (const event of stream({ tool_name: "trigger-long-running-operation" }, { duration: 20, steps: 100 })) {
      if (event.type === "progress") break;
    }
    expect(await call({ tool_name: "echo" }, { message: "still here" })).toBe("Echo: still here");
  });

  test("it asks a person, and the form's defaults are filled in", async () => {
    const told = (await call({ tool_name: "trigger-elicitation-request" })) as { content: { text: string }[] };
    const raw = told.content.at(-1)?.text ?? "";
    const { action, content } = JSON.parse(raw.slice(raw.indexOf("{"))) as { action: string; content: JsonObject };
    expect(action).toBe("accept");
    expect(content).toMatchObject({
      name: "Ada",
      check: true,
      integer: 42,
      number: 3.14,
      untitledSingleSelectEnum: "Monica",
      untitledMultipleSelectEnum: ["Guitar"],
      titledMultipleSelectEnum: ["fish-1"],
      legacyTitledEnum: "pet-1",
    });
    const form = asked.find(({ kind }) => kind === "form");
    expect(form?.kind === "form" ? form.fields.length : 0).toBe(13);
  });

  test("it sends a person to a page, by a request or by an error", async () => {
    for (const errorPath of [false, true]) {
      const url = `https://example.com/${errorPath}`;
      await call({ tool_name: "trigger-url-elicitation" }, { url, errorPath });
      expect(asked.at(-1)).toMatchObject({ kind: "link", url });
    }
  });

  test("it asks for a model's answer, and for the host's folders", async () => {
    const sampled = await call({ tool_name: "trigger-sampling-request" }, { prompt: "hi", maxTokens: 5 });
    expect(JSON.stringify(sampled)).toContain("heard 1 message");
    expect(JSON.stringify(await call({ tool_name: "get-roots-list" }))).toContain("file:///tmp/work");
  });

  test("a followed resource is given again when the server says that it has changed", { timeout: 20_000 }, async () => {
    const events = stream({ resource: "demo://resource/dynamic/text/1" })[Symbol.asyncIterator]();
    expect(await events.next()).toMatchObject({
      value: { type: "data", value: expect.stringContaining("Resource 1") },
    });
    const next = events.next();
    await call({ tool_name: "toggle-subscriber-updates" });
    expect(await next).toMatchObject({ value: { type: "data", value: expect.stringContaining("Resource 1") } });
    await events.return?.();
    await call({ tool_name: "toggle-subscriber-updates" });
  });
});
