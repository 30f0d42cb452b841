import type { Form } from "../forms.ts";
import type { Value } from "../values.ts";
import type { Run } from "./run.ts";

/** The globals of a run, by the index that the analyzer gave each name; undefined where nothing is defined. */
export type Globals = (Value | undefined)[];

/**
 * The variables of one activation of a function: the frame it was made in, the globals, then its slots.
 * A slot is undefined until its binding has been evaluated.
 */
export type Frame = [outer: Frame | null, globals: Globals, ...slots: (Value | undefined)[]];

/** A form, analysed: evaluates in a frame, to a value or to `SUSPEND`. */
export type Node = (frame: Frame) => Value;

/**
 * What a node returns instead of a value when evaluation must leave the JavaScript stack: to wait for
 * the host, to let the event loop run, or because the stack has grown deep.
 *
 * Every node that sees it from a part of itself adds to `vm.capture` how it would go on with that
 * part's value, and returns it too. The trampoline (run.ts) keeps these continuations, innermost first,
 * and calls them when there is a value. It never reaches a program as a value.
 */
export const SUSPEND = Object.freeze({ suspended: true }) as unknown as Value;

/** How to go on with a value; may suspend again. */
export type Resume = (value: Value) => Value;

/** A continuation that also hears of a failure: what `try` leaves behind. */
export interface Handler {
  resume(value: Value): Value;
  fail(error: unknown): Value;
}

export type Continuation = Resume | Handler;

/** Why evaluation was suspended: what to do, or to wait for, before the continuations go on. */
export type Pending =
  /** Go on at once, on an empty stack. */
  | { readonly kind: "continue"; readonly start: () => Value }
  /** Go on after the event loop has had a turn. */
  | { readonly kind: "yield"; readonly start: () => Value }
  /** Go on when the host has answered. */
  | { readonly kind: "wait"; readonly promise: Promise<Value>; readonly failure: (error: unknown) => unknown };

/**
 * The state of the run that is being evaluated right now. One object for all runs, because evaluation
 * reads it at every call; the trampoline swaps its contents when another run takes over.
 */
export interface Machine {
  /** Steps left before the run must be asked (limits, time, fairness). */
  fuel: number;
  /** Nested RTFS calls. */
  depth: number;
  maxDepth: number;
  /** What the nested calls need of the JavaScript stack, in nested nodes. */
  weight: number;
  /** The weight at which evaluation continues on an empty stack. */
  ceiling: number;
  /** The weight at which the current stretch of the JavaScript stack began. */
  floor: number;
  /** What outer runs in progress already use of the JavaScript stack. */
  base: number;
  maxCollectionSize: number;
  /** The form of each nested call, by depth; entries above `depth` are stale. */
  sites: (Form | undefined)[];
  /** The form of the library function called last: where its errors are placed. */
  at: Form | undefined;
  hints: ReadonlyMap<string, Value>;
  capture: Continuation[];
  pending: Pending | undefined;
  run: Run | undefined;
}

export const NO_HINTS: ReadonlyMap<string, Value> = new Map();

export const vm: Machine = {
  fuel: 0,
  depth: 0,
  maxDepth: 0,
  weight: 0,
  ceiling: 0,
  floor: 0,
  base: 0,
  maxCollectionSize: Number.MAX_SAFE_INTEGER,
  sites: [],
  at: undefined,
  hints: NO_HINTS,
  capture: [],
  pending: undefined,
  run: undefined,
};

export function suspend(pending: Pending): Value {
  vm.pending = pending;
  return SUSPEND;
}

/** Notes how to go on when the part just evaluated has a value, and hands the suspension on. */
export function resumeWith(continuation: Continuation): Value {
  vm.capture.push(continuation);
  return SUSPEND;
}

/** Evaluates the nodes not yet in `values`, in order, then goes on with all values. */
export function evaluateAll(
  nodes: readonly Node[],
  frame: Frame,
  values: Value[],
  then: (values: Value[]) => Value,
): Value {
  for (let index = values.length; index < nodes.length; index++) {
    const value = (nodes[index] as Node)(frame);
    if (value === SUSPEND) return evaluateRest(nodes, frame, values, then);
    values.push(value);
  }
  return then(values);
}

/** The same after the node next in turn has suspended. */
export function evaluateRest(
  nodes: readonly Node[],
  frame: Frame,
  values: Value[],
  then: (values: Value[]) => Value,
): Value {
  return resumeWith((value) => {
    values.push(value);
    return evaluateAll(nodes, frame, values, then);
  });
}
