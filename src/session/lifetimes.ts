import type { Clock, Timer } from "../kernel/index.ts";
import type { PooledSession } from "./pooled-session.ts";
import type { SessionPolicy } from "./session-policy.ts";

/** What a pool does when the time of a session has come. */
export interface LifetimeOwner {
  readonly policy: SessionPolicy;
  /** Sessions that give leases. */
  serving(): Iterable<PooledSession>;
  /** Ends it; calls that run on it end first. */
  evict(session: PooledSession, reason: string, why?: "unused"): void;
  /** Opens its successor while it still serves. */
  succeed(session: PooledSession, reason: string): void;
  /** Whether an unused session may be ended for being unused. */
  maySpare(): boolean;
}

/** An opening ahead of the end of another session. */
export interface Succession {
  readonly predecessor: PooledSession;
  readonly reason: string;
}

/** A successor is opened this long before a session ends, or a fifth of its life where that is shorter. */
const LONGEST_LEAD_MS = 30_000;

interface End {
  /** Milliseconds from now. */
  readonly inMs: number;
  readonly reason: string;
}

/**
 * Sessions end before their time hurts anyone: unused ones are reaped, old ones retired, and those whose
 * peer named an expiry leave before it comes. One that is in use gets a successor first, so that no call
 * waits for the change. One timer for a pool, whatever the number of its sessions, and none of it on the
 * path of a call.
 */
export class Lifetimes {
  readonly #clock: Clock;
  readonly #owner: LifetimeOwner;
  #timer: Timer | undefined;
  #dueAt = Infinity;

  constructor(clock: Clock, owner: LifetimeOwner) {
    this.#clock = clock;
    this.#owner = owner;
  }

  /** Makes sure that the timer runs. Cheap where it does: what was used since is noticed when it fires. */
  watch(): void {
    let next = Infinity;
    for (const session of this.#owner.serving()) next = Math.min(next, this.#nextLook(session));
    if (next === Infinity) return;
    // Whole milliseconds: the rest of a rounding would have it look again at the same instant, forever.
    const waitMs = Math.ceil(Math.max(0, next));
    const at = this.#clock.monotonic() + waitMs;
    if (this.#timer !== undefined && this.#dueAt <= at) return;
    this.#timer?.cancel();
    this.#dueAt = at;
    this.#timer = this.#clock.setTimer(waitMs, () => this.#look(), { background: true });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #look(): void {
    this.#timer = undefined;
    for (const session of [...this.#owner.serving()]) {
      const idle = this.#idleEnd(session);
      const age = this.#ageEnd(session);
      if (age.inMs <= 0) this.#owner.evict(session, age.reason);
      else if (idle.inMs <= 0) this.#owner.evict(session, idle.reason, "unused");
      else if (this.#wantsSuccessor(session, age)) this.#owner.succeed(session, age.reason);
    }
    this.watch();
  }

  #nextLook(session: PooledSession): number {
    const age = this.#ageEnd(session).inMs;
    const lead = session.status === "retiring" ? 0 : this.#leadMs(session);
    // Past the lead and still without a successor: what there is to do now is done at the end.
    const ageLook = age - lead > 0 ? age - lead : age;
    return Math.min(this.#idleEnd(session).inMs, ageLook);
  }

  #wantsSuccessor(session: PooledSession, age: End): boolean {
    if (session.status !== "open" || age.inMs > this.#leadMs(session)) return false;
    const unusedMs = session.active > 0 ? 0 : this.#clock.monotonic() - session.idleSince;
    return session.calls > 0 && unusedMs <= this.#lifeMs(session) / 2;
  }

  #leadMs(session: PooledSession): number {
    return Math.min(LONGEST_LEAD_MS, this.#lifeMs(session) / 5);
  }

  #lifeMs(session: PooledSession): number {
    const named = session.expiresAt === undefined ? Infinity : session.expiresAt - session.openedAt;
    return Math.min(named, session.retireAt - session.openedMonotonic);
  }

  #idleEnd(session: PooledSession): End {
    const { idleTimeoutMs } = this.#owner.policy;
    if (idleTimeoutMs === 0 || (session.active === 0 && !this.#owner.maySpare())) return { inMs: Infinity, reason: "" };
    // A busy session is looked at again when it would be idle too long if it fell idle now.
    const idleMs = session.active > 0 ? 0 : this.#clock.monotonic() - session.idleSince;
    return { inMs: idleTimeoutMs - idleMs, reason: "idle too long" };
  }

  #ageEnd(session: PooledSession): End {
    const old = session.retireAt - this.#clock.monotonic();
    const expires = session.expiresAt === undefined ? Infinity : session.expiresAt - this.#clock.now();
    return expires < old ? { inMs: expires, reason: "expired" } : { inMs: old, reason: "too old" };
  }
}
