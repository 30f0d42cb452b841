import { getHeapStatistics } from "node:v8";
import { abortError, type Clock, type Timer } from "../../kernel/index.ts";
import type { Form } from "../forms.ts";
import type { Host, Limits } from "../host.ts";
import type { Value } from "../values.ts";
import { failureOutside } from "./failures.ts";
import { interrupt } from "./interrupt.ts";
import { NO_HINTS, SUSPEND, vm, type Continuation, type Globals, type Machine, type Pending } from "./machine.ts";
import type { GlobalNames } from "./names.ts";

/** Steps between two looks at the clock and the signal. */
const SLICE_STEPS = 1_000;
/**
 * The weight that one stretch of the JavaScript stack carries, all runs in progress together. Measured:
 * unoptimised nodes need about 250 bytes each of a stack of 984 kB; half of it is left to the embedder.
 */
const STACK_WEIGHT = 1_800;
/** What starting a run within another needs: the host's functions, the reader, the trampoline. */
const RUN_WEIGHT = 150;
/** What `finally` may still use after a run was interrupted: in all, not each. */
const GRACE_STEPS = 100_000;
const GRACE_MS = 1_000;
/** Steps between two looks at the heap, and the part of all it may hold at which no program goes on. */
const HEAP_CHECK_STEPS = 16_000;
const FULL_HEAP = 0.85;

export interface RunSettings {
  readonly host: Host | undefined;
  readonly limits: Limits;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  readonly strictCatch: boolean;
  /** How long evaluation may hold the event loop, in milliseconds. */
  readonly sliceMs: number;
  readonly names: GlobalNames;
  readonly globals: Globals;
}

type Saved = Pick<Machine, "fuel" | "depth" | "maxDepth" | "weight" | "maxCollectionSize" | "sites" | "at" | "hints">;

/** One evaluation under way: its limits, and what waits for it to go on. */
export class Run {
  readonly settings: RunSettings;
  /** Continuations, innermost last. */
  readonly #stack: Continuation[] = [];
  #state: Saved;
  /** Steps not yet handed to `vm.fuel`. */
  #stepsLeft: number;
  #deadline: number;
  #sliceEnd = 0;
  /** Steps left when the heap was last looked at. */
  #heapCheckAt: number;
  #heapAtStart: number | undefined;
  #graceful = false;

  constructor(settings: RunSettings) {
    this.settings = settings;
    const { limits, clock } = settings;
    const fuel = Math.min(SLICE_STEPS, limits.maxSteps);
    this.#stepsLeft = limits.maxSteps - fuel;
    this.#heapCheckAt = limits.maxSteps;
    this.#deadline = clock.monotonic() + limits.timeoutMs;
    this.#state = {
      fuel,
      depth: 0,
      maxDepth: limits.maxDepth,
      weight: 0,
      maxCollectionSize: limits.maxCollectionSize,
      sites: [undefined],
      at: undefined,
      hints: NO_HINTS,
    };
  }

  /** Evaluates to the end: the value at once if nothing had to be waited for, else a promise. */
  start(begin: () => Value): Value | Promise<Value> {
    const used = vm.run === undefined ? 0 : vm.base + vm.weight - vm.floor + RUN_WEIGHT;
    // A host function that evaluates runs inside our stack; where little is left, the new run gets its own.
    if (used > STACK_WEIGHT / 2) {
      return new Promise((resolve, reject) => {
        setImmediate(() => this.#goOn(begin, 0, resolve, reject));
      });
    }
    const pending = this.#advance(begin, used);
    if (pending.kind === "done") return pending.value;
    return new Promise((resolve, reject) => this.#wait(pending, resolve, reject));
  }

  /**
   * A look at the limits when the steps handed out are used up. True: the slice of time is over too,
   * so let the event loop run.
   */
  refuel(form: Form | undefined): boolean {
    const { limits, signal, clock } = this.settings;
    this.#stepsLeft += vm.fuel;
    vm.fuel = 0;
    if (this.#stepsLeft < 0) {
      this.#stepsLeft = 0;
      throw interrupt("maxSteps", `The program took more than ${limits.maxSteps} steps.`, form);
    }
    if (signal?.aborted && !this.#graceful) throw abortError(signal);
    const now = clock.monotonic();
    if (now > this.#deadline) throw this.#outOfTime(form);
    this.#checkHeap(form);
    vm.fuel = Math.min(SLICE_STEPS, this.#stepsLeft);
    this.#stepsLeft -= vm.fuel;
    return now >= this.#sliceEnd;
  }

  /** Gives the steps back that were just handed out, so that the next call asks again, and can let the event loop run. */
  handBack(): void {
    this.#stepsLeft += vm.fuel;
    vm.fuel = 0;
  }

  /** A small budget for the `finally` forms on the way out of an interrupted run. Given once. */
  grantGrace(): void {
    if (this.#graceful) return;
    this.#graceful = true;
    vm.fuel = 0;
    this.#stepsLeft = GRACE_STEPS;
    this.#deadline = this.settings.clock.monotonic() + GRACE_MS;
  }

  /** Asking costs little, but not nothing. */
  #checkHeap(form: Form | undefined): void {
    if (this.#heapCheckAt - this.#stepsLeft < HEAP_CHECK_STEPS || this.#graceful) return;
    this.#heapCheckAt = this.#stepsLeft;
    const { maxHeapGrowth } = this.settings.limits;
    const { used_heap_size: used, heap_size_limit: most } = getHeapStatistics();
    this.#heapAtStart ??= used;
    if (used - this.#heapAtStart > maxHeapGrowth || used > most * FULL_HEAP) {
      throw interrupt(
        "maxHeapGrowth",
        `The program, with what runs beside it, uses ${Math.round(used / 2 ** 20)} MiB of memory.`,
        form,
      );
    }
  }

  #outOfTime(form: Form | undefined): Error {
    return interrupt("timeoutMs", `The program took longer than ${this.settings.limits.timeoutMs} ms.`, form);
  }

  /** Runs until there is a value, or something to wait for. Throws what the program does not catch. */
  #advance(begin: () => Value, base: number): { kind: "done"; value: Value } | Exclude<Pending, { kind: "continue" }> {
    const outer = this.#enter(base);
    try {
      let start = begin;
      for (;;) {
        const value = this.#settle(start);
        if (value !== SUSPEND) return { kind: "done", value };
        const pending = vm.pending as Pending;
        vm.pending = undefined;
        if (pending.kind !== "continue") return pending;
        start = pending.start;
      }
    } catch (error) {
      throw failureOutside(error);
    } finally {
      this.#leave(outer);
    }
  }

  /** Calls the continuations one after the other, each on an empty stack, until one suspends or none is left. */
  #settle(start: () => Value): Value {
    const stack = this.#stack;
    let value = this.#attempt(start);
    for (;;) {
      if (value === SUSPEND) {
        // Captured innermost first; the innermost must come off the stack first.
        for (let last = vm.capture.pop(); last !== undefined; last = vm.capture.pop()) stack.push(last);
        return SUSPEND;
      }
      const next = stack.pop();
      if (next === undefined) return value;
      const given = value;
      value = this.#attempt(() => (typeof next === "function" ? next(given) : next.resume(given)));
    }
  }

  /** A stretch of evaluation; a failure goes to the nearest handler among the continuations. */
  #attempt(start: () => Value): Value {
    let go = start;
    for (;;) {
      vm.floor = vm.weight;
      vm.ceiling = vm.weight + STACK_WEIGHT - vm.base;
      try {
        return go();
      } catch (error) {
        vm.capture.length = 0;
        const handler = this.#nextHandler();
        if (handler === undefined) throw error;
        go = () => handler.fail(error);
      }
    }
  }

  #nextHandler(): Exclude<Continuation, (value: Value) => Value> | undefined {
    for (let next = this.#stack.pop(); next !== undefined; next = this.#stack.pop()) {
      if (typeof next !== "function") return next;
    }
    return undefined;
  }

  #enter(base: number): Machine {
    const outer = { ...vm };
    Object.assign(vm, this.#state, { base, capture: [], pending: undefined, run: this });
    this.#sliceEnd = this.settings.clock.monotonic() + this.settings.sliceMs;
    return outer;
  }

  #leave(outer: Machine): void {
    const { fuel, depth, maxDepth, weight, maxCollectionSize, sites, at, hints } = vm;
    this.#state = { fuel, depth, maxDepth, weight, maxCollectionSize, sites, at, hints };
    Object.assign(vm, outer);
  }

  #goOn(begin: () => Value, base: number, resolve: (value: Value) => void, reject: (error: unknown) => void): void {
    try {
      const pending = this.#advance(begin, base);
      if (pending.kind === "done") resolve(pending.value);
      else this.#wait(pending, resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  #wait(
    pending: Exclude<Pending, { kind: "continue" }>,
    resolve: (value: Value) => void,
    reject: (error: unknown) => void,
  ): void {
    if (pending.kind === "yield") {
      setImmediate(() => this.#goOn(pending.start, 0, resolve, reject));
      return;
    }
    const { signal, clock } = this.settings;
    let timer: Timer | undefined;
    let settled = false;
    const settle = (begin: () => Value): void => {
      if (settled) return;
      settled = true;
      timer?.cancel();
      signal?.removeEventListener("abort", onAbort);
      this.#goOn(begin, 0, resolve, reject);
    };
    const failWith = (makeError: () => unknown): void =>
      settle(() => {
        throw makeError();
      });
    const onAbort = (): void => failWith(() => abortError(signal as AbortSignal));
    if (signal !== undefined && !this.#graceful) {
      if (signal.aborted) {
        pending.promise.then(undefined, () => {});
        onAbort();
        return;
      }
      signal.addEventListener("abort", onAbort, { once: true });
    }
    if (Number.isFinite(this.#deadline)) {
      const left = Math.max(0, this.#deadline - clock.monotonic());
      timer = clock.setTimer(left, () => failWith(() => this.#outOfTime(vm.at)));
    }
    pending.promise.then(
      (value) => settle(() => value),
      (error: unknown) => failWith(() => pending.failure(error)),
    );
  }
}
