import { spawnSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { startMcpServer, type McpServer, type McpTool } from "../../testing/index.ts";
import { createPlace, type Place } from "../cli/ccos-process.ts";
import { repository } from "../run-process.ts";
import { EVERYTHING } from "./everything.ts";

let place: Place;
const open: AsyncDisposable[] = [];
beforeEach(async () => {
  place = await createPlace();
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
  await place.remove();
});

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

async function started(dials: Parameters<typeof startMcpServer>[0]): Promise<McpServer> {
  const server = await startMcpServer(dials);
  open.push(server);
  return server;
}

const capability = (url: string, tool: string): string =>
  `(capability "line.${tool}" :metadata {:mcp {:server_url "${url}" :tool_name "${tool}" :requires_session "auto"}})`;

describe.each(["legacy", "modern"] as const)(
  "ccos call --stream of a tool with progress, %s",
  { timeout: 30_000 },
  (era) => {
    let working = 0;
    const steps: McpTool = {
      name: "steps",
      async run(input, call) {
        const { progressToken } = (call.params["_meta"] ?? {}) as { progressToken?: unknown };
        const endless = input["endless"] === true;
        working++;
        for (let at = 1; !call.signal.aborted && (endless || at <= 3); at++) {
          await call.notify("notifications/progress", { progressToken, progress: at, total: 3 });
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        working--;
        return { content: [], structuredContent: { done: true } };
      },
    };

    test("prints a line of JSON for each event, and the result last", async () => {
      const server = await started({ era, tools: [steps] });
      await place.write({ "c/steps.rtfs": capability(server.url, "steps") });
      const { code, stdout } = await place.ccos(["call", "line.steps", "--stream", "--capabilities", "c"]);
      expect(code).toBe(0);
      expect(
        stdout
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as unknown),
      ).toEqual([
        ...[1, 2, 3].map((progress) => ({ type: "progress", progress, total: 3 })),
        { type: "result", value: { done: true } },
      ]);
    });

    test("stops on Ctrl-C, at the server too, and leaves no session behind", async () => {
      const server = await started({ era, tools: [steps] });
      await place.write({ "c/steps.rtfs": capability(server.url, "steps") });
      const args = ["call", "line.steps", "endless:=true", "--stream", "--timeout", "20000", "--capabilities", "c"];
      const { child, ended } = place.start(args);
      let printed = "";
      child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
      await until(() => printed.split("\n").length > 5);
      child.kill("SIGINT");
      const { code } = await ended;
      expect(code).toBe(130);
      await until(() => working === 0 && server.open === 0);
      expect([...server.sessions.values()].map(({ state }) => state)).toEqual(era === "legacy" ? ["deleted"] : []);
    });
  },
);

describe("ccos import mcp", { timeout: 30_000 }, () => {
  test("--only, and --prune of what is offered no longer", async () => {
    const run = (): object => ({});
    const server = await started({
      tools: [
        { name: "a", run },
        { name: "b", run },
      ],
      capabilities: { prompts: {} },
      methods: { "prompts/list": () => ({ prompts: [{ name: "hello" }] }) },
    });
    const only = await place.ccos(["import", "mcp", server.url, "--out", "o", "--only", "prompts"]);
    expect(only).toMatchObject({ code: 0, stdout: `${join("o", "mcp.scripted.prompt.hello.rtfs")}\n` });
    await place.ccos(["import", "mcp", server.url, "--out", "o"]);
    server.dials.tools = [{ name: "a", run }];
    const told = await place.ccos(["import", "mcp", server.url, "--out", "o"]);
    expect(told.stderr).toContain(`offered no longer: ${join("o", "mcp.scripted.b.rtfs")}`);
    const pruned = await place.ccos(["import", "mcp", server.url, "--out", "o", "--prune", "--json"]);
    expect(JSON.parse(pruned.stdout)).toMatchObject({ stale: [join(place.folder, "o", "mcp.scripted.b.rtfs")] });
    expect((await readdir(join(place.folder, "o"))).toSorted()).toEqual([
      "mcp.scripted.a.rtfs",
      "mcp.scripted.prompt.hello.rtfs",
    ]);
    expect((await place.ccos(["import", "mcp", server.url, "--out", "o", "--only", "cakes"])).code).toBe(2);
  });

  test("--watch imports again when the server changes, until Ctrl-C", async () => {
    const run = (): object => ({});
    const server = await started({
      notifications: true,
      capabilities: { tools: { listChanged: true } },
      tools: [{ name: "a", run }],
    });
    const { child, ended, said } = place.start(["import", "mcp", server.url, "--out", "o", "--watch"]);
    await said("1 capability in 1 file.");
    await until(() => server.streams.size === 1);
    server.dials.tools = [
      { name: "a", run },
      { name: "b", run },
    ];
    server.streams.announce("notifications/tools/list_changed");
    await said("2 capabilities in 2 files.");
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130 });
    await until(() => server.open === 0);
  });
});

/** A terminal of its own, as `script` makes one, in which these lines are typed. */
const hasScript = spawnSync("script", ["--version"]).status === 0;

describe.skipIf(!hasScript)("a person at the terminal (needs the program script)", { timeout: 40_000 }, () => {
  test("is asked for what a tool asks, and the answers reach it", async () => {
    await place.write({
      "c/ask.rtfs": `(capability "line.ask" :metadata {:mcp {:command "${process.execPath}" :args ["${EVERYTHING}" "stdio"]
        :tool_name "trigger-elicitation-request" :requires_session "auto"}})`,
    });
    const main = join(repository, "src", "cli", "main.ts");
    const command = `'${process.execPath}' '${main}' call line.ask --timeout 30000 --capabilities c --no-color`;
    const { spawn } = await import("node:child_process");
    const child = spawn("script", ["-qec", command, "/dev/null"], {
      cwd: place.folder,
      env: { ...place.env, TERM: "dumb" },
    });
    let shown = "";
    child.stdout.on("data", (chunk: Buffer) => (shown += chunk.toString()));
    let answered = 0;
    const answers: [prompt: RegExp, answer: string][] = [
      [/Answer\? \[y\/N\] $/, "y"],
      [/String: $/, "Ada Lovelace"],
      [/Send this\? \[Y\/n\] $/, ""],
      [/: $/, ""],
    ];
    child.stdout.on("data", () => {
      const unseen = shown.slice(answered);
      const found = answers.find(([prompt]) => prompt.test(unseen));
      if (found === undefined) return;
      answered = shown.length;
      child.stdin.write(`${found[1]}\n`);
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(shown).toContain("User provided the requested information");
    expect(shown).toContain("Ada Lovelace");
    expect(code).toBe(0);
  });
});
