/** One contender in one scenario, in a process of its own. */
import { setTimeout as sleep } from "node:timers/promises";

import { contender, type Tool } from "./contenders/index.ts";

/** Whoever calls waits no longer than this, in milliseconds. */
export const CAP_MS = 5000;

export interface FaultOrder {
  readonly name: string;
  readonly url: string;
  readonly tool: Tool;
  readonly calls: number;
  readonly inFlight: number;
  readonly pauseMs: number;
}

export interface FaultResult {
  readonly failed: number;
  /** How many of these were still waiting after the cap. */
  readonly hung: number;
  /** Successful calls: when they began and ended, comparable between processes. */
  readonly good: readonly (readonly [startedAt: number, endedAt: number])[];
  /** What the first few failures said. */
  readonly errors: readonly string[];
  readonly peakRssMb: number;
}

const now = (): number => performance.timeOrigin + performance.now();

process.on("message", (message: FaultOrder | { token: string }) => {
  if ("token" in message) {
    process.env["BENCH_TOKEN"] = message.token;
    process.send?.({ rotated: true });
    return;
  }
  run(message).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
// Some clients throw where nobody can catch it; the calls that never end then are counted as such.
process.on("uncaughtException", () => {});

async function run({ name, url, tool, calls, inFlight, pauseMs }: FaultOrder): Promise<FaultResult> {
  const client = await contender(name).open(url);
  const good: [number, number][] = [];
  const errors: string[] = [];
  let failed = 0;
  let hung = 0;
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < calls) {
      const key = `k${next++}`;
      const startedAt = now();
      try {
        const answer = await capped(client.call(tool, { key }));
        if (!answer.startsWith(key)) throw new Error(`${JSON.stringify(answer.slice(0, 50))} is no answer to ${key}.`);
        good.push([startedAt, now()]);
      } catch (error) {
        failed++;
        if (error instanceof TookTooLong) hung++;
        if (errors.length < 5) errors.push(error instanceof Error ? error.message : String(error));
        await sleep(pauseMs);
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  await capped(client.close()).catch(() => {});
  return { failed, hung, good, errors, peakRssMb: process.resourceUsage().maxRSS / 1024 };
}

class TookTooLong extends Error {}

function capped<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new TookTooLong(`no answer within ${CAP_MS} ms`)), CAP_MS);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
