import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startEmbeddedServer } from "../../src/demo/index.ts";
import { createEnvironment, type CCOSEnvironment } from "../../src/environment.ts";
import type { Manifest } from "../../src/capability/manifest.ts";
import { importMcp, watchMcp, type ImportResult } from "../../src/importers/index.ts";
import type { CcosError } from "../../src/kernel/index.ts";
import { printType } from "../../src/rtfs/index.ts";
import { startMcpServer } from "../../testing/index.ts";
import { everythingBin, startEverything, type Everything } from "./everything.ts";
import { startListingServer, type ListingServer } from "./listing-server.ts";

let folder: string;
let out: string;
const open: { stop(): Promise<void> }[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-import-"));
  out = join(folder, "out");
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
  await rm(folder, { recursive: true });
});

async function listing(tools: object[], name: unknown = "shop"): Promise<ListingServer> {
  const server = await startListingServer(name, tools);
  open.push(server);
  return server;
}

async function load(path: string, variables: Record<string, string> = {}): Promise<CCOSEnvironment> {
  const warnings: string[] = [];
  const env = await createEnvironment({
    capabilities: [path],
    config: {},
    env: variables,
    cwd: folder,
    onWarning: (warning) => warnings.push(warning.message),
  });
  open.push({ stop: () => env.close() });
  expect(warnings).toEqual([]);
  return env;
}

/** What the files declared, without what the runtime brings along. */
const loaded = (env: CCOSEnvironment): Manifest[] =>
  env.capabilities.list().filter((manifest) => manifest.execution.kind !== "native");

const tool = (name: string, rest: object = {}): object => ({ name, inputSchema: { type: "object" }, ...rest });

describe("importing from the reference server", () => {
  let everything: Everything;
  beforeAll(async () => {
    everything = await startEverything();
  });
  afterAll(() => everything.stop());

  test("over HTTP: one file a tool, each of which loads and is called", async () => {
    const { files, capabilities, warnings } = await importMcp({ source: everything.url, out });
    expect(warnings).toEqual([]);
    expect(capabilities).toContain("mcp.mcp-servers-everything.echo");
    expect(files.map((file) => basename(file)).toSorted()).toEqual((await readdir(out)).toSorted());
    expect(files).toHaveLength(capabilities.length);
    const env = await load(out);
    expect(
      loaded(env)
        .map((manifest) => manifest.id)
        .toSorted(),
    ).toEqual(capabilities.toSorted());
    const first = await env.callDetailed("mcp.mcp-servers-everything.echo", { message: "hi" });
    expect(first).toMatchObject({ value: "Echo: hi", session: { provider: "mcp", reused: false } });
    const second = await env.callDetailed("mcp.mcp-servers-everything.get-sum", { a: 2, b: 3 });
    expect(second.session).toMatchObject({ id: first.session?.id, reused: true });
  });

  test("over HTTP: resources, templates and prompts, too, each under the name of its kind", async () => {
    const { capabilities } = await importMcp({ source: everything.url, out });
    expect(capabilities).toEqual(
      expect.arrayContaining([
        "mcp.mcp-servers-everything.resource.architecture-md",
        "mcp.mcp-servers-everything.template.Dynamic-Text-Resource",
        "mcp.mcp-servers-everything.prompt.args-prompt",
        "mcp.mcp-servers-everything.trigger-elicitation-request",
      ]),
    );
    const env = await load(out);
    const id = (rest: string): string => `mcp.mcp-servers-everything.${rest}`;
    expect(await env.call(id("resource.architecture-md"))).toContain("# Everything Server");
    expect(await env.call(id("template.Dynamic-Text-Resource"), { resourceId: "3" })).toContain("Resource 3:");
    await expect(env.call(id("template.Dynamic-Text-Resource"), {})).rejects.toMatchObject({
      code: "invalid-argument",
    });
    const prompt = await env.call(id("prompt.args-prompt"), { city: "Paris" });
    expect(prompt).toMatchObject({ messages: [{ role: "user", content: { text: "What's weather in Paris?" } }] });
    await expect(env.call(id("prompt.args-prompt"), {})).rejects.toMatchObject({ code: "invalid-argument" });
  });

  test.each(["tools", "resources", "prompts"] as const)("of %s alone", async (only) => {
    const all = await importMcp({ source: everything.url, out: join(folder, "all") });
    const { capabilities } = await importMcp({ source: everything.url, out, only });
    const kinds = { tools: /^[^.]+$/, resources: /^(?:resource|template)\./, prompts: /^prompt\./ };
    const rest = (id: string): string => id.replace("mcp.mcp-servers-everything.", "");
    expect(capabilities).toEqual(all.capabilities.filter((id) => kinds[only].test(rest(id))));
    expect(capabilities.length).toBeGreaterThan(3);
  });

  test("over stdio: the command comes back from the file and starts", async () => {
    const source = `'${process.execPath}' '${everythingBin}' stdio`;
    const { capabilities } = await importMcp({ source, out, filter: "e*", only: "tools", prefix: "ref.local" });
    expect(capabilities).toEqual(["ref.local.echo"]);
    const env = await load(out);
    expect(env.capabilities.get("ref.local.echo")?.metadata["mcp"]).toMatchObject({
      command: process.execPath,
      args: [everythingBin, "stdio"],
    });
    expect(await env.call("ref.local.echo", { message: "hi" })).toBe("Echo: hi");
  });

  test("as a single module file", async () => {
    const { files, capabilities } = await importMcp({ source: everything.url, out, single: true });
    expect(files.map((file) => basename(file))).toEqual(["mcp.mcp-servers-everything-capabilities-module.rtfs"]);
    const env = await load(out);
    expect(loaded(env)).toHaveLength(capabilities.length);
    expect(await env.call("mcp.mcp-servers-everything.echo", { message: "hi" })).toBe("Echo: hi");
  });
});

describe("importing again", () => {
  const everywhere = (names: readonly string[]): object[] => names.map((name) => tool(name));

  test("tells what the server offers no longer, and removes it only when asked to", async () => {
    const server = await listing(everywhere(["kept", "gone"]));
    await importMcp({ source: server.url, out });
    server.tools = everywhere(["kept"]);
    const gone = join(out, "mcp.shop.gone.rtfs");
    expect(await importMcp({ source: server.url, out })).toMatchObject({ stale: [gone] });
    expect(await readdir(out)).toContain("mcp.shop.gone.rtfs");
    expect(await importMcp({ source: server.url, out, prune: true })).toMatchObject({ stale: [gone] });
    expect(await readdir(out)).toEqual(["mcp.shop.kept.rtfs"]);
    expect(await importMcp({ source: server.url, out, prune: true })).toMatchObject({ stale: [] });
  });

  test("what is not asked for this time is not taken for gone", async () => {
    const server = await listing(everywhere(["a", "b"]));
    await importMcp({ source: server.url, out });
    expect(await importMcp({ source: server.url, out, filter: "a", prune: true })).toMatchObject({ stale: [] });
    expect(await importMcp({ source: server.url, out, only: "prompts", prune: true })).toMatchObject({ stale: [] });
    expect(await readdir(out)).toHaveLength(2);
  });

  test("what another source, another prefix or a person wrote is left alone", async () => {
    const [one, other] = [await listing(everywhere(["a", "b"])), await listing(everywhere(["c"]))];
    await importMcp({ source: other.url, out });
    await importMcp({ source: one.url, out, prefix: "mcp.mine" });
    await importMcp({ source: one.url, out });
    await writeFile(join(out, "mcp.shop.own.rtfs"), "; mine");
    one.tools = everywhere(["a"]);
    const { stale } = await importMcp({ source: one.url, out, prune: true });
    expect(stale).toEqual([join(out, "mcp.shop.b.rtfs")]);
    expect((await readdir(out)).toSorted()).toEqual([
      "mcp.mine.a.rtfs",
      "mcp.mine.b.rtfs",
      "mcp.shop.a.rtfs",
      "mcp.shop.c.rtfs",
      "mcp.shop.own.rtfs",
    ]);
  });

  test("a server that fails at a list is no reason to remove what it may still offer", async () => {
    const server = await startMcpServer({
      capabilities: { prompts: {} },
      methods: {
        "prompts/list": () => ({ prompts: [{ name: "hello", arguments: [{ name: "to", required: true }] }] }),
      },
    });
    open.push({ stop: () => server.stop() });
    const { capabilities } = await importMcp({ source: server.url, out });
    expect(capabilities).toContain("mcp.scripted.prompt.hello");
    server.dials.methods = { "prompts/list": () => ({ rpcError: { code: -32603, message: "no prompts today" } }) };
    const { stale, warnings } = await importMcp({ source: server.url, out, prune: true });
    expect(stale).toEqual([]);
    expect(warnings.join()).toContain("Its prompts could not be listed");
    expect(await readdir(out)).toContain("mcp.scripted.prompt.hello.rtfs");
  });

  test("names of different kinds never meet", async () => {
    const server = await startMcpServer({
      capabilities: { prompts: {}, resources: {} },
      tools: [{ name: "prompt.x", run: () => ({}) }],
      methods: {
        "prompts/list": () => ({ prompts: [{ name: "x" }, {}] }),
        "resources/list": () => ({
          resources: [{ uri: "a:x", name: "x" }, { uri: "a:../../y" }, { name: "no address" }],
        }),
        "resources/templates/list": () => ({ resourceTemplates: [{ uriTemplate: "a:{x}{?y,z*}", name: "x" }] }),
      },
    });
    open.push({ stop: () => server.stop() });
    const { capabilities, warnings } = await importMcp({ source: server.url, out });
    expect(capabilities).toEqual([
      "mcp.scripted.prompt-x",
      "mcp.scripted.resource.x",
      "mcp.scripted.resource.a-y",
      "mcp.scripted.template.x",
      "mcp.scripted.prompt.x",
    ]);
    expect(warnings).toEqual([
      "One of its resources has no uri; it was left out.",
      "One of its prompts has no name; it was left out.",
    ]);
    const template = (await load(out)).capabilities.get("mcp.scripted.template.x");
    expect(template?.inputSchema && printType(template.inputSchema)).toBe(
      "[:map [:x :string] [:y :string ?] [:z [:vector :string] ?]]",
    );
  });
});

describe("watching a server", () => {
  test.each(["legacy", "modern"] as const)(
    "imports again when it says that its offer has changed (%s)",
    async (era) => {
      const run = (): object => ({});
      const server = await startMcpServer({
        era,
        notifications: true,
        capabilities: { tools: { listChanged: true } },
        tools: [{ name: "a", run }],
      });
      open.push({ stop: () => server.stop() });
      const controller = new AbortController();
      const results: ImportResult[] = [];
      const problems: CcosError[] = [];
      const watching = watchMcp({
        source: server.url,
        out,
        prune: true,
        signal: controller.signal,
        onImport: (result) => void results.push(result),
        onProblem: (error) => void problems.push(error),
      });
      const until = async (condition: () => boolean): Promise<void> => {
        while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
      };
      await until(() => server.streams.size === 1);
      expect(results).toHaveLength(1);
      server.dials.tools = [{ name: "b", run }];
      for (let at = 0; at < 5; at++) server.streams.announce("notifications/tools/list_changed");
      await until(() => results.length === 2);
      expect(await readdir(out)).toEqual(["mcp.scripted.b.rtfs"]);
      controller.abort();
      await watching;
      expect(problems).toEqual([]);
      await until(() => server.open === 0);
    },
  );

  test("a server that tells of no changes is not watched", async () => {
    const server = await startMcpServer();
    open.push({ stop: () => server.stop() });
    const results: ImportResult[] = [];
    const watching = watchMcp({
      source: server.url,
      out,
      onImport: (result) => void results.push(result),
      onProblem: () => {},
    });
    await expect(watching).rejects.toMatchObject({
      code: "rejected",
      message: expect.stringContaining("does not tell"),
    });
    expect(results).toHaveLength(1);
  });
});

describe("an imported file", () => {
  const schema = {
    type: "object",
    properties: {
      city: { type: "string", description: 'with "quotes"\nand lines' },
      days: { type: "integer", minimum: 1, maximum: 7 },
      unit: { enum: ["C", "F"] },
      "x-tags": { type: "array", items: { type: "string" } },
    },
    required: ["city"],
  };
  const weather = tool("get weather", {
    title: "Weather",
    description: "Tells the weather.\nSecond line; (not a comment)",
    inputSchema: schema,
    outputSchema: { type: "object", properties: { degrees: { type: "number" } }, required: ["degrees"] },
    annotations: { readOnlyHint: true, idempotentHint: true, destructiveHint: false, openWorldHint: true },
  });

  test.each([false, true])("declares what the server said, hints and raw schemas too (single: %j)", async (single) => {
    const server = await listing([weather]);
    const at = Date.parse("2026-03-04T05:06:07Z");
    await importMcp({
      source: server.url,
      out,
      single,
      authEnv: "SHOP_TOKEN",
      env: { SHOP_TOKEN: "tok-12345" },
      now: () => at,
    });
    const manifest = (await load(out)).capabilities.get("mcp.shop.get-weather");
    expect(manifest).toMatchObject({
      name: "Weather",
      description: "Tells the weather.\nSecond line; (not a comment)",
      version: "1.0.0",
      effects: [":network"],
      execution: { kind: "provider", block: { provider: "mcp", requiresSession: "auto" } },
    });
    expect(manifest?.metadata).toEqual({
      mcp: {
        server_url: server.url,
        auth_env_var: "SHOP_TOKEN",
        tool_name: "get weather",
        requires_session: "auto",
        read_only_hint: true,
        destructive_hint: false,
        idempotent_hint: true,
        open_world_hint: true,
        input_schema_json: expect.any(String),
        output_schema_json: expect.any(String),
      },
      discovery: {
        method: "mcp_introspection",
        source_url: server.url,
        server_name: "shop",
        created_at: "2026-03-04T05:06:07.000Z",
      },
    });
    expect(JSON.parse(manifest?.flatMetadata["mcp_input_schema_json"] ?? "null")).toEqual(schema);
    expect(manifest?.inputSchema && printType(manifest.inputSchema)).toContain("[:city :string]");
    expect(manifest?.outputSchema && printType(manifest.outputSchema)).toContain("[:degrees :float]");
  });

  test("does not let the server choose, by its name for itself, a variable that is sent to it", async () => {
    const server = await listing([weather]);
    const { capabilities } = await importMcp({ source: server.url, out });
    const before = server.authorizations.length;
    const env = await load(out, { SHOP_MCP_TOKEN: "a token of another shop" });
    await env.call(capabilities[0] as string, { city: "x" }).catch(() => undefined);
    expect(server.authorizations.length).toBeGreaterThan(before);
    expect(server.authorizations.filter((sent) => sent !== undefined)).toEqual([]);
  });

  test("never holds the token, which is sent while listing", async () => {
    const server = await listing([weather]);
    const { files } = await importMcp({
      source: server.url,
      out,
      authEnv: "SHOP_TOKEN",
      env: { SHOP_TOKEN: "tok-12345" },
    });
    expect(server.authorizations.length).toBeGreaterThan(0);
    expect(new Set(server.authorizations)).toEqual(new Set(["Bearer tok-12345"]));
    expect(await readFile(files[0] ?? "", "utf8")).not.toContain("tok-12345");
  });

  test("stays untouched by a second import unless the server has changed", async () => {
    const server = await listing([weather, tool("other")]);
    const { files } = await importMcp({ source: server.url, out });
    for (const file of files) await utimes(file, 1, 1);
    expect(await importMcp({ source: server.url, out })).toMatchObject({ files });
    for (const file of files) expect((await stat(file)).mtimeMs).toBe(1000);
    server.tools = [weather, tool("other", { description: "changed" })];
    await importMcp({ source: server.url, out });
    expect((await stat(files[0] ?? "")).mtimeMs).toBe(1000);
    expect(await readFile(files[1] ?? "", "utf8")).toContain('"changed"');
  });

  test("never takes the place of a file that a person wrote", async () => {
    const server = await listing([tool("a")]);
    await importMcp({ source: server.url, out });
    const path = join(out, "mcp.shop.a.rtfs");
    await writeFile(path, "; mine");
    const { files, warnings } = await importMcp({ source: server.url, out });
    expect(files).toEqual([]);
    expect(warnings.join()).toContain("was not written by an import");
    expect(await readFile(path, "utf8")).toBe("; mine");
  });
});

describe("what a hostile server says", () => {
  const EVIL = 'x")\n(call "ccos.io.delete-file" {:path "/"})\n;; "';
  const names = [
    "../../../../etc/cron.d/evil",
    "/etc/passwd",
    "..",
    ".",
    "a\nb",
    "a b",
    "a-b",
    EVIL,
    "x".repeat(5_000),
    "\u202egnp.exe",
    "\u001b[2J",
    "\ud800",
    "__proto__",
    "constructor",
    "日本語",
  ];

  test.each([false, true])("stays data within the folder (single: %j)", async (single) => {
    const tools = names.map((name) =>
      tool(name, {
        title: EVIL,
        description: `${EVIL}\u001b[31m\u202e`,
        inputSchema: {
          type: "object",
          properties: { [EVIL]: { enum: [EVIL] }, __proto__: { type: "string" } },
          description: EVIL,
        },
      }),
    );
    const server = await listing(tools, "../../evil\n(server)");
    const { files, capabilities, warnings } = await importMcp({ source: server.url, out, single });
    expect(await readdir(folder)).toEqual(["out"]);
    expect((await readdir(out)).toSorted()).toEqual(files.map((file) => basename(file)).toSorted());
    expect(capabilities).toHaveLength(names.length);
    for (const id of capabilities) expect(id).toMatch(/^mcp\.-evil-server-\.[A-Za-z0-9_-]+$/);
    expect(warnings.filter((warning) => warning.includes("which is taken")).length).toBeGreaterThan(0);
    const env = await load(out);
    expect(
      loaded(env)
        .map((manifest) => manifest.id)
        .toSorted(),
    ).toEqual(capabilities.toSorted());
    const called = loaded(env).map((manifest) => (manifest.metadata["mcp"] as { tool_name: string }).tool_name);
    expect(called.toSorted()).toEqual(names.map((name) => name.toWellFormed()).toSorted());
    for (const manifest of loaded(env)) {
      expect(manifest.execution.kind).toBe("provider");
      expect(manifest.description).not.toMatch(/[\u001b\u202e]/);
      expect(manifest.name).not.toMatch(/\n/);
    }
    for (const file of files) {
      const comments = (await readFile(file, "utf8")).split("\n").filter((line) => line.trimStart().startsWith(";"));
      expect(comments).toEqual([";; Written by an import from a server; importing again replaces this file."]);
    }
  });

  test("stays data in resources, templates and prompts, too", async () => {
    const server = await startMcpServer({
      tools: [],
      capabilities: { resources: {}, prompts: {} },
      methods: {
        "resources/list": () => ({
          resources: names.map((name) => ({
            uri: `x:${name}`,
            name,
            title: EVIL,
            description: EVIL,
            mimeType: EVIL,
            size: -1,
          })),
        }),
        "resources/templates/list": () => ({
          resourceTemplates: names.map((name) => ({
            uriTemplate: `x:{${name}}{?__proto__*}`,
            name,
            description: EVIL,
          })),
        }),
        "prompts/list": () => ({
          prompts: names.map((name) => ({
            name,
            description: `${EVIL}\u001b[31m\u202e`,
            arguments: [{ name: EVIL, description: EVIL, required: true }, { name: "__proto__" }, { name: 7 }, "x"],
          })),
        }),
      },
    });
    open.push({ stop: () => server.stop() });
    const { files, capabilities } = await importMcp({ source: server.url, out });
    expect(capabilities).toHaveLength(3 * names.length);
    expect(await readdir(folder)).toEqual(["out"]);
    expect((await readdir(out)).toSorted()).toEqual(files.map((file) => basename(file)).toSorted());
    const env = await load(out);
    const blocks = loaded(env).map((manifest) => manifest.metadata["mcp"] as Record<string, string>);
    const told = (key: string): (string | undefined)[] =>
      blocks.flatMap((block) => (block[key] === undefined ? [] : [block[key]])).toSorted();
    const clean = names.map((name) => name.toWellFormed());
    expect(told("resource")).toEqual(clean.map((name) => `x:${name}`).toSorted());
    expect(told("resource_template")).toEqual(clean.map((name) => `x:{${name}}{?__proto__*}`).toSorted());
    expect(told("prompt")).toEqual(clean.toSorted());
    for (const manifest of loaded(env)) expect(manifest.description).not.toMatch(/[\u001b\u202e]/);
    for (const file of files) {
      const comments = (await readFile(file, "utf8")).split("\n").filter((line) => line.trimStart().startsWith(";"));
      expect(comments).toEqual([";; Written by an import from a server; importing again replaces this file."]);
    }
  });

  test("does not keep a server without a usable name or tools from being imported", async () => {
    const server = await listing([{ nonsense: true }, 7 as unknown as object, tool("ok")], "");
    const { capabilities, warnings } = await importMcp({ source: server.url, out });
    expect(capabilities).toEqual(["mcp.127-0-0-1.ok"]);
    expect(warnings).toEqual(["A tool without a name was left out."]);
  });

  test("may be nothing: that is a warning, and no file", async () => {
    const server = await listing([]);
    expect(await importMcp({ source: server.url, out, single: true })).toMatchObject({
      files: [],
      capabilities: [],
      warnings: [`${server.url} lists no tool, resource or prompt.`],
    });
  });
});

describe("an import that cannot be", () => {
  test("says that the variable of the token is not set", async () => {
    const server = await listing([]);
    await expect(importMcp({ source: server.url, out, authEnv: "NOPE", env: {} })).rejects.toMatchObject({
      code: "unauthenticated",
      message: expect.stringContaining("NOPE"),
    });
    expect(server.authorizations).toEqual([]);
  });

  test("says how to name a token when the server asks for one, and which one was refused", async () => {
    const server = await startEmbeddedServer({ accounts: { "tok-12345": "ada" } });
    open.push({ stop: () => server.close() });
    const remedyOf = (rest: object): Promise<unknown> =>
      importMcp({ source: server.url, out, ...rest }).catch((error) => error);
    expect(await remedyOf({})).toMatchObject({
      code: "unauthenticated",
      remedy: expect.stringContaining("--auth-env"),
    });
    expect(await remedyOf({ authEnv: "T", env: { T: "tok-wrong" } })).toMatchObject({
      code: "unauthenticated",
      remedy: expect.stringContaining("The token in T"),
    });
    expect(await remedyOf({ authEnv: "T", env: { T: "tok-12345" } })).toMatchObject({ warnings: [] });
  });

  test("sends no token in the clear to another machine", async () => {
    await expect(
      importMcp({ source: "http://mcp.example.com/", out, authEnv: "T", env: { T: "tok-12345" } }),
    ).rejects.toMatchObject({ code: "permission-denied" });
  });

  test("says that nobody listens", async () => {
    const server = await startListingServer("gone", []);
    await server.stop();
    await expect(importMcp({ source: server.url, out })).rejects.toMatchObject({ code: "unavailable" });
  });

  test("ends within its time when the command says nothing", async () => {
    const source = `'${process.execPath}' -e 'setInterval(() => {}, 1000)'`;
    await expect(importMcp({ source, out, timeout: 300 })).rejects.toMatchObject({ code: "deadline-exceeded" });
  });

  test("refuses a prefix of the runtime before it asks the server", async () => {
    const server = await listing([tool("a")]);
    await expect(importMcp({ source: server.url, out, prefix: "ccos.io" })).rejects.toMatchObject({
      code: "invalid-argument",
    });
    expect(server.authorizations).toEqual([]);
  });
});
