import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEmbeddedServer, type EmbeddedServer } from "../../src/demo/index.ts";
import { createEnvironment, type CCOSEnvironment } from "../../src/environment.ts";
import type { JsonObject } from "../../src/kernel/index.ts";
import { repository } from "../run-process.ts";

// Without a token the same tests run against the embedded server, so that they are known to work when one is there.
const token = process.env["MCP_AUTH_TOKEN"];
const where = token === undefined ? "the embedded server, as MCP_AUTH_TOKEN is not set" : "GitHub's MCP server";

describe(`examples/github.rtfs against ${where}`, () => {
  let server: EmbeddedServer | undefined;
  let env: CCOSEnvironment;
  const opened: string[] = [];

  beforeAll(async () => {
    if (token === undefined) server = await startEmbeddedServer({ accounts: { "token-of-nobody": "octo-demo" } });
    env = await createEnvironment({
      capabilities: [join(repository, "capabilities", "github")],
      config: {},
      env: server === undefined ? process.env : { MCP_SERVER_URL: server.url, MCP_AUTH_TOKEN: "token-of-nobody" },
    });
    env.on("sessionOpened", ({ sessionId }) => opened.push(sessionId));
  });

  afterAll(async () => {
    await env?.close();
    await server?.close();
  });

  test("it tells who the token belongs to and what is open", async () => {
    const source = readFileSync(join(repository, "examples", "github.rtfs"), "utf8");
    const value = (await env.run(source, { file: "github.rtfs", timeoutMs: 50_000 })) as JsonObject;
    expect(value["user"]).toMatch(/^[\w-]+/);
    expect(value["open"]).toBeGreaterThan(0);
    expect(value["latest"]).toHaveLength(5);
    expect(value["created"]).toBeNull();
  });

  test("a second program reuses the session of the first", async () => {
    const before = opened.length;
    expect(await env.run('(:login (call "mcp.github.get_me" {}))')).toMatch(/^[\w-]+/);
    expect(before).toBeGreaterThan(0);
    expect(opened).toHaveLength(before);
  });
});
