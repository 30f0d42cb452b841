import type { Clock, Timer } from "./clock.ts";
import { CcosError, isCcosError } from "./errors.ts";

/** The reason of an aborted signal as our error: ours pass unchanged, anything else is a cancellation. */
export function abortError(signal: AbortSignal): CcosError {
  const reason: unknown = signal.reason;
  if (isCcosError(reason)) return reason;
  return new CcosError("canceled", "The call was canceled by its caller.", { cause: reason });
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/**
 * Settles as `promise` does, unless `signal` aborts first. The work behind the promise goes on;
 * what it still gives after that goes to `late`, so that nothing is left behind.
 */
export function untilAborted<T>(
  promise: PromiseLike<T>,
  signal: AbortSignal | undefined,
  late: (value: T) => void = () => {},
): Promise<T> {
  if (signal === undefined) return Promise.resolve(promise);
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(abortError(signal));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(
      (value) => {
        signal.removeEventListener("abort", onAbort);
        if (signal.aborted) late(value);
        else resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener("abort", onAbort);
        reject(error);
      },
    );
  });
}

/** Waits `ms` milliseconds on `clock`, or until `signal` aborts (then it rejects). */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.reject(abortError(signal));
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    const onAbort = (): void => {
      timer.cancel();
      reject(abortError(signal as AbortSignal));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** An instant by which something must be done, and the signal that fires when it has passed. */
export interface Deadline extends Disposable {
  /** Aborts at the instant (`deadline-exceeded`), with the parent signal (`canceled`), or by `abort`. */
  readonly signal: AbortSignal;
  /** The instant on the monotonic clock; `Infinity` when there is none. */
  readonly at: number;
  /** Milliseconds left, never negative. */
  remainingMs(): number;
  /** Ends it at once, for another reason than the time. */
  abort(reason: CcosError): void;
  /** From now on there is no limit of time; the parent's signal still counts. */
  lift(): void;
}

/**
 * Starts a deadline. Dispose it when the work is done, else its timer keeps running.
 *
 * @param timeoutMs how long from now; `Infinity` for no limit
 * @param parent aborts the deadline's signal too
 * @param what named in the message of the error, such as `call of "x"`
 */
export function startDeadline(
  clock: Clock,
  timeoutMs: number,
  parent?: AbortSignal,
  what: string | (() => string) = "The call",
): Deadline {
  return new RunningDeadline(clock, timeoutMs, parent, what);
}

class RunningDeadline implements Deadline {
  readonly signal: AbortSignal;
  at: number;
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal | undefined;
  #onParent: (() => void) | undefined;
  #timer: Timer | undefined;

  constructor(clock: Clock, timeoutMs: number, parent: AbortSignal | undefined, what: string | (() => string)) {
    this.signal = this.#controller.signal;
    this.at = clock.monotonic() + timeoutMs;
    this.#clock = clock;
    this.#parent = parent;
    if (Number.isFinite(timeoutMs)) this.#timer = clock.setTimer(timeoutMs, () => this.abort(tooLate(what, timeoutMs)));
    if (parent === undefined) return;
    const onParent = (): void => this.abort(abortError(parent));
    this.#onParent = onParent;
    if (parent.aborted) onParent();
    else parent.addEventListener("abort", onParent, { once: true });
  }

  remainingMs(): number {
    return Math.max(0, this.at - this.#clock.monotonic());
  }

  abort(reason: CcosError): void {
    this.#controller.abort(reason);
  }

  lift(): void {
    this.#timer?.cancel();
    this.at = Infinity;
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    if (this.#onParent !== undefined) this.#parent?.removeEventListener("abort", this.#onParent);
  }
}

function tooLate(what: string | (() => string), timeoutMs: number): CcosError {
  const name = typeof what === "string" ? what : what();
  return new CcosError("deadline-exceeded", `${name} did not finish within ${timeoutMs} ms.`, {
    remedy: "Give it more time (--timeout, timeoutMs or :timeout_ms), or find out why the peer is slow.",
    details: { timeoutMs },
  });
}
