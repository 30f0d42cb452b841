import type { Clock, Timer } from "../kernel/index.ts";
import type { PooledSession } from "./pooled-session.ts";
import type { SessionPolicy } from "./session-policy.ts";

/**
 * Sessions end before their time hurts anyone: unused ones are reaped, old ones retired, and those whose
 * peer named an expiry leave when it comes. One timer for a pool, whatever the number of its sessions, and
 * none of it on the path of a call.
 */
export class Lifetimes {
  readonly #clock: Clock;
  readonly #evict: (session: PooledSession, reason: string) => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, evict: (session: PooledSession, reason: string) => void) {
    this.#clock = clock;
    this.#evict = evict;
  }

  /** Makes sure that the timer runs. Cheap where it does: what was used since is noticed when it fires. */
  watch(sessions: ReadonlySet<PooledSession>, policy: SessionPolicy): void {
    if (this.#timer !== undefined || sessions.size === 0) return;
    let next = Infinity;
    for (const session of sessions) next = Math.min(next, this.#endOf(session, policy).inMs);
    if (next === Infinity) return;
    const onTimer = (): void => {
      this.#timer = undefined;
      for (const session of [...sessions]) {
        const end = this.#endOf(session, policy);
        if (end.inMs <= 0) this.#evict(session, end.reason);
      }
      this.watch(sessions, policy);
    };
    this.#timer = this.#clock.setTimer(Math.max(0, next), onTimer, { background: true });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #endOf(session: PooledSession, policy: SessionPolicy): { inMs: number; reason: string } {
    const now = this.#clock.monotonic();
    const ends = [{ inMs: session.retireAt - now, reason: "too old" }];
    if (policy.idleTimeoutMs > 0) {
      // A busy session is looked at again when it would be idle too long if it fell idle now.
      const idleMs = session.active > 0 ? 0 : now - session.idleSince;
      ends.push({ inMs: policy.idleTimeoutMs - idleMs, reason: "idle too long" });
    }
    if (session.expiresAt !== undefined) ends.push({ inMs: session.expiresAt - this.#clock.now(), reason: "expired" });
    return ends.reduce((first, end) => (end.inMs < first.inMs ? end : first));
  }
}
