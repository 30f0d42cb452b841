/**
 * The kernels in JavaScript, in RTFS and in the Lisp from npm, in turn. In a process of its own because that
 * Lisp reads only once, when it is loaded, whether it may compile to JavaScript or has to interpret.
 *
 * Arguments: how many rounds, and `interpreted` or `compiled`. Prints one JSON object.
 */
import { compile, readProgram, type Program, type Value } from "../../src/rtfs/index.ts";
import { KERNELS } from "./kernels.ts";
import { interleaved } from "./rounds.ts";

const [rounds, mode] = process.argv.slice(2) as [string, "interpreted" | "compiled"];
if (mode === "interpreted") Object.assign(globalThis, { SCI_DISABLE_JIT: true });
const { loadString } = await import("nbb");

const results: Record<string, { javascript: number; rtfs: number; peer: number }> = {};
for (const { name, rtfs, javascript, clojure, value } of KERNELS) {
  const program = compile(readProgram(rtfs));
  const runs = [javascript, () => runToEnd(program), (await loadString(clojure)) as () => unknown];
  for (const run of runs) {
    if (Number(run()) !== value) throw new Error(`${name} gives ${String(run())} instead of ${value}.`);
  }
  interleaved(5, runs);
  const [own, ours, peer] = interleaved(Number(rounds), runs) as [number, number, number];
  results[name] = { javascript: own, rtfs: ours, peer };
}
console.log(JSON.stringify(results));

function runToEnd(program: Program): Value {
  const value = program.run({ sliceMs: Number.POSITIVE_INFINITY });
  if (value instanceof Promise) throw new TypeError("A kernel waits for nothing.");
  return value;
}
