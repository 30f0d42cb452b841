import { getHeapStatistics } from "node:v8";
import type { Value } from "./values.ts";

/**
 * The world as a program sees it. The language reaches outside only through this, so it owns no
 * authority: an evaluator without a host can compute and nothing else.
 */
export interface Host {
  /**
   * `(call id args…)`. A value where it is known at once, else a promise. A rejection (or throw) becomes
   * an error that the program can catch; an `interrupted` or `canceled` error cannot be caught.
   */
  call(id: string, args: readonly Value[], hints: ReadonlyMap<string, Value>): Value | Promise<Value>;
  /**
   * The events of a call, for `:on-event`. Nothing happens before the first is asked for. Absent: this host has no
   * calls that give events.
   */
  stream?(id: string, args: readonly Value[], hints: ReadonlyMap<string, Value>): HostEvents;
  /** A value of the host's context for `@name`, `(get :name)` and free symbols; undefined where there is none. */
  context?(name: string): Value | undefined;
  setContext?(name: string, value: Value): void;
  /** Told when a `step` starts, completes or fails. */
  step?(event: { readonly phase: "started" | "completed" | "failed"; readonly name: string }): void;
}

/** The events of one call, as maps. */
export interface HostEvents {
  /** The next one; undefined where there is none left. Rejects as `Host.call` does. */
  next(): Promise<Value | undefined>;
  /** Ends the call, wherever it is, and resolves when it has ended. */
  leave(): Promise<unknown>;
}

/**
 * Bounds of one evaluation. Reaching one raises `interrupted`, which a program cannot catch; `finally` still
 * runs, within a small budget of its own. How deep source may nest is an option of the reader, `maxNesting`.
 */
export interface Limits {
  /** Evaluation steps. Default 50,000,000. */
  readonly maxSteps: number;
  /** Nested RTFS calls. Default 10,000. */
  readonly maxDepth: number;
  /** Wall time, in milliseconds. Default 60,000. */
  readonly timeoutMs: number;
  /** Items a single collection, or characters a single string, may hold. Default 10,000,000. */
  readonly maxCollectionSize: number;
  /** Characters of the run's value, printed or as JSON. Default 20,000,000. */
  readonly maxOutputSize: number;
  /**
   * Bytes by which the heap of the process may grow during the run, as seen every few thousand steps; what
   * other runs allocate meanwhile, and garbage not yet collected, counts too. Default half of what V8 may use.
   */
  readonly maxHeapGrowth: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxSteps: 50_000_000,
  maxDepth: 10_000,
  timeoutMs: 60_000,
  maxCollectionSize: 10_000_000,
  maxOutputSize: 20_000_000,
  maxHeapGrowth: Math.floor(getHeapStatistics().heap_size_limit / 2),
};
