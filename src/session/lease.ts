import { abortError, Roster, type Clock, type RosterMember, type Timer } from "../kernel/index.ts";
import type { PooledSession } from "./pooled-session.ts";

/** The right to run one call on a session. */
export interface Lease {
  readonly session: PooledSession;
  /** Gives the right back. Releasing again does nothing. */
  release(): void;
  /** For work that lasts: whether the time it may be held counts, from now on anew, or does not count for the time being. */
  count(counts: boolean): void;
  /** Is told when the lease ends: that it was taken back, and then that it is released. */
  follow(follower: LeaseFollower): void;
}

export interface LeaseFollower {
  reclaimed(heldMs: number): void;
  released(): void;
}

/** Leases that have not come back, and an eye on those that never do. */
export class LeaseBook {
  readonly #clock: Clock;
  readonly #held = new Roster<HeldLease>();
  readonly #onReleased: (session: PooledSession) => void;
  readonly #onOverdue: (lease: Lease, holder: string, heldMs: number) => void;
  #timer: Timer | undefined;

  constructor(
    clock: Clock,
    onReleased: (session: PooledSession) => void,
    onOverdue: (lease: Lease, holder: string, heldMs: number) => void,
  ) {
    this.#clock = clock;
    this.#onReleased = onReleased;
    this.#onOverdue = onOverdue;
  }

  /**
   * A lease on a session.
   *
   * @param holder who takes it, for the report of one that never comes back
   * @param timeoutMs how long it may be held; 0 for ever
   */
  give(session: PooledSession, holder: string, timeoutMs: number): Lease {
    const lease = new HeldLease(this, session, holder, this.#clock.monotonic());
    this.#held.add(lease);
    if (timeoutMs > 0)
      this.#timer ??= this.#clock.setTimer(timeoutMs, () => this.#look(timeoutMs), { background: true });
    return lease;
  }

  now(): number {
    return this.#clock.monotonic();
  }

  /** For leases: each comes back once. */
  takeBack(lease: HeldLease): void {
    this.#held.delete(lease);
    this.#onReleased(lease.session);
  }

  /** Stops looking where there is nothing to look at. Not done at every release: most are followed by another lease. */
  rest(): void {
    if (this.#held.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #look(timeoutMs: number): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    let next = Infinity;
    for (const lease of this.#held) {
      const heldMs = lease.counts ? now - lease.since : 0;
      if (heldMs >= timeoutMs) {
        lease.follower?.reclaimed(heldMs);
        this.#onOverdue(lease, lease.holder, heldMs);
        lease.release();
      } else next = Math.min(next, timeoutMs - heldMs);
    }
    if (next < Infinity) this.#timer ??= this.#clock.setTimer(next, () => this.#look(timeoutMs), { background: true });
  }
}

class HeldLease implements Lease, RosterMember {
  seat = -1;
  readonly session: PooledSession;
  readonly holder: string;
  since: number;
  counts = true;
  follower: LeaseFollower | undefined;
  #book: LeaseBook | undefined;

  constructor(book: LeaseBook, session: PooledSession, holder: string, since: number) {
    this.#book = book;
    this.session = session;
    this.holder = holder;
    this.since = since;
  }

  release(): void {
    const book = this.#book;
    if (book === undefined) return;
    this.#book = undefined;
    book.takeBack(this);
    this.follower?.released();
  }

  count(counts: boolean): void {
    this.counts = counts;
    if (this.#book !== undefined) this.since = this.#book.now();
  }

  follow(follower: LeaseFollower): void {
    this.follower = follower;
  }
}

/** A session whose handler does not let go of an aborted call for this long is unfit. */
const ABORT_GRACE_MS = 5_000;

/**
 * Settles as `work` does, unless `signal` aborts first. The lease is released when the work has really ended, not
 * when its caller has left by the signal: until then the peer is busy with it. `stuck` is called where the work
 * goes on long after the signal.
 */
export function settleOnLease<T>(
  clock: Clock,
  lease: Lease,
  work: Promise<T>,
  signal: AbortSignal,
  stuck: () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let grace: Timer | undefined;
    const onAbort = (): void => {
      reject(abortError(signal));
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
    work.then(
      (value) => {
        done();
        resolve(value);
      },
      (error: unknown) => {
        done();
        reject(error as Error);
      },
    );
  });
}
