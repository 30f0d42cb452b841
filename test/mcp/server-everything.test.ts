import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { JsonObject } from "../../src/kernel/index.ts";
import { createMcpHandler, describeServer, type McpSession } from "../../src/providers/mcp/index.ts";
import type { SessionCapability } from "../../src/session/handler.ts";
import { capabilityOf, driveHandler, type HandlerDriver } from "../../testing/index.ts";
import { EVERYTHING, startEverything, type EverythingServer } from "./everything.ts";

describe.each(["streamable HTTP", "HTTP+SSE", "stdio"] as const)("server-everything over %s", (transport) => {
  let server: EverythingServer | undefined;
  let driver: HandlerDriver<McpSession>;
  let place: JsonObject;

  const tool = (name: string, extra: JsonObject = {}): SessionCapability =>
    capabilityOf("mcp", { ...place, tool_name: name, requires_session: "auto", ...extra });

  beforeAll(async () => {
    if (transport === "stdio") {
      place = { command: process.execPath, args: [EVERYTHING, "stdio"], env: { GREETING: "hello" } };
    } else {
      server = await startEverything(transport === "HTTP+SSE" ? "sse" : "streamableHttp");
      place = { server_url: server.url };
    }
    driver = driveHandler(createMcpHandler());
  }, 20_000);

  afterAll(async () => {
    await driver.close();
    await server?.[Symbol.asyncDispose]();
  });

  test("one session serves several tools", async () => {
    const session = await driver.open(tool("echo"));
    expect(await driver.call(session, tool("echo"), { message: "hi" })).toBe("Echo: hi");
    expect(await driver.call(session, tool("get-sum"), { a: 2, b: 3 })).toBe("The sum of 2 and 3 is 5.");
    const weather = await driver.call(session, tool("get-structured-content"), { location: "New York" });
    expect(weather).toMatchObject({ temperature: expect.any(Number), conditions: expect.any(String) });
  });

  if (transport !== "stdio")
    test("what the server knows the session by is a secret", async () => {
      const before = driver.secrets.size;
      await driver.open(tool("echo"));
      expect(driver.secrets.size).toBe(before + 1);
    });

  test("calls in flight together get their own answers", async () => {
    const session = await driver.open(tool("echo"));
    const messages = Array.from({ length: 40 }, (_, index) => `m${index}`);
    const answers = await Promise.all(messages.map((message) => driver.call(session, tool("echo"), { message })));
    expect(answers).toEqual(messages.map((message) => `Echo: ${message}`));
  });

  test("content that is no single text comes as the whole result", async () => {
    const session = await driver.open(tool("get-tiny-image"));
    expect(await driver.call(session, tool("get-tiny-image"))).toMatchObject({
      content: expect.arrayContaining([expect.objectContaining({ type: "image", mimeType: "image/png" })]),
    });
  });

  test("a tool that complains is rejected in its own words", async () => {
    const session = await driver.open(tool("get-sum"));
    await expect(driver.call(session, tool("get-sum"), { a: "x" })).rejects.toMatchObject({
      code: "rejected",
      message: expect.stringMatching(/get-sum .* failed: .*(?:number|invalid)/is),
    });
  });

  test("a deadline ends a slow call, and the session stays usable", async () => {
    const session = await driver.open(tool("echo"));
    const slow = tool("trigger-long-running-operation");
    await expect(driver.call(session, slow, { duration: 20, steps: 2 }, { timeoutMs: 150 })).rejects.toMatchObject({
      code: "deadline-exceeded",
    });
    expect(await driver.call(session, tool("echo"), { message: "still here" })).toBe("Echo: still here");
  });

  test("it says what it is and what it offers", async () => {
    const { args, command, server_url: url, env } = place as Record<string, never>;
    const description = await describeServer({ url, command, args, env });
    expect(description.serverInfo?.name).toBe("mcp-servers/everything");
    expect(description.era).toBe("legacy");
    expect(description.tools.map((known) => known.name)).toEqual(expect.arrayContaining(["echo", "get-sum"]));
    expect(description.resources.length).toBeGreaterThan(0);
    expect(description.prompts.length).toBeGreaterThan(0);
  });

  if (transport === "streamable HTTP")
    test("another holder goes on with a session from its record", async () => {
      const first = driveHandler(createMcpHandler());
      const second = driveHandler(createMcpHandler());
      const session = await first.open(tool("echo"));
      const record = createMcpHandler().snapshot(session) as JsonObject;
      const restored = await second.restore(JSON.parse(JSON.stringify(record)) as JsonObject, tool("echo"));
      const both = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? first : second).call(index % 2 === 0 ? session : restored, tool("echo"), {
            message: `${index}`,
          }),
        ),
      );
      expect(both).toEqual(Array.from({ length: 20 }, (_, index) => `Echo: ${index}`));
      await second.close();
      await expect(first.call(session, tool("echo"), { message: "gone" })).rejects.toMatchObject({
        code: "session-lost",
      });
      await first.close();
    });

  if (transport === "HTTP+SSE")
    test("the end of the event stream is the end of the session", async () => {
      const other = await startEverything("sse");
      const own = driveHandler(createMcpHandler());
      const there = (name: string): SessionCapability =>
        capabilityOf("mcp", { server_url: other.url, tool_name: name });
      const session = await own.open(there("echo"));
      const running = own.call(session, there("trigger-long-running-operation"), { duration: 20, steps: 2 });
      const ended = running.catch((error: unknown) => error);
      await own.call(session, there("echo"), { message: "the other one is under way" });
      await other[Symbol.asyncDispose]();
      expect(await ended).toMatchObject({ code: "outcome-unknown" });
      expect(own.lost).toHaveLength(1);
      await expect(own.call(session, there("echo"), { message: "x" })).rejects.toMatchObject({ code: "session-lost" });
      await own.close();
    });

  if (transport === "stdio")
    test("the child gets the variables that were declared and no others", async () => {
      process.env["CCOS_TEST_SECRET"] = "not for children";
      const session = await driver.open(tool("get-env"));
      const env = (await driver.call(session, tool("get-env"))) as JsonObject;
      delete process.env["CCOS_TEST_SECRET"];
      expect(env).toMatchObject({ GREETING: "hello" });
      expect(env).not.toHaveProperty("CCOS_TEST_SECRET");
    });
});
