import type { Clock, Timer } from "../kernel/index.ts";
import type { PooledSession } from "./pooled-session.ts";

/** The right to run one call on a session. */
export interface Lease {
  readonly session: PooledSession;
  /** Gives the right back. Releasing again does nothing. */
  release(): void;
}

interface Held {
  readonly lease: Lease;
  readonly holder: string;
  readonly since: number;
}

/** Leases that have not come back, and an eye on those that never do. */
export class LeaseBook {
  readonly #clock: Clock;
  readonly #held = new Set<Held>();
  readonly #onOverdue: (lease: Lease, holder: string, heldMs: number) => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, onOverdue: (lease: Lease, holder: string, heldMs: number) => void) {
    this.#clock = clock;
    this.#onOverdue = onOverdue;
  }

  /**
   * A lease on a session.
   *
   * @param holder who takes it, for the report of one that never comes back
   * @param timeoutMs how long it may be held; 0 for ever
   */
  give(session: PooledSession, holder: string, timeoutMs: number, released: () => void): Lease {
    let over = false;
    const lease: Lease = {
      session,
      release: () => {
        if (over) return;
        over = true;
        this.#held.delete(held);
        if (this.#held.size === 0) this.cancel();
        released();
      },
    };
    const held: Held = { lease, holder, since: this.#clock.monotonic() };
    this.#held.add(held);
    if (timeoutMs > 0) this.#timer ??= this.#clock.setTimer(timeoutMs, () => this.#look(timeoutMs), { background: true });
    return lease;
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #look(timeoutMs: number): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    let next = Infinity;
    for (const { lease, holder, since } of [...this.#held]) {
      const heldMs = now - since;
      if (heldMs >= timeoutMs) {
        this.#onOverdue(lease, holder, heldMs);
        lease.release();
      } else next = Math.min(next, timeoutMs - heldMs);
    }
    if (next < Infinity) this.#timer ??= this.#clock.setTimer(next, () => this.#look(timeoutMs), { background: true });
  }
}

/** A session whose handler does not let go of an aborted call for this long is unfit. */
const ABORT_GRACE_MS = 5_000;

/**
 * Releases a lease when `work` has really ended, not when its caller has left by the signal: until then the
 * peer is busy with it. `stuck` is called where the work goes on long after the signal.
 */
export function releaseWhenSettled(
  clock: Clock,
  lease: Lease,
  work: Promise<unknown>,
  signal: AbortSignal,
  stuck: () => void,
): void {
  let grace: Timer | undefined;
  const onAbort = (): void => {
    const giveUp = (): void => {
      stuck();
      lease.release();
    };
    grace = clock.setTimer(ABORT_GRACE_MS, giveUp, { background: true });
  };
  const done = (): void => {
    grace?.cancel();
    signal.removeEventListener("abort", onAbort);
    lease.release();
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  work.then(done, done);
}
