import { mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";

import { handler } from "../../examples/line-provider/line-handler.ts";
import { lineRig } from "../../examples/line-provider/line-rig.ts";
import { startLineServer, type LineServer } from "../../examples/line-provider/line-server.ts";
import { createEnvironment, type CCOSEnvironment, type EnvironmentOptions } from "../../src/environment.ts";
import { handlerChecks } from "../../testing/index.ts";
import { importsOf } from "../architecture/imports.ts";
import { createPlace, type Place } from "../cli/ccos-process.ts";
import { repository } from "../run-process.ts";

const folder = join(repository, "examples", "line-provider");
const page = await readFile(join(repository, "docs", "writing-a-provider.md"), "utf8");

/** The code blocks of the page in a language, in order. */
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(([, code = ""]) => code);
const shown = {
  handler: blocks("ts")[0] ?? "",
  capability: blocks("clojure")[0] ?? "",
  config: blocks("json")[0] ?? "",
};

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function peer(): Promise<LineServer> {
  const server = await startLineServer({ tokens: ["right-token"] });
  undo.push(() => server.close());
  return server;
}

async function environment(options: EnvironmentOptions): Promise<CCOSEnvironment> {
  const env = await createEnvironment({ env: { LINE_TOKEN: "right-token" }, ...options });
  undo.push(() => env.close());
  return env;
}

const at = ({ port }: LineServer): string => shown.capability.replace("7171", String(port));

describe("the code of the page", () => {
  test.each([
    ["line-handler.ts", shown.handler],
    ["shout.rtfs", shown.capability],
    ["ccos.config.json", shown.config],
  ])("is that of examples/line-provider/%s", async (file, code) => {
    expect(code).toBe(await readFile(join(folder, file), "utf8"));
  });

  test("has at most 60 lines, and takes only types and the error from the package", () => {
    expect(shown.handler.trimEnd().split("\n").length).toBeLessThanOrEqual(60);
    const imports = importsOf(shown.handler, "line-handler.ts").filter(
      ({ specifier }) => !specifier.startsWith("node:"),
    );
    expect(imports.map(({ specifier, typeOnly }) => [specifier, typeOnly])).toEqual([
      ["ccos", false],
      ["ccos/session", true],
    ]);
    expect(shown.handler).toContain('import { CcosError } from "ccos";');
  });

  test("names every member that a handler has", async () => {
    const contract = await readFile(join(repository, "src", "session", "handler.ts"), "utf8");
    const [body = ""] = /interface SessionHandler[\s\S]*?\n}/.exec(contract) ?? [];
    const members = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[(:]/gm)].map(([, name = ""]) => name);
    expect(members.length).toBeGreaterThan(10);
    expect(members.filter((name) => !page.includes(name))).toEqual([]);
  });
});

describe("the line handler", () => {
  for (const { name, run } of handlerChecks(lineRig)) test(name, run);
});

describe("registered by API", () => {
  test("before its capabilities are loaded, it serves them", async () => {
    const server = await peer();
    const env = await environment({ config: {}, capabilities: [] });
    env.sessions.registerHandler(handler);
    await env.capabilities.load(at(server));
    expect(await env.call("line.shout", "hello")).toBe("HELLO");
    expect(await env.run('(call "line.shout" "again")')).toBe("AGAIN");
    expect(env.sessions.list()).toMatchObject([
      { provider: "line", endpoint: `tcp://127.0.0.1:${server.port}`, calls: 2 },
    ]);
  });

  test("or when the environment is created; sessions heal, and end at the peer when it is closed", async () => {
    const server = await peer();
    const env = await environment({ config: {}, capabilities: [], handlers: [handler] });
    await env.capabilities.load(at(server));
    await Promise.all(Array.from({ length: 50 }, (_, n) => env.call("line.shout", `text ${n}`)));
    expect(server.sessions.size).toBe(1);
    server.sessions.clear();
    const texts = Array.from({ length: 50 }, (_, n) => `text ${n}`);
    const values = await Promise.all(texts.map((text) => env.call("line.shout", text)));
    expect(values).toEqual(texts.map((text) => text.toUpperCase()));
    expect([...server.sessions.values()]).toEqual([50]);
    await env.close();
    await expect.poll(() => server.sessions.size + server.sockets.size).toBe(0);
  });
});

describe("registered by configuration", () => {
  test("it is loaded from where the configuration stands", async () => {
    const server = await peer();
    const config = join(folder, "ccos.config.json");
    const env = await environment({ config, cwd: repository });
    expect(env.capabilities.list().map(({ id }) => id)).toEqual(["line.shout"]);
    env.capabilities.remove("line.shout");
    await env.capabilities.load(at(server));
    expect(await env.call("line.shout", "hello")).toBe("HELLO");
  });

  test("a token that is refused is named, and shown nowhere", async () => {
    const server = await peer();
    const env = await environment({ config: join(folder, "ccos.config.json"), env: { LINE_TOKEN: "wrong-token" } });
    env.capabilities.remove("line.shout");
    await env.capabilities.load(at(server));
    const error: unknown = await env.call("line.shout", "hello").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unauthenticated", remedy: "Check LINE_TOKEN." });
    expect(JSON.stringify(error)).not.toContain("wrong-token");
  });
});

describe("from the shell", () => {
  /** A project of a user's: the files of the page, and the package installed as npm links a folder. */
  async function project(server: LineServer): Promise<Place> {
    const place = await createPlace();
    undo.push(() => place.remove());
    await place.write({ "line-handler.ts": shown.handler, "shout.rtfs": at(server), "ccos.config.json": shown.config });
    await mkdir(join(place.folder, "node_modules"));
    await symlink(repository, join(place.folder, "node_modules", "ccos"));
    return place;
  }
  const env = { LINE_TOKEN: "right-token" };

  test("a configuration that is named is trusted", async () => {
    const place = await project(await peer());
    const called = await place.ccos(["call", "line.shout", '"hello"', "--config", "ccos.config.json"], { env });
    expect(called).toEqual({ code: 0, stdout: '"HELLO"\n', stderr: "" });
  });

  test("one that is only found loads no module before it is trusted", async () => {
    const place = await project(await peer());
    const refused = await place.ccos(["call", "line.shout", '"hello"'], { env });
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("ccos trust ccos.config.json");
    expect(await place.ccos(["trust", "ccos.config.json"])).toMatchObject({ code: 0 });
    const called = await place.ccos(["call", "line.shout", '"hello"', "--json"], { env });
    expect(called.code).toBe(0);
    expect(JSON.parse(called.stdout)).toMatchObject({
      ok: true,
      value: "HELLO",
      session: { provider: "line" },
      attempts: 1,
    });
  });
});
