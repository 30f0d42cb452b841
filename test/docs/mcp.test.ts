import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createEnvironment } from "../../src/environment.ts";
import { importMcp } from "../../src/importers/index.ts";
import { TRAITS } from "../../src/providers/mcp/traits.ts";
import { startMcpServer } from "../../testing/index.ts";
import { createPlace, type Place } from "../cli/ccos-process.ts";
import { startEverything, type EverythingServer } from "../mcp/everything.ts";
import { repository, runProcess } from "../run-process.ts";

const page = await readFile(join(repository, "docs", "mcp.md"), "utf8");
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(([, code = ""]) => code);
const [example = ""] = blocks("clojure");
const [interaction = "", reload = ""] = blocks("ts");

let server: EverythingServer;
let place: Place;
beforeAll(async () => {
  server = await startEverything("streamableHttp");
  place = await createPlace();
  await place.write({ "demo.rtfs": example.replaceAll("http://127.0.0.1:3001/mcp", server.url) });
}, 30_000);
afterAll(async () => {
  await place.remove();
  await server[Symbol.asyncDispose]();
});

describe("the example of docs/mcp.md", { timeout: 30_000 }, () => {
  test("is a file without errors and warnings", async () => {
    const { code, stdout } = await place.ccos(["check", "demo.rtfs", "--json"]);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { capabilities: 7, errors: [], warnings: [] }]);
  });

  test("prints what the page says that it prints", async () => {
    const shown = page.slice(page.indexOf("$ ccos call demo.echo"));
    const session = shown.slice(0, shown.indexOf("```")).trim().split("\n");
    const said = new Map<string, string[]>();
    for (const line of session) {
      if (line.startsWith("$ ")) said.set(line, []);
      else [...said.values()].at(-1)?.push(line);
    }
    expect(said.size).toBe(3);
    for (const [command, lines] of said) {
      const args = command
        .slice("$ ccos ".length)
        .match(/(?:[^\s']|'[^']*')+/g)
        ?.map((word) => word.replaceAll("'", ""));
      const { code, stdout } = await place.ccos(args ?? []);
      expect({ code, stdout }).toEqual({ code: 0, stdout: `${lines.join("\n")}\n` });
    }
  });

  test("reads its resources and its prompt", async () => {
    const call = async (...args: string[]): Promise<unknown> => {
      const { stdout, stderr } = await place.ccos(["call", ...args, "--capabilities", "demo.rtfs"]);
      return stdout === "" ? stderr : (JSON.parse(stdout) as unknown);
    };
    expect(await call("demo.features")).toContain("Everything Server");
    expect(await call("demo.text", "resourceId=4")).toContain("Resource 4:");
    expect(await call("demo.weather-question", "city=Paris")).toMatchObject({ messages: [{ role: "user" }] });
  });

  test("answers questions as its program does", async () => {
    const door = pathToFileURL(join(repository, "src", "index.ts")).href;
    const program = join(place.folder, "ask.ts");
    await writeFile(program, interaction.replace('from "ccos"', `from ${JSON.stringify(door)}`));
    const { code, stdout, stderr } = await runProcess(process.execPath, [program], { cwd: place.folder });
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toContain("demo.ask asks: Please provide inputs for the following fields: (13 fields)");
    expect(stdout).toContain("Ada");
  });
});

test("what a running environment does when a server changes, as docs/mcp.md has it", async () => {
  const run = (): object => ({ content: [{ type: "text", text: "ok" }] });
  await using changing = await startMcpServer({
    notifications: true,
    capabilities: { tools: { listChanged: true } },
    tools: [{ name: "a", run }],
  });
  const out = join(place.folder, "demo");
  await importMcp({ source: changing.url, out, prefix: "demo" });
  await using env = await createEnvironment({ capabilities: [out], config: {}, cwd: place.folder });
  const body = reload.replaceAll('"./demo"', JSON.stringify(out)).replace(/^env\.on/, "return env.on");
  const said: string[] = [];
  // oxlint-disable-next-line no-new-func, no-implied-eval
  const start = new Function("env", "importMcp", "console", body) as (...given: unknown[]) => unknown;
  start(env, importMcp, { log: (text: string) => said.push(text) });
  expect(await env.call("demo.a")).toBe("ok");
  changing.dials.tools = [{ name: "b", run }];
  changing.streams.announce("notifications/tools/list_changed");
  while (env.capabilities.get("demo.b") === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await env.call("demo.b")).toBe("ok");
  expect(env.capabilities.get("demo.a")).toBeUndefined();
  expect(said).toEqual([`the tools of ${changing.url} have changed`]);
});

test("docs/mcp.md has every key of the block, in every spelling", () => {
  const missing = (TRAITS.metadataKeys ?? []).filter((key) => !page.includes(`\`${key}\``));
  expect(missing).toEqual([]);
});
