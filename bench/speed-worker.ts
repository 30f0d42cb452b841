/** One contender against the canned server, in a process of its own: warms up, then measures each level of concurrency. */
import { contender } from "./contenders/index.ts";
import { load, median, quantile } from "./load.ts";

export interface LevelResult {
  readonly inFlight: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly callsPerSecond: number;
  /** Of this process, user and system together. */
  readonly cpuMicros: number;
}

export interface SpeedResult {
  readonly levels: readonly LevelResult[];
  readonly rssMb: number;
}

export interface SpeedOrder {
  readonly name: string;
  readonly url: string;
  readonly warmup: number;
  /** Calls by calls in flight. */
  readonly levels: readonly (readonly [inFlight: number, count: number])[];
}

process.on("message", (order: SpeedOrder) => {
  measure(order).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function measure({ name, url, warmup, levels }: SpeedOrder): Promise<SpeedResult> {
  const client = await contender(name).open(url);
  const call = async (index: number): Promise<void> => {
    const key = `k${index}`;
    const text = await client.call("store", { key });
    if (!text.startsWith(key)) throw new Error(`${name} answered ${JSON.stringify(text.slice(0, 50))} to ${key}.`);
  };
  // Warmed at every level, so that each has its connections.
  for (const [inFlight] of levels) await load(Math.ceil(warmup / levels.length), inFlight, call);
  const results: LevelResult[] = [];
  for (const [inFlight, count] of levels) {
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    const took = await load(count, inFlight, call);
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    results.push({
      inFlight,
      p50Ms: median(took),
      p99Ms: quantile(took, 0.99),
      callsPerSecond: count / seconds,
      cpuMicros: (user + system) / count,
    });
  }
  const rssMb = process.memoryUsage.rss() / 1e6;
  await client.close();
  return { levels: results, rssMb };
}
