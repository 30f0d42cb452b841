import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Check, Diagnosis } from "../../src/doctor/index.ts";
import { createEnvironment, type EnvironmentOptions } from "../../src/environment.ts";
import { startMcpServer, text, type McpServer, type McpServerDials } from "../../testing/mcp-server.ts";
import { createPlace, type Place } from "./ccos-process.ts";
import { toolFile } from "./tool-server.ts";

const TOKEN = "token-of-the-doctors-test";

async function serve(dials: Partial<McpServerDials> = {}): Promise<McpServer> {
  const server = await startMcpServer({ tools: [{ name: "echo", run: () => text("hello") }], ...dials });
  onTestFinished(() => server.stop());
  return server;
}

async function diagnose(file: string, options: EnvironmentOptions = {}, id?: string): Promise<Diagnosis[]> {
  await using env = await createEnvironment({ env: {}, config: {}, capabilities: [], ...options });
  await env.capabilities.load(file);
  return await env.diagnose({ id, timeoutMs: 2_000 });
}

const summary = (diagnosis: Diagnosis | undefined): string[] =>
  (diagnosis?.checks ?? []).map(({ name, status }) => `${name} ${status}`);
const checkOf = (diagnosis: Diagnosis | undefined, name: string): Check | undefined =>
  diagnosis?.checks.find((check) => check.name === name);

describe("a capability that can be called", () => {
  test("has every step told, and none of its tools is run", async () => {
    const server = await serve({ tokens: [TOKEN] });
    const [found] = await diagnose(toolFile("acme.echo", server.url, { block: ':auth_env_var "TOKEN"' }), {
      env: { TOKEN },
    });
    expect(found).toMatchObject({ id: "acme.echo", provider: "mcp", endpoint: server.url, ok: true });
    expect(summary(found)).toEqual([
      "trust ok",
      "variable note",
      "variable ok",
      "tcp ok",
      "handshake ok",
      "credential ok",
      "alive ok",
    ]);
    expect(checkOf(found, "handshake")?.message).toContain("scripted 1.0.0, MCP 2025-11-25");
    expect(checkOf(found, "handshake")?.durationMs).toBeGreaterThanOrEqual(0);
    expect(found?.checks.filter(({ name }) => name === "variable").map(({ message }) => message)).toEqual([
      "MCP_SERVER_URL is not set (a setting, looked for).",
      "TOKEN is set (a credential).",
    ]);
    expect(JSON.stringify(found)).not.toContain(TOKEN);
    expect(server.counts.executed + server.counts.calls).toBe(0);
    // Closed at its peer, like any other session.
    expect([...server.sessions.values()].map(({ state }) => state)).toEqual(["deleted"]);
  });

  test("of the revision without sessions says so", async () => {
    const server = await serve({ era: "modern" });
    const [found] = await diagnose(toolFile("acme.echo", server.url));
    expect(found?.ok).toBe(true);
    expect(checkOf(found, "handshake")?.message).toContain("MCP 2026-07-28");
    expect(checkOf(found, "credential")).toMatchObject({ status: "note" });
  });

  test("shares its look with others of the same session: one handshake for many", async () => {
    const server = await serve();
    const file = ["a", "b", "c", "d"].map((tool) => toolFile(`acme.${tool}`, server.url)).join("\n");
    const found = await diagnose(file);
    expect(found.map(({ id, ok }) => [id, ok])).toEqual([
      ["acme.a", true],
      ["acme.b", true],
      ["acme.c", true],
      ["acme.d", true],
    ]);
    expect(server.counts.initialize).toBe(1);
  });

  test("and runs here has nobody to reach", async () => {
    const [found] = await diagnose('(capability "mine.twice" :description "d" :implementation (fn [n] (* 2 n)))');
    expect(summary(found)).toEqual(["trust ok", "implementation ok"]);
    expect(found).toMatchObject({ provider: null, endpoint: null, ok: true });
  });
});

describe("each problem has its remedy:", () => {
  test("a credential that is refused names its variable", async () => {
    const server = await serve({ tokens: [TOKEN] });
    const file = toolFile("acme.echo", server.url, { block: ':auth_env_var "TOKEN"' });
    const [wrong] = await diagnose(file, { env: { TOKEN: "another-token-altogether" } });
    expect(checkOf(wrong, "credential")).toMatchObject({
      status: "problem",
      remedy: expect.stringContaining("The token in TOKEN was refused"),
    });
    const [unset] = await diagnose(file);
    expect(checkOf(unset, "credential")).toMatchObject({
      status: "problem",
      remedy: expect.stringContaining("Set TOKEN"),
    });
    expect(unset?.ok).toBe(false);
  });

  test("a port nobody listens on", async () => {
    const server = await serve();
    await server.stop();
    const [found] = await diagnose(toolFile("acme.echo", server.url));
    expect(checkOf(found, "tcp")).toMatchObject({
      status: "problem",
      message: expect.stringContaining("ECONNREFUSED"),
      remedy: expect.stringContaining("Nothing listens"),
    });
    // What cannot be reached is not shaken hands with.
    expect(checkOf(found, "handshake")).toBeUndefined();
  });

  test("a host without an address", async () => {
    const [found] = await diagnose(toolFile("acme.echo", "https://no-such-host.invalid/mcp"));
    expect(checkOf(found, "dns")).toMatchObject({
      status: "problem",
      remedy: expect.stringContaining("no-such-host.invalid"),
    });
    expect(checkOf(found, "tcp")).toBeUndefined();
  });

  test("a port that speaks no TLS where the address promises it", async () => {
    const plain = createServer((socket) => socket.on("error", () => {}).end("HTTP/1.1 400 Bad Request\r\n\r\n")).listen(
      0,
      "127.0.0.1",
    );
    onTestFinished(() => void plain.close());
    await new Promise((resolve) => plain.once("listening", resolve));
    const { port } = plain.address() as AddressInfo;
    const [found] = await diagnose(toolFile("acme.echo", `https://127.0.0.1:${port}/mcp`));
    expect(summary(found)).toEqual(expect.arrayContaining(["tcp ok", "tls problem"]));
    expect(checkOf(found, "tls")?.remedy).toContain("scheme");
  });

  test("a server that takes the connection and never answers", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    onTestFinished(() => void silent.close());
    await new Promise((resolve) => silent.once("listening", resolve));
    const { port } = silent.address() as AddressInfo;
    await using env = await createEnvironment({ env: {}, config: {}, capabilities: [] });
    await env.capabilities.load(toolFile("acme.echo", `http://127.0.0.1:${port}/mcp`));
    const [found] = await env.diagnose({ timeoutMs: 200 });
    expect(checkOf(found, "handshake")).toMatchObject({
      status: "problem",
      message: expect.stringContaining("200 ms"),
    });
  });

  test("a server that speaks something else", async () => {
    const server = await serve({
      faultAt: {
        initialize: { kind: "status", status: 404, body: "nothing here" },
        "server/discover": { kind: "status", status: 404, body: "nothing here" },
      },
    });
    const [found] = await diagnose(toolFile("acme.echo", server.url));
    expect(checkOf(found, "handshake")).toMatchObject({
      status: "problem",
      message: expect.stringContaining("404"),
      remedy: expect.any(String),
    });
  });

  test("a provider that nobody registered", async () => {
    await using env = await createEnvironment({
      env: {},
      config: { providers: { line: "./not-there.ts" } },
      capabilities: [],
    });
    await env.capabilities.load(
      '(capability "line.echo" :description "d" :metadata {:line {:requires_session "true"}})',
    );
    const [found] = await env.diagnose();
    expect(checkOf(found, "provider")).toMatchObject({ status: "problem" });
  });

  test("a variable that its capability may not send there", async () => {
    const [found] = await diagnose(
      toolFile("acme.echo", "https://elsewhere.example/mcp", { block: ':auth_env_var "TOKEN"' }),
      {
        env: { TOKEN },
        config: { credentials: { TOKEN: ["https://home.example"] } },
      },
    );
    expect(checkOf(found, "permission")).toMatchObject({
      status: "problem",
      message: expect.stringContaining("TOKEN"),
      remedy: expect.stringContaining("credentials.TOKEN"),
    });
    expect(checkOf(found, "dns")).toBeUndefined();
  });

  test("metadata that names no server", async () => {
    const [found] = await diagnose(
      '(capability "acme.echo" :description "d" :metadata {:mcp {:tool_name "echo" :requires_session "auto"}})',
    );
    expect(checkOf(found, "metadata")).toMatchObject({
      status: "problem",
      remedy: expect.stringContaining(":server_url"),
    });
  });
});

describe("ccos doctor", () => {
  let place: Place;
  beforeEach(async () => {
    place = await createPlace();
  });
  afterEach(() => place.remove());

  test("prints the documented shape with --json, and fails where there is a problem", async () => {
    const server = await serve({ tokens: [TOKEN] });
    await place.write({ "mine/echo.rtfs": toolFile("acme.echo", server.url, { block: ':auth_env_var "TOKEN"' }) });
    const args = ["doctor", "--capabilities", "mine", "--json"];
    const well = await place.ccos(args, { env: { TOKEN } });
    expect(well).toMatchObject({ code: 0, stderr: "" });
    const report = JSON.parse(well.stdout) as { checks: Check[]; capabilities: Diagnosis[] };
    expect(Object.keys(report)).toEqual(["ok", "version", "checks", "capabilities"]);
    expect(report.checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
      "node ok",
      "config ok",
      "store ok",
      "capabilities ok",
    ]);
    expect(Object.keys(report.capabilities[0] ?? {})).toEqual(["id", "provider", "endpoint", "ok", "checks"]);
    const ill = await place.ccos(args);
    expect(ill.code).toBe(1);
    expect(JSON.parse(ill.stdout)).toMatchObject({ ok: false });
    expect(server.counts.calls).toBe(0);
  });

  test("tells people the same, with the remedy under the problem", async () => {
    const server = await serve();
    await server.stop();
    await place.write({ "mine/echo.rtfs": toolFile("acme.a", server.url) + toolFile("acme.b", server.url) });
    const { code, stdout, stderr } = await place.ccos(["doctor", "--capabilities", "mine"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^acme\.a and 1 more \(mcp, http/m);
    expect(stdout).toMatch(/problem {2}tcp .*ECONNREFUSED.*\n\s+Nothing listens/);
    expect(stderr).toBe("1 problem was found.\n");
  });

  test("of one id looks at that one; an unknown id is an error that names those near", async () => {
    const server = await serve();
    await place.write({ "mine/echo.rtfs": toolFile("acme.a", server.url) + toolFile("acme.b", server.url) });
    const one = await place.ccos(["doctor", "acme.b", "--capabilities", "mine", "--json"]);
    expect((JSON.parse(one.stdout) as { capabilities: Diagnosis[] }).capabilities.map(({ id }) => id)).toEqual([
      "acme.b",
    ]);
    const none = await place.ccos(["doctor", "acme.c", "--capabilities", "mine"]);
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining("Did you mean") });
  });

  test("goes on where a file is broken or the configuration is, and says which", async () => {
    const server = await serve();
    await place.write({ "mine/echo.rtfs": toolFile("acme.a", server.url), "mine/broken.rtfs": "(capability" });
    const broken = await place.ccos(["doctor", "--capabilities", "mine", "--json"]);
    expect(broken.code).toBe(1);
    const report = JSON.parse(broken.stdout) as { checks: Check[]; capabilities: Diagnosis[] };
    expect(report.checks.find(({ name }) => name === "loading")?.message).toContain("broken.rtfs:1:1");
    expect(report.capabilities.map(({ ok }) => ok)).toEqual([true]);
    await place.write({ "ccos.config.json": '{ "sesion": {} }' });
    const misspelt = await place.ccos(["doctor", "--json"]);
    expect(misspelt.code).toBe(1);
    expect(
      (JSON.parse(misspelt.stdout) as { checks: Check[] }).checks.find(({ name }) => name === "config"),
    ).toMatchObject({
      status: "problem",
      message: expect.stringContaining("ccos.config.json:1:3"),
    });
  });

  test("contacts nobody beyond this machine for what was only found, unless it is named", async () => {
    await place.write({ "capabilities/far.rtfs": toolFile("far.echo", "http://no-such-host.invalid/mcp") });
    const all = await place.ccos(["doctor", "--json"]);
    const found = (JSON.parse(all.stdout) as { capabilities: Diagnosis[] }).capabilities[0];
    expect(checkOf(found, "trust")).toMatchObject({ status: "note", remedy: expect.stringContaining("ccos trust") });
    expect(checkOf(found, "reach")).toMatchObject({ status: "skipped", remedy: "ccos doctor far.echo" });
    expect(checkOf(found, "dns")).toBeUndefined();
    const named = await place.ccos(["doctor", "far.echo", "--json"]);
    expect(checkOf((JSON.parse(named.stdout) as { capabilities: Diagnosis[] }).capabilities[0], "dns")).toMatchObject({
      status: "problem",
    });
  });

  test("starts the command of a server, and leaves no process behind", async () => {
    const server = join(
      import.meta.dirname,
      "..",
      "..",
      "node_modules",
      "@modelcontextprotocol",
      "server-everything",
      "dist",
      "index.js",
    );
    const file = `(capability "acme.echo" :description "d" :metadata {:mcp {:command "${process.execPath}" :args ["${server}" "stdio"] :tool_name "echo" :requires_session "auto"}})`;
    await place.write({ "mine/echo.rtfs": file });
    const { code, stdout } = await place.ccos(["doctor", "--capabilities", "mine", "--json"]);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(summary((JSON.parse(stdout) as { capabilities: Diagnosis[] }).capabilities[0])).toEqual(
      expect.arrayContaining(["handshake ok", "alive ok"]),
    );
  });
});
