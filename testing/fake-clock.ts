import type { Clock, Timer } from "../src/kernel/index.ts";

/** A clock that moves only when a test says so. */
export interface FakeClock extends Clock {
  /**
   * Moves both clocks on by `ms` and runs the timers that fall due, in the order of their instants (in the
   * order they were set where instants are equal). Work that a timer sets off is done, and may set timers
   * that fall due as well, before the next one runs.
   */
  advance(ms: number): Promise<void>;
  /** Moves only the wall clock, as a person or a time server does. No timer runs. May be negative. */
  jumpWall(ms: number): void;
  /** Lets everything run that waits for no timer. */
  settle(): Promise<void>;
  /** Timers that are set and have not fired, background ones included. 0 says that nothing was left behind. */
  readonly pendingTimers: number;
  /** Milliseconds until the next timer fires; `Infinity` where none is set. */
  readonly nextTimerMs: number;
}

export interface FakeClockOptions {
  /** Wall clock at the start, milliseconds since the epoch. Default 2026-01-01T00:00:00Z. */
  readonly now?: number;
}

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

// Taken at load, so that a test which replaces the global timers does not stop this clock.
const nextTurn = setImmediate;

export function createFakeClock(options: FakeClockOptions = {}): FakeClock {
  const entries = new Set<Entry>();
  let wall = options.now ?? Date.UTC(2026, 0, 1);
  let elapsed = 0;
  let count = 0;

  // Two turns: the first empties the queues of promises and ticks, the second what those left to the event loop.
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => void nextTurn(resolve));
  };

  const next = (): Entry | undefined => {
    let first: Entry | undefined;
    for (const entry of entries) {
      if (first === undefined || entry.at < first.at || (entry.at === first.at && entry.order < first.order)) {
        first = entry;
      }
    }
    return first;
  };

  const moveTo = (instant: number): void => {
    wall += instant - elapsed;
    elapsed = instant;
  };

  return {
    now: () => wall,
    monotonic: () => elapsed,
    setTimer(ms, fn): Timer {
      const entry: Entry = { at: elapsed + Math.max(0, ms), order: count++, fn };
      entries.add(entry);
      return { cancel: () => void entries.delete(entry) };
    },
    async advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`A clock runs forward: advance(${ms}).`);
      const end = elapsed + ms;
      await settle();
      for (let due = next(); due !== undefined && due.at <= end; due = next()) {
        entries.delete(due);
        moveTo(Math.max(elapsed, due.at));
        due.fn();
        await settle();
      }
      moveTo(end);
    },
    jumpWall(ms) {
      wall += ms;
    },
    settle,
    get pendingTimers() {
      return entries.size;
    },
    get nextTimerMs() {
      const entry = next();
      return entry === undefined ? Number.POSITIVE_INFINITY : Math.max(0, entry.at - elapsed);
    },
  };
}
