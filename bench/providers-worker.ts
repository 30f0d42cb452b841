/** One provider in a process of its own: both ways of its pair, in turns that are short against what a machine does meanwhile. */
import { load, median, quantile } from "./load.ts";
import { pairs, type ProviderPair } from "./providers/pair.ts";

export interface PairOrder {
  readonly provider: string;
  readonly warmup: number;
  /** Turns of each way. */
  readonly turns: number;
  /** Calls of a turn by calls in flight. */
  readonly levels: readonly (readonly [inFlight: number, count: number])[];
}

export interface WayResult {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly callsPerSecond: number;
  readonly cpuMicros: number;
}

export interface PairLevel {
  readonly inFlight: number;
  readonly ours: WayResult;
  readonly direct: WayResult;
  /** Ours by the library's: medians over the turns. */
  readonly p50Ratio: number;
  readonly cpuRatio: number;
}

export interface PairResult {
  readonly library: string;
  readonly levels: readonly PairLevel[];
}

process.on("message", (order: PairOrder) => {
  measure(order).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

type Way = "ours" | "direct";
const WAYS: readonly Way[] = ["direct", "ours"];

async function measure({ provider, warmup, turns, levels }: PairOrder): Promise<PairResult> {
  const open = pairs[provider];
  if (open === undefined) throw new Error(`There is no pair for ${provider}.`);
  const pair = await open();
  for (const [inFlight] of levels)
    for (const way of WAYS) await load(Math.ceil(warmup / levels.length), inFlight, caller(pair, way));
  const results: PairLevel[] = [];
  for (const [inFlight, count] of levels) {
    const taken: Record<Way, WayResult[]> = { ours: [], direct: [] };
    for (let turn = 0; turn < turns; turn++) {
      // The first of a turn finds what the last one left behind; so each is first as often as the other.
      for (const way of turn % 2 === 0 ? WAYS : WAYS.toReversed())
        taken[way].push(await oneTurn(caller(pair, way), inFlight, count));
    }
    const ratio = (of: (one: WayResult) => number): number =>
      median(taken.ours.map((one, turn) => of(one) / of(taken.direct[turn] as WayResult)));
    results.push({
      inFlight,
      ours: middle(taken.ours),
      direct: middle(taken.direct),
      p50Ratio: ratio(({ p50Ms }) => p50Ms),
      cpuRatio: ratio(({ cpuMicros }) => cpuMicros),
    });
  }
  await pair.close();
  return { library: pair.library, levels: results };
}

function caller(pair: ProviderPair, way: Way): (index: number) => Promise<void> {
  return async (index) => {
    const key = `k${index}`;
    const answer = await pair[way](key);
    // Looked for only in the first answers: what both have to do besides is no part of what is compared.
    if (index < 16 && !JSON.stringify(answer).includes(key))
      throw new Error(`${pair.provider} (${way}) answered something else than ${key}.`);
  };
}

async function oneTurn(call: (index: number) => Promise<void>, inFlight: number, count: number): Promise<WayResult> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const took = await load(count, inFlight, call);
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    p50Ms: median(took),
    p99Ms: quantile(took, 0.99),
    callsPerSecond: count / seconds,
    cpuMicros: (user + system) / count,
  };
}

function middle(turns: readonly WayResult[]): WayResult {
  const of = (pick: (one: WayResult) => number): number => median(turns.map(pick));
  return {
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    callsPerSecond: of(({ callsPerSecond }) => callsPerSecond),
    cpuMicros: of(({ cpuMicros }) => cpuMicros),
  };
}
