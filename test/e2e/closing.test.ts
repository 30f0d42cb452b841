import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { startMcpServer, text, type McpServer, type McpServerDials } from "../../testing/mcp-server.ts";
import { createPlace, type Place } from "../cli/ccos-process.ts";
import { toolFile } from "../cli/tool-server.ts";

const child = join(import.meta.dirname, "stubborn-child.mjs");
const TOOLS: McpServerDials["tools"] = [
  { name: "echo", run: (input) => text(JSON.stringify(input)) },
  {
    name: "hang",
    run: (_input, { signal }) =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve(text("aborted")), { once: true })),
  },
];

let place: Place;
beforeEach(async () => {
  place = await createPlace();
});
afterEach(() => place.remove());

async function serve(dials: Partial<McpServerDials> = {}): Promise<McpServer> {
  const server = await startMcpServer({ tools: TOOLS, ...dials });
  onTestFinished(() => server.stop());
  return server;
}

/** The processes of the stdio servers that were started, and which of them are still there. */
const started = (): number[] => readFileSync(join(place.folder, "pids"), "utf8").trim().split("\n").map(Number);
const alive = (): number[] =>
  started().filter((pid) => {
    try {
      process.kill(pid, 0);
      // One that has ended counts until somebody has asked how; nobody has to.
      return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false;
    }
  });

const stdioFile = (id: string, tool: string, manner: string): string =>
  `(capability "${id}" :description "d" :metadata {:mcp {:command "${process.execPath}" :args ["${child}" "${join(place.folder, "pids")}" "${manner}"] :tool_name "${tool}" :requires_session "auto"}})`;

test("when close resolves nothing is left, and the process ends by itself", { timeout: 60_000 }, async () => {
  const [legacy, modern] = await Promise.all([serve(), serve({ era: "modern" })]);
  const program = spawn(process.execPath, [
    join(import.meta.dirname, "closing-process.ts"),
    legacy.url,
    modern.url,
    child,
    join(place.folder, "pids"),
  ]);
  let stdout = "";
  let stderr = "";
  program.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  program.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  let saidAt = 0;
  program.stdout.on("data", () => (saidAt = performance.now()));
  const code = await new Promise((resolve) => program.once("close", resolve));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  // Nothing held it back once it had said its last.
  expect(performance.now() - saidAt).toBeLessThan(1_500);
  const said = JSON.parse(stdout.split("\n")[1] ?? "") as {
    before: string[];
    after: string[];
    ends: string[];
    sessions: unknown[];
  };
  expect(said.after.toSorted()).toEqual(said.before.toSorted());
  expect(said.sessions).toEqual([]);
  // What waited for its turn, for another try (it fails as the last one did), and for two answers.
  expect(said.ends).toEqual(["pool-closed", "unavailable", "pool-closed", "pool-closed"]);
  const states = [...legacy.sessions.values()].map(({ state }) => state);
  expect(states.length).toBeGreaterThan(1);
  expect(new Set(states)).toEqual(new Set(["deleted"]));
  expect(legacy.open + modern.open).toBe(0);
  expect(started().length).toBeGreaterThan(0);
  expect(alive()).toEqual([]);
});

const SIGNALS: [NodeJS.Signals, number][] = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
];

describe.each(SIGNALS)("%s ends a command with %i and leaves nothing:", (signal, exit) => {
  /** Starts a call, sends the signal once `ready` holds, and says how it ended. */
  async function interrupt(
    args: readonly string[],
    ready: () => boolean,
  ): Promise<{ code: number | null; stdout: string; stderr: string; ms: number }> {
    const running = place.start([...args, "--capabilities", "mine"]);
    await expect.poll(ready, { timeout: 15_000, interval: 20 }).toBe(true);
    const at = performance.now();
    running.child.kill(signal);
    const ended = await running.ended;
    return { ...ended, ms: performance.now() - at };
  }
  const pidWritten = (): boolean => {
    try {
      return started().length > 0;
    } catch {
      return false;
    }
  };

  test(
    "a call under way over HTTP: it is cancelled at the peer, and its session ended",
    { timeout: 30_000 },
    async () => {
      const server = await serve();
      await place.write({ "mine/a.rtfs": toolFile("a.hang", server.url) });
      const { code, stdout, stderr, ms } = await interrupt(
        ["call", "a.hang", "{}"],
        () => server.counts.executed === 1,
      );
      expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
      expect(stderr).toContain("error[canceled]");
      expect(ms).toBeLessThan(4_000);
      expect([...server.sessions.values()].map(({ state }) => state)).toEqual(["deleted"]);
      expect(server.counts.cancelled).toBe(1);
      expect(server.open).toBe(0);
    },
  );

  test("a program between its calls", { timeout: 30_000 }, async () => {
    const server = await serve();
    await place.write({ "mine/a.rtfs": toolFile("a.echo", server.url) });
    const { code } = await interrupt(
      ["eval", '(reduce (fn [sum n] (do (call "a.echo" {:n n}) (+ sum n))) 0 (range 0 1000000))'],
      () => server.counts.executed > 3,
    );
    expect(code).toBe(exit);
    expect([...server.sessions.values()].map(({ state }) => state)).toEqual(["deleted"]);
  });

  test("an opening under way at a server that never answers it", { timeout: 30_000 }, async () => {
    const server = await serve({ faultAt: { initialize: { kind: "hang" }, "server/discover": { kind: "hang" } } });
    await place.write({ "mine/a.rtfs": toolFile("a.echo", server.url) });
    const { code, ms } = await interrupt(["call", "a.echo", "{}"], () => server.exchanges.length > 0);
    expect(code).toBe(exit);
    expect(ms).toBeLessThan(4_000);
    await expect.poll(() => server.open).toBe(0);
  });

  test("a server that does not answer the end of its session either", { timeout: 30_000 }, async () => {
    const server = await serve({ faultAt: { DELETE: { kind: "hang" } } });
    await place.write({ "mine/a.rtfs": toolFile("a.hang", server.url) });
    const { code, ms } = await interrupt(["call", "a.hang", "{}"], () => server.counts.executed === 1);
    expect(code).toBe(exit);
    expect(server.counts.delete).toBe(1);
    expect(ms).toBeLessThan(8_000);
  });

  test("a call under way at a stdio server: no process is orphaned", { timeout: 30_000 }, async () => {
    await place.write({ "mine/a.rtfs": stdioFile("a.hang", "hang", "gentle") });
    const { code } = await interrupt(["call", "a.hang", "{}"], pidWritten);
    expect(code).toBe(exit);
    expect(alive()).toEqual([]);
  });

  test("a stdio server that starts and says nothing", { timeout: 30_000 }, async () => {
    await place.write({ "mine/a.rtfs": stdioFile("a.echo", "echo", "mute") });
    const { code, ms } = await interrupt(["call", "a.echo", "{}"], pidWritten);
    expect(code).toBe(exit);
    expect(ms).toBeLessThan(8_000);
    expect(alive()).toEqual([]);
  });

  test("a stdio server that ignores the end of its input and every signal", { timeout: 30_000 }, async () => {
    await place.write({ "mine/a.rtfs": stdioFile("a.hang", "hang", "stubborn") });
    const { code } = await interrupt(["call", "a.hang", "{}"], pidWritten);
    expect(code).toBe(exit);
    await expect.poll(alive, { timeout: 5_000 }).toEqual([]);
  });
});

test("a second signal ends the command at once, and its stdio servers with it", { timeout: 30_000 }, async () => {
  await place.write({ "mine/a.rtfs": stdioFile("a.hang", "hang", "stubborn") });
  const running = place.start(["call", "a.hang", "{}", "--capabilities", "mine", "--verbose"]);
  await running.said("calling");
  running.child.kill("SIGINT");
  await running.said("Once more ends at once");
  const at = performance.now();
  running.child.kill("SIGTERM");
  expect(await running.ended).toMatchObject({ code: 143 });
  expect(performance.now() - at).toBeLessThan(1_500);
  await expect.poll(alive, { timeout: 5_000 }).toEqual([]);
});
