import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { startMcpServer, text, type McpServer } from "../../testing/mcp-server.ts";
import { redisInstalled, startRedis } from "./redis-server.ts";

const FORGET_AFTER = 60;

interface Fleet {
  readonly server: McpServer;
  /** How often each call ran, by its number. */
  readonly ran: ReadonlyMap<string, number>;
  start(name: string, calls: number): Member;
}

interface Member {
  readonly child: ChildProcess;
  /** The errors of its calls; undefined where it was killed. */
  readonly ended: Promise<string[] | undefined>;
}

async function fleet(store: string): Promise<Fleet> {
  const ran = new Map<string, number>();
  const server = await startMcpServer({
    forgetAfterCalls: FORGET_AFTER,
    tools: [
      {
        name: "count",
        inputSchema: { type: "object" },
        run(input) {
          const key = String(input["key"]);
          ran.set(key, (ran.get(key) ?? 0) + 1);
          return text("counted");
        },
      },
    ],
  });
  onTestFinished(() => server.stop());
  const start = (name: string, calls: number): Member => {
    const args = [join(import.meta.dirname, "fleet-worker.ts"), server.url, store, name, String(calls)];
    const child = spawn(process.execPath, args, {
      stdio: ["ignore", "pipe", "inherit"],
      env: { PATH: process.env["PATH"], CCOS_STORE_KEY: "ab".repeat(32) },
    });
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    const ended = once(child, "exit").then(() => (printed === "" ? undefined : (JSON.parse(printed) as string[])));
    return { child, ended };
  };
  return { server, ran, start };
}

/** The number of calls that have run. */
function total(ran: ReadonlyMap<string, number>): number {
  return [...ran.values()].reduce((sum, times) => sum + times, 0);
}

async function shared(store: string): Promise<void> {
  const { server, ran, start } = await fleet(store);
  const members = ["a", "b", "c"].map((name) => start(name, 300));
  expect(await Promise.all(members.map(({ ended }) => ended))).toEqual([[], [], []]);
  expect(ran.size).toBe(900);
  expect(total(ran)).toBe(900);
  // One handshake for each loss, and one to begin with; no member opens a session that another one has.
  expect(server.counts.initialize).toBeLessThanOrEqual(900 / FORGET_AFTER + 1);
}

async function killed(store: string): Promise<void> {
  const { server, ran, start } = await fleet(store);
  const members = ["a", "b"].map((name) => start(name, 300));
  for (let round = 0; round < 3; round++) {
    const victim = start(`victim-${round}`, 10_000);
    const before = total(ran);
    while (total(ran) < before + 100 && victim.child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 5));
    victim.child.kill("SIGKILL");
    expect(await victim.ended).toBeUndefined();
  }
  expect(await Promise.all(members.map(({ ended }) => ended))).toEqual([[], []]);
  expect([...ran.values()].filter((times) => times > 1)).toEqual([]);
  // What a member was opening when it was killed is opened once more.
  expect(server.counts.initialize).toBeLessThanOrEqual(total(ran) / FORGET_AFTER + 1 + 3);
}

describe("several processes on one file", () => {
  test("share sessions: no call fails or runs twice, and a loss costs one handshake", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ccos-fleet-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    await shared(`sqlite:${join(folder, "sessions.db")}`);
  }, 120_000);

  test("do not notice that others are killed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ccos-fleet-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    await killed(`sqlite:${join(folder, "sessions.db")}`);
  }, 120_000);
});

describe.skipIf(!redisInstalled)("several processes on one Redis (needs redis-server)", () => {
  test("share sessions: no call fails or runs twice, and a loss costs one handshake", async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    await shared(redis.url);
  }, 120_000);

  test("do not notice that others are killed", async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    await killed(redis.url);
  }, 120_000);

  test("go on with what they hold while Redis is away, and no call fails", async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const { server, ran, start } = await fleet(redis.url);
    const members = ["a", "b"].map((name) => start(name, 600));
    const reach = async (calls: number): Promise<void> => {
      while (total(ran) < calls) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    // Both have found the store before it goes away.
    while (!ran.has("a-50") || !ran.has("b-50")) await new Promise((resolve) => setTimeout(resolve, 5));
    await redis.kill();
    await reach(total(ran) + 300);
    await redis.start();
    expect(await Promise.all(members.map(({ ended }) => ended))).toEqual([[], []]);
    expect(total(ran)).toBe(1200);
    expect([...ran.values()].filter((times) => times > 1)).toEqual([]);
    // Alone, each replaces what is lost by itself.
    expect(server.counts.initialize).toBeLessThanOrEqual(2 * (1200 / FORGET_AFTER) + 2);
  }, 120_000);
});
