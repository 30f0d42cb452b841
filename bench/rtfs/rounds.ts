export function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}

/** The median time of each, in milliseconds, of rounds in which all have their turn: so a busy moment meets all alike. */
export function interleaved(count: number, runs: readonly (() => unknown)[]): number[] {
  const times = runs.map((): number[] => []);
  for (let round = 0; round < count; round++) {
    for (const [index, run] of runs.entries()) {
      const start = performance.now();
      run();
      times[index]?.push(performance.now() - start);
    }
  }
  return times.map(median);
}
