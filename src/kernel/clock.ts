/** A timer that can be called off. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * Time as a parameter, so that tests steer it.
 *
 * Timeouts and idle times are measured on the monotonic clock, which no one sets and which does not jump;
 * expiries that come from outside (tokens, records) are compared with the wall clock.
 */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Monotonic clock, milliseconds since some fixed instant. */
  monotonic(): number;
  /**
   * Calls `fn` once after `ms` milliseconds.
   * A `background` timer does not keep the process alive by itself.
   */
  setTimer(ms: number, fn: () => void, options?: { readonly background?: boolean }): Timer;
}

// Node clamps longer delays to 1 ms with a warning; 24.8 days is as good as never here.
const LONGEST_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(ms, fn, options) {
    const handle = setTimeout(fn, Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
    if (options?.background) handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
