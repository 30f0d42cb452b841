/** Runs `count` calls with `inFlight` of them at a time, and gives how long each took, in milliseconds. */
export async function load(
  count: number,
  inFlight: number,
  call: (index: number) => Promise<void>,
): Promise<Float64Array> {
  const took = new Float64Array(count);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (;;) {
      const index = next++;
      if (index >= count) return;
      const startedAt = performance.now();
      await call(index);
      took[index] = performance.now() - startedAt;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return took;
}

export function median(values: Iterable<number>): number {
  return quantile(values, 0.5);
}

export function quantile(values: Iterable<number>, q: number): number {
  const sorted = [...values].toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
