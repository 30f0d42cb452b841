/**
 * What a warm call costs with each provider, beside the library that the provider is made with, used directly.
 * `npm run bench:providers`; names of providers as arguments narrow it down, and then nothing is written.
 */
import { Child } from "./child.ts";
import { median } from "./load.ts";
import { conditions, replaceGenerated, table } from "./page.ts";
import type { PairLevel, PairOrder, PairResult } from "./providers-worker.ts";
import { pairs } from "./providers/pair.ts";

const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 3);
const ORDER: Omit<PairOrder, "provider"> = {
  warmup: 9_000,
  turns: 10,
  levels: [
    [1, 400],
    [16, 1_600],
    [64, 3_200],
  ],
};
/** What no provider is to cost more than, by the median latency of one call after the other. */
const MOST = 1.5;

const asked = process.argv.slice(2);
const chosen = Object.keys(pairs).filter((provider) => asked.length === 0 || asked.includes(provider));
const results = new Map<string, PairResult[]>(chosen.map((provider) => [provider, []]));
for (let round = 0; round < ROUNDS; round++) {
  // Another order in every round, so that no provider always runs after the same one.
  for (const provider of [...chosen.slice(round % chosen.length), ...chosen.slice(0, round % chosen.length)]) {
    console.error(`round ${round + 1} of ${ROUNDS}: ${provider}`);
    await using child = new Child("providers-worker.ts", [], { execArgv: ["--expose-gc"] });
    results.get(provider)?.push(await child.ask<PairResult>({ ...ORDER, provider }));
  }
}

const HEAD = ["", "beside", "p50 ms", "of the library", "×", "CPU µs/call", "of the library", "×", "calls/s"];
const text = ORDER.levels
  .map(([inFlight], index) => {
    const rows = [...results].map(([provider, rounds]) => {
      const of = (pick: (level: PairLevel) => number): number =>
        median(rounds.map((round) => pick(round.levels[index] as PairLevel)));
      return [
        provider,
        rounds[0]?.library ?? "",
        of(({ ours }) => ours.p50Ms).toFixed(2),
        of(({ direct }) => direct.p50Ms).toFixed(2),
        of(({ p50Ratio }) => p50Ratio).toFixed(2),
        of(({ ours }) => ours.cpuMicros).toFixed(0),
        of(({ direct }) => direct.cpuMicros).toFixed(0),
        of(({ cpuRatio }) => cpuRatio).toFixed(2),
        of(({ ours }) => ours.callsPerSecond).toFixed(0),
      ];
    });
    return `### ${inFlight} in flight\n\n${table(HEAD, rows)}`;
  })
  .join("\n\n");
console.log(text);

const over = [...results]
  .map(
    ([provider, rounds]) => [provider, median(rounds.map(({ levels }) => levels[0]?.p50Ratio ?? Number.NaN))] as const,
  )
  .filter(([, ratio]) => ratio > MOST);
for (const [provider, ratio] of over)
  console.error(`${provider}: ${ratio.toFixed(2)} × its library, more than ${MOST}.`);
if (asked.length === 0)
  replaceGenerated("docs/performance-providers.md", `${conditions()} ${ROUNDS} rounds, medians.\n\n${text}`);
