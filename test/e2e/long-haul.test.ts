import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createEnvironment } from "../../src/environment.ts";
import { isCcosError } from "../../src/kernel/index.ts";

const CALLS = 20_000;
const IN_FLIGHT = 64;

interface Haul {
  /** Code of every call that failed. */
  readonly failures: string[];
  /** Times each call ran, by its number. */
  readonly runs: Map<number, number>;
  readonly handshakes: number;
  /** Sessions that ended at the server without us: forgotten, or gone with a kill. */
  readonly losses: number;
  readonly largestInFlightAtKill: number;
}

/** 20,000 calls, 64 at once, while the server forgets every 50 calls and is killed and started again three times. */
async function haul(idempotent: boolean): Promise<Haul> {
  const folder = mkdtempSync(join(tmpdir(), "ccos-haul-"));
  const file = join(folder, "seen");
  let server: ChildProcess | undefined;
  const start = async (port: number): Promise<number> => {
    server = spawn(process.execPath, [join(import.meta.dirname, "counting-server.ts"), String(port), file, "50"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    return await new Promise((resolve) =>
      server?.stdout?.once("data", (data: Buffer) => resolve(Number(data.toString()))),
    );
  };
  const kill = async (): Promise<void> => {
    const ended = new Promise((resolve) => server?.once("exit", resolve));
    server?.kill("SIGKILL");
    await ended;
  };
  const env = await createEnvironment({ capabilities: [], config: {}, env: {} });
  onTestFinished(async () => {
    await env.close();
    await kill();
    rmSync(folder, { recursive: true });
  });

  const port = await start(0);
  await env.capabilities.load(`
    (capability "haul.note" :description "Notes a number"
      :metadata {:mcp {:server_url "http://127.0.0.1:${port}/mcp" :tool_name "note" :requires_session "auto"}
                 :idempotent ${idempotent}
                 :retry {:max_attempts 20 :initial_delay_ms 50 :max_delay_ms 1000 :budget_ratio 10}
                 :timeout_ms 30000})`);
  const failures: string[] = [];
  let next = 0;
  let flying = 0;
  let largestInFlightAtKill = 0;
  const worker = async (): Promise<void> => {
    while (next < CALLS) {
      const n = next++;
      flying++;
      try {
        await env.call("haul.note", { n });
      } catch (error) {
        failures.push(isCcosError(error) ? error.code : String(error));
      } finally {
        flying--;
      }
    }
  };
  const restarts = async (): Promise<void> => {
    for (const at of [5_000, 10_000, 15_000]) {
      while (next < at) await new Promise((resolve) => setTimeout(resolve, 1));
      largestInFlightAtKill = Math.max(largestInFlightAtKill, flying);
      await kill();
      await start(port);
    }
  };
  await Promise.all([restarts(), ...Array.from({ length: IN_FLIGHT }, worker)]);

  const seen = readFileSync(file, "utf8").split("\n");
  const runs = new Map<number, number>();
  for (const line of seen) if (/^\d+$/.test(line)) runs.set(Number(line), (runs.get(Number(line)) ?? 0) + 1);
  const count = (what: string): number => seen.filter((line) => line === what).length;
  return { failures, runs, handshakes: count("initialize"), losses: count("forgotten") + 3, largestInFlightAtKill };
}

test("with a tool declared idempotent, 20,000 calls through forgetting and three kills: none fails", async () => {
  const { failures, runs, handshakes, losses } = await haul(true);
  expect(failures).toEqual([]);
  expect(runs.size).toBe(CALLS);
  expect(handshakes).toBeLessThanOrEqual(losses + 1);
}, 180_000);

test("with one that is not, only calls in flight at a kill fail, as an unknown outcome, and none runs twice", async () => {
  const { failures, runs, handshakes, losses } = await haul(false);
  expect(new Set(failures)).toEqual(new Set(failures.length === 0 ? [] : ["outcome-unknown"]));
  expect(failures.length).toBeLessThanOrEqual(3 * IN_FLIGHT);
  expect([...runs.values()].filter((times) => times > 1)).toEqual([]);
  expect(runs.size).toBeGreaterThanOrEqual(CALLS - failures.length);
  expect(handshakes).toBeLessThanOrEqual(losses + 1);
}, 180_000);
