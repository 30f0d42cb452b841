/**
 * `fib 25` in a Lisp from npm that interprets by a machine of its own, in a process of its own. Arguments: how many
 * rounds. Prints the median in milliseconds.
 */
import { createRequire } from "node:module";
import { median } from "../load.ts";

interface Scheme {
  readonly Interpreter: new (onError: (error: Error) => void) => {
    evaluate(source: string, then: (value: unknown) => void): void;
  };
}

const { Interpreter } = createRequire(import.meta.url)("biwascheme") as Scheme;
const scheme = new Interpreter((error) => {
  throw error;
});
scheme.evaluate("(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))", () => {});

function run(): number {
  const since = performance.now();
  let value: unknown;
  scheme.evaluate("(fib 25)", (given) => (value = given));
  if (value !== 75_025) throw new Error(`fib 25 gives ${String(value)}.`);
  return performance.now() - since;
}

run();
console.log(JSON.stringify(median(Array.from({ length: Number(process.argv[2]) }, run))));
