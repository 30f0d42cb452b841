import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { repository } from "../run-process.ts";
import { createPlace, type Place } from "./ccos-process.ts";

const main = join(repository, "src", "cli", "main.ts");

/** A provider whose peer is a file: what it is told and what it gives is appended there. */
const PROVIDER = `
import { appendFileSync } from "node:fs";
const note = (session, text) => appendFileSync(session.target.endpoint.slice("file:".length), text + "\\n");
export const handler = {
  provider: "ticks",
  target: (capability) => ({
    endpoint: "file:" + capability.metadata.ticks_log,
    credentials: {}, shape: {}, operation: capability.id, settings: {},
  }),
  initializeSession: async () => ({ state: null }),
  executeWithSession: async () => ({ all: "at once" }),
  terminateSession: async (session) => note(session, "terminated"),
  async *stream(session, call) {
    const { every = 0, count = Infinity, fill = "", fail } = call.input;
    note(session, "opened");
    let given = 0;
    try {
      while (given < count) {
        await new Promise((resolve, reject) => {
          const timer = setTimeout(resolve, every);
          call.signal.addEventListener("abort", () => (clearTimeout(timer), reject(call.signal.reason)), { once: true });
        });
        yield { type: "data", value: ++given + fill };
      }
      if (fail !== undefined) throw new Error(fail);
      yield { type: "progress", progress: 1, total: 1 };
      yield { type: "result", value: { given } };
    } finally {
      note(session, "ended after " + given);
    }
  },
};
`;

let place: Place;
let logs = 0;
let log = "";

beforeAll(async () => {
  place = await createPlace();
  await place.write({
    "ticks.mjs": PROVIDER,
    "config.json": '{"providers": {"ticks": "./ticks.mjs"}}',
    "local.rtfs": '(capability "demo.area" :description "Area" :implementation (fn [in] (* (:w in) (:h in))))',
  });
});
afterAll(() => place.remove());
beforeEach(async () => {
  log = join(place.folder, `log-${++logs}`);
  await place.write({
    [`caps/${logs}.rtfs`]: `(capability "ticks.run${logs}" :description "Ticks" :metadata {:ticks {:log "${log}" :requires_session "true"}})`,
  });
});

const args = (...more: string[]): string[] => [
  "call",
  `ticks.run${logs}`,
  ...more,
  "--stream",
  "--config",
  "config.json",
  "--capabilities",
  `caps/${logs}.rtfs`,
];
const noted = async (): Promise<string[]> => (await readFile(log, "utf8").catch(() => "")).trim().split("\n");

describe("call --stream", () => {
  test("prints an event a line, and ends the session when the stream has ended", async () => {
    expect(await place.ccos(args("count:=2"))).toEqual({
      code: 0,
      stdout:
        '{"type":"data","value":"1"}\n{"type":"data","value":"2"}\n' +
        '{"type":"progress","progress":1,"total":1}\n{"type":"result","value":{"given":2}}\n',
      stderr: "",
    });
    expect(await noted()).toEqual(["opened", "ended after 2", "terminated"]);
  });

  test("with --json ends with the envelope, of a failure too", async () => {
    const done = await place.ccos(args("count:=1", "--json"));
    expect(JSON.parse(done.stdout.trim().split("\n").at(-1) as string)).toEqual({
      ok: true,
      value: { given: 1 },
      session: { id: expect.stringMatching(/^s_/), provider: "ticks", reused: false },
      attempts: 1,
      events: 3,
      durationMs: expect.any(Number),
    });
    const failed = await place.ccos(args("count:=1", "fail=cut", "--json"));
    const lines = failed.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(lines).toEqual([
      { type: "data", value: "1" },
      expect.objectContaining({
        ok: false,
        attempts: 1,
        error: expect.objectContaining({ message: expect.stringContaining("cut"), details: { events: 1 } }),
      }),
    ]);
    expect(failed.code).toBe(1);
  });

  test("of what does not stream is its result", async () => {
    const { stdout } = await place.ccos([
      "call",
      "demo.area",
      "--capabilities",
      "local.rtfs",
      "--stream",
      "w:=6",
      "h:=7",
    ]);
    expect(stdout).toBe('{"type":"result","value":42}\n');
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends it: events came before, the peer is told, the session is ended", async (signal, code) => {
    const running = place.start(args("every:=5"));
    await vi.waitFor(() => expect(running.child.stdout.readableFlowing).toBe(true));
    await new Promise((resolve) => running.child.stdout.once("data", resolve));
    running.child.kill(signal);
    const { stdout, code: exitCode, stderr } = await running.ended;
    expect([exitCode, stderr]).toEqual([code, expect.stringContaining("error[canceled]")]);
    expect(stdout).toMatch(/^\{"type":"data","value":"1"\}\n/);
    expect(stdout.endsWith("}\n")).toBe(true);
    expect(await noted()).toEqual(["opened", expect.stringMatching(/^ended after \d+$/), "terminated"]);
  });

  test("--timeout is a limit for the whole stream", async () => {
    const { code, stderr } = await place.ccos(args("every:=5", "--timeout", "200"));
    expect([code, stderr]).toEqual([1, expect.stringContaining("error[deadline-exceeded]")]);
    expect(await noted()).toContain("terminated");
  });

  test("a reader that goes away ends it cleanly", async () => {
    const command = [process.execPath, main, ...args("every:=1")].map((word) => `'${word}'`).join(" ");
    const script = `${command} | head -2; echo "code \${PIPESTATUS[0]}"`;
    const child = spawn("bash", ["-c", script], { cwd: place.folder, env: place.env });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    await new Promise((resolve) => child.once("close", resolve));
    expect([stdout, stderr]).toEqual(['{"type":"data","value":"1"}\n{"type":"data","value":"2"}\ncode 0\n', ""]);
    expect(await noted()).toEqual(["opened", expect.stringMatching(/^ended after \d+$/), "terminated"]);
  });

  test("a reader that does not read stops the peer", async () => {
    const running = place.start(args(`fill=${"x".repeat(10_000)}`));
    await vi.waitFor(async () => expect(await noted()).toEqual(["opened"]), 5_000);
    running.child.stdout.pause();
    // What has been printed stands in the pipe and in Node's own buffers.
    await new Promise((resolve) => setTimeout(resolve, 700));
    running.child.kill("SIGINT");
    await vi.waitFor(async () => expect((await noted()).length).toBe(3), 5_000);
    const given = Number(/^ended after (\d+)$/.exec((await noted())[1] as string)?.[1]);
    expect(given).toBeLessThan(200);
    running.child.stdout.resume();
    expect((await running.ended).code).toBe(130);
  });
});
