import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { startEmbeddedServer, type EmbeddedServer, type EmbeddedServerOptions } from "../src/demo/index.ts";
import { createEnvironment, type CCOSEnvironment } from "../src/environment.ts";
import { isCcosError, type CcosError, type RuntimeEvents } from "../src/kernel/index.ts";
import { repository, runCcos } from "./run-process.ts";

// The four symptoms of docs/troubleshooting.md, by the words people search for.

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function embedded(options: EmbeddedServerOptions = {}): Promise<EmbeddedServer> {
  const server = await startEmbeddedServer(options);
  closing.push(() => server.close());
  return server;
}

/** A server of our own making; its address. */
async function listen(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

/** An address where nothing listens. */
async function deserted(): Promise<string> {
  const url = await listen(() => {});
  await closing.pop()?.();
  return url;
}

/** An environment with GitHub's capabilities, pointed elsewhere as the guide says. */
async function environment(url: string, env: Record<string, string> = {}): Promise<CCOSEnvironment> {
  const capabilities = [join(repository, "capabilities", "github")];
  const made = await createEnvironment({ capabilities, config: {}, env: { MCP_SERVER_URL: url, ...env } });
  closing.push(() => made.close());
  return made;
}

async function failureOf(call: Promise<unknown>): Promise<CcosError> {
  const error: unknown = await call.then(
    (value) => new Error(`It did not fail: ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (!isCcosError(error)) throw error;
  return error;
}

test("each symptom has a chapter of its own", () => {
  const page = readFileSync(join(repository, "docs", "troubleshooting.md"), "utf8");
  const chapters = [...page.matchAll(/^## "(.*)"$/gm)].map(([, title]) => title);
  expect(chapters).toEqual([
    "No response from MCP server",
    "401 Unauthorized",
    "Invalid session ID",
    "Expected OPEN, got open",
  ]);
});

describe("No response from MCP server", () => {
  test("nothing listens: unavailable, with the address, and at once", async () => {
    const url = await deserted();
    const error = await failureOf((await environment(url)).call("mcp.github.get_me", {}));
    expect(error.code).toBe("unavailable");
    expect(error.message).toContain(`Opening a session at ${url} failed`);
    expect(error.remedy).toContain(`Check that the server is running at ${url}`);
  });

  test("it accepts and never answers: deadline-exceeded when the time of the call is up", async () => {
    const env = await environment(await listen(() => {}));
    const error = await failureOf(env.call("mcp.github.get_me", {}, { timeoutMs: 300 }));
    expect(error.code).toBe("deadline-exceeded");
    expect(error.message).toMatch(/did not finish within 300 ms/);
    expect(error.remedy).toMatch(/--timeout, timeoutMs or :timeout_ms/);
  });

  test("what answers is a web site: protocol-error, which says that it speaks no MCP", async () => {
    const url = await listen((_request, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Welcome</title>");
    });
    const error = await failureOf((await environment(url)).call("mcp.github.get_me", {}));
    expect(error.code).toBe("protocol-error");
    expect(error.remedy).toMatch(/does not speak MCP/);
  });

  test("the environment stays usable after each of them", async () => {
    const server = await embedded();
    const variables = { MCP_SERVER_URL: await deserted() };
    const capabilities = [join(repository, "capabilities", "github")];
    const env = await createEnvironment({ capabilities, config: {}, env: variables });
    closing.push(() => env.close());
    await failureOf(env.call("mcp.github.get_me", {}));
    variables.MCP_SERVER_URL = server.url;
    expect(await env.call("mcp.github.get_me", {})).toMatchObject({ login: expect.any(String) });
  });
});

describe("401 Unauthorized", () => {
  test("no token is set: unauthenticated, and the remedy names the variable", async () => {
    const server = await embedded({ accounts: { "token-of-nobody": "octo-demo" } });
    const error = await failureOf((await environment(server.url)).call("mcp.github.get_me", {}));
    expect(error.code).toBe("unauthenticated");
    expect(error.message).toMatch(/HTTP 401/);
    expect(error.remedy).toMatch(/No token was sent\. Set MCP_AUTH_TOKEN/);
  });

  test("the token is refused: the remedy says so, and the token is nowhere in the error", async () => {
    const server = await embedded({ accounts: { "token-of-nobody": "octo-demo" } });
    const env = await environment(server.url, { MCP_AUTH_TOKEN: "canary-expired-token" });
    const error = await failureOf(env.call("mcp.github.get_me", {}));
    expect(error.code).toBe("unauthenticated");
    expect(error.remedy).toMatch(/The token in MCP_AUTH_TOKEN was refused/);
    expect(JSON.stringify(error)).not.toContain("canary");
  });

  test("with the right token it works, and the session is told to be required, and by which key", async () => {
    const server = await embedded({ accounts: { "token-of-nobody": "octo-demo" } });
    const env = await environment(server.url, { MCP_AUTH_TOKEN: "token-of-nobody" });
    const required: RuntimeEvents["sessionRequired"][] = [];
    env.on("sessionRequired", (event) => required.push(event));
    expect(await env.call("mcp.github.get_me", {})).toMatchObject({ login: "octo-demo" });
    expect(required).toEqual([expect.objectContaining({ key: "mcp_requires_session", value: "auto" })]);
  });

  test("check warns of a provider block that does not say whether it requires a session", async () => {
    const file = join(repository, "test", "fixtures", "no-requires-session.rtfs");
    const { code, stdout } = await runCcos(["check", file, "--json"]);
    expect(code).toBe(0);
    const { warnings } = JSON.parse(stdout) as { warnings: { message: string }[] };
    expect(warnings.map(({ message }) => message).join()).toMatch(/requires_session/);
  });
});

describe("Invalid session ID", () => {
  test("the server forgot the session: the call succeeds on another one, and the loss is told", async () => {
    const server = await embedded();
    const env = await environment(server.url);
    const story: string[] = [];
    for (const name of ["sessionOpened", "sessionLost", "sessionReplaced"] as const)
      env.on(name, () => story.push(name));
    await env.call("mcp.github.get_me", {});
    server.forgetSessions();
    const { value, attempts } = await env.callDetailed("mcp.github.get_me", {});
    expect(value).toMatchObject({ login: expect.any(String) });
    expect(attempts).toBe(2);
    expect(story).toEqual(["sessionOpened", "sessionLost", "sessionOpened", "sessionReplaced"]);
    expect(server.stats()).toMatchObject({ initializes: 2, calls: 2 });
  });

  test("a server that forgets every session before it serves anything: session-lost, after two fresh ones", async () => {
    let handshakes = 0;
    const url = await listen((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += String(chunk)));
      request.on("end", () => {
        const message = body === "" ? {} : (JSON.parse(body) as { id?: number; method?: string });
        if (message.method === "initialize") {
          handshakes++;
          const result = {
            protocolVersion: "2025-06-18",
            capabilities: { tools: {} },
            serverInfo: { name: "forgetful", version: "1" },
          };
          response.writeHead(200, { "content-type": "application/json", "mcp-session-id": `peer-${handshakes}` });
          response.end(JSON.stringify({ jsonrpc: "2.0", id: message.id, result }));
        } else if (message.method === "notifications/initialized") response.writeHead(202).end();
        else if (request.method !== "POST") response.writeHead(405).end();
        else if (message.method === "tools/call") {
          const error = { code: -32001, message: "Invalid session ID" };
          response.writeHead(404, { "content-type": "application/json" });
          response.end(JSON.stringify({ jsonrpc: "2.0", id: message.id ?? null, error }));
        } else {
          const error = { code: -32000, message: "Bad Request: Server not initialized" };
          response.writeHead(400, { "content-type": "application/json" });
          response.end(JSON.stringify({ jsonrpc: "2.0", id: message.id ?? null, error }));
        }
      });
    });
    const error = await failureOf((await environment(url)).call("mcp.github.get_me", {}));
    expect(error.code).toBe("session-lost");
    expect(error.message).toMatch(/Invalid session ID/);
    expect(error.remedy).toBeTruthy();
    expect(handshakes).toBe(2);
  });
});

describe("Expected OPEN, got open", () => {
  const query = { owner: "acme", repo: "ccos", state: "open" };

  test("the input schema refuses it before anything is sent, with the path, the values and the right case", async () => {
    const server = await embedded();
    const error = await failureOf((await environment(server.url)).call("mcp.github.list_issues", query));
    expect(error.code).toBe("invalid-argument");
    expect(error.message).toMatch(/state/);
    expect(error.message + String(error.remedy)).toMatch(/"OPEN"/);
    expect(server.stats().initializes).toBe(0);
  });

  test("without a schema the server refuses it: rejected, in its words, with the right case as the remedy", async () => {
    const server = await embedded();
    const env = await environment(server.url);
    await env.capabilities.load(`(capability "mine.issues" :description "Issues" :effects [:network]
      :metadata {:mcp {:server_url "${server.url}" :tool_name "list_issues" :requires_session "auto"}})`);
    const error = await failureOf(env.call("mine.issues", query));
    expect(error.code).toBe("rejected");
    expect(error.message).toMatch(/OPEN/);
    expect(error.remedy).toMatch(/OPEN/);
  });

  test('"OPEN" it is', async () => {
    const server = await embedded();
    const env = await environment(server.url);
    const value = await env.call("mcp.github.list_issues", { ...query, state: "OPEN" });
    expect(value).toMatchObject({ issues: expect.any(Array) });
  });
});
