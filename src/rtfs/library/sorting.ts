import type { BuiltinDeclaration } from "../evaluator/functions.ts";
import { call2, charge, checkSize, step } from "../evaluator/invoke.ts";
import { resumeWith, SUSPEND, suspend, vm } from "../evaluator/machine.ts";
import { raiseTypeError } from "../evaluator/raise.ts";
import type { Form } from "../forms.ts";
import { compareValues } from "../ordering.ts";
import { Float, Keyword, RtfsFunction, type Value } from "../values.ts";
import { items, likeKind, operation } from "./arguments.ts";
import { eachCall } from "./higher-order.ts";

function checkFunction(value: Value): void {
  if (!(value instanceof RtfsFunction || value instanceof Keyword)) raiseTypeError(operation(), "function", value);
}

/** The order of values; pays for every so many comparisons, so that a long sort ends at the limits too. */
function paidComparison(): (a: Value, b: Value) => number {
  let comparisons = 0;
  return (a, b) => {
    if ((++comparisons & 1023) === 0) charge(64);
    return compareValues(a, b);
  };
}

function sort(first: Value, second: Value | undefined): Value {
  if (second === undefined) {
    const from = items(first);
    checkSize(from.length);
    return likeKind(from, from.toArray().sort(paidComparison()));
  }
  checkFunction(first);
  const from = items(second);
  return new MergeSort(from.toArray(), first, vm.at, (sorted) => likeKind(from, sorted)).run();
}

function sortBy(fn: Value, collection: Value): Value {
  checkFunction(fn);
  const from = items(collection);
  return eachCall(fn, from, vm.at, (keys) => {
    checkSize(keys.length);
    const compare = paidComparison();
    const order = keys.map((_, index) => index).sort((a, b) => compare(keys[a] as Value, keys[b] as Value));
    return likeKind(
      from,
      order.map((index) => from.at(index)),
    );
  });
}

/**
 * A stable merge sort from the bottom up whose whole state is in its fields, because the comparison is a
 * program's function and may suspend in the middle.
 */
class MergeSort {
  #source: Value[];
  #target: Value[] = [];
  readonly #compare: Value;
  readonly #site: Form | undefined;
  readonly #finish: (sorted: Value[]) => Value;
  #width = 1;
  /** The two runs being merged, and how far each has been taken. */
  #left = 0;
  #right = 0;
  #start = 0;

  constructor(values: Value[], compare: Value, site: Form | undefined, finish: (sorted: Value[]) => Value) {
    this.#source = values;
    this.#compare = compare;
    this.#site = site;
    this.#finish = finish;
    this.#beginRuns(0);
  }

  run(): Value {
    const size = this.#source.length;
    while (this.#width < size) {
      while (this.#start < size) {
        const leftEnd = Math.min(this.#start + this.#width, size);
        const rightEnd = Math.min(leftEnd + this.#width, size);
        while (this.#left < leftEnd && this.#right < rightEnd) {
          if (step(this.#site)) return suspend({ kind: "yield", start: () => this.#once() });
          const verdict = this.#ask();
          if (verdict === SUSPEND) return this.#later();
          this.#take(verdict);
        }
        while (this.#left < leftEnd) this.#target.push(this.#source[this.#left++] as Value);
        while (this.#right < rightEnd) this.#target.push(this.#source[this.#right++] as Value);
        this.#beginRuns(rightEnd);
      }
      this.#source = this.#target;
      this.#target = [];
      this.#width *= 2;
      this.#beginRuns(0);
    }
    return this.#finish(this.#source);
  }

  #once(): Value {
    const verdict = this.#ask();
    if (verdict === SUSPEND) return this.#later();
    this.#take(verdict);
    return this.run();
  }

  #later(): Value {
    return resumeWith((verdict) => {
      this.#take(verdict);
      return this.run();
    });
  }

  #beginRuns(start: number): void {
    this.#start = start;
    this.#left = start;
    this.#right = Math.min(start + this.#width, this.#source.length);
  }

  // Asks about the right one first: where neither is less, the left one stays in front.
  #ask(): Value {
    return call2(this.#compare, this.#source[this.#right] as Value, this.#source[this.#left] as Value, this.#site);
  }

  #take(verdict: Value): void {
    const index = isLess(verdict) ? this.#right++ : this.#left++;
    this.#target.push(this.#source[index] as Value);
  }
}

/** A comparison answers with a truth value (less or not), or with a number below zero for less. */
function isLess(verdict: Value): boolean {
  if (typeof verdict === "number" || typeof verdict === "bigint") return verdict < 0;
  if (verdict instanceof Float) return verdict.value < 0;
  return verdict !== null && verdict !== false;
}

export const sorting: readonly BuiltinDeclaration[] = [
  {
    name: "sort",
    params: "[compare? coll]",
    doc: "In order, of the same kind; compare tells whether its first argument comes first, by true or a number below 0.",
    arity: [1, 2],
    fn: sort,
  },
  {
    name: "sort-by",
    params: "[f coll]",
    doc: "In the order of what f gives for each item.",
    arity: [2, 2],
    fn: sortBy,
  },
];
