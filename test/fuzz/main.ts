/**
 * `npm run fuzz`: random bytes, programs of the corpus with mutations, and generated programs, through reader,
 * analyser, evaluator and printer. Ends with 1 where anything was found.
 *
 * --inputs N (default 1,000,000), --seed N (default today's date), --index N tries just one and shows it.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { fuzzInput } from "./inputs.ts";
import { fuzz, type FuzzFinding } from "./run.ts";

interface Share {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** Holds the number of the input being tried. */
  readonly progress: Int32Array;
}

const HANGING_MS = 30_000;

if (isMainThread) await main();
else {
  const { seed, from, to, progress } = workerData as Share;
  parentPort?.postMessage(await fuzz(seed, from, to, (index) => Atomics.store(progress, 0, index)));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      inputs: { type: "string", default: "1000000" },
      seed: { type: "string", default: new Date().toISOString().slice(0, 10).replaceAll("-", "") },
      index: { type: "string" },
    },
  });
  const seed = Number(values.seed);
  if (values.index !== undefined) {
    const index = Number(values.index);
    console.log(fuzzInput(seed, index));
    report(await fuzz(seed, index, index + 1), 1, seed);
    return;
  }
  const inputs = Number(values.inputs);
  const workers = Math.min(availableParallelism(), 4);
  const size = Math.ceil(inputs / workers);
  const started = performance.now();
  const shares = Array.from({ length: workers }, (_, at) =>
    tryShare(seed, at * size, Math.min(inputs, (at + 1) * size)),
  );
  const findings = (await Promise.all(shares)).flat();
  console.log(`${((performance.now() - started) / 1000).toFixed(0)} s with ${workers} threads`);
  report(findings, inputs, seed);
}

/** A share in a thread of its own, so that one that hangs can be found, told and ended. */
async function tryShare(seed: number, from: number, to: number): Promise<FuzzFinding[]> {
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const share: Share = { seed, from, to, progress };
  const worker = new Worker(new URL(import.meta.url), { workerData: share });
  let last = -1;
  let since = performance.now();
  const done = Promise.withResolvers<FuzzFinding[]>();
  const failed = (problem: string): void => {
    const index = Atomics.load(progress, 0);
    done.resolve([{ index, input: fuzzInput(seed, index), problem }]);
  };
  const watch = setInterval(() => {
    const index = Atomics.load(progress, 0);
    if (index !== last) {
      last = index;
      since = performance.now();
    } else if (performance.now() - since > HANGING_MS) failed("it hangs");
  }, 1_000);
  worker.once("message", (found: FuzzFinding[]) => done.resolve(found));
  worker.once("error", (error) => failed(`the process would have crashed: ${String(error)}`));
  worker.once("exit", (code) => failed(`the thread ended with ${code}`));
  const findings = await done.promise;
  clearInterval(watch);
  await worker.terminate();
  return findings;
}

function report(findings: readonly FuzzFinding[], inputs: number, seed: number): void {
  for (const { index, input, problem } of findings) {
    console.log(`\nseed ${seed}, input ${index}: ${problem}\n${JSON.stringify(input)}`);
  }
  console.log(`${inputs} inputs tried, ${findings.length} findings (seed ${seed})`);
  if (findings.length > 0) process.exitCode = 1;
}
