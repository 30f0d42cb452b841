import type { SessionEvent, SpanAttributes } from "../kernel/index.ts";
import type { KeptSession } from "./kept-session.ts";
import type { Opened, Session, SessionContext, Target } from "./handler.ts";

/**
 * - `open`: gives leases.
 * - `validating`: is asked whether it is alive; gives leases again when it is.
 * - `retiring`: still gives leases, until its successor is open.
 * - `draining`: running calls end, no new ones come.
 * - `closing`: being ended at the peer.
 * - `closed`: gone.
 */
export type SessionStatus = "open" | "validating" | "retiring" | "draining" | "closing" | "closed";

export interface PooledSessionFacts {
  readonly id: string;
  readonly provider: string;
  readonly target: Target;
  readonly context: SessionContext;
  readonly maxInFlight: number;
  /** Position in the manager's order of openings and calls: a call that began later finds this session open. */
  readonly openedSequence: number;
  /** On the wall clock. */
  readonly openedAt: number;
  /** On the monotonic clock: when it was opened, and when it will be too old. */
  readonly openedMonotonic: number;
  readonly retireAt: number;
  /** Its record, where another process can go on with it. */
  readonly kept?: KeptSession | undefined;
}

/** A session as the pool keeps it. Only the pool changes it. */
export class PooledSession implements Session {
  readonly id: string;
  readonly provider: string;
  readonly target: Target;
  readonly context: SessionContext;
  readonly state: unknown;
  readonly description: string | undefined;
  readonly attributes: SpanAttributes | undefined;
  readonly expiresAt: number | undefined;
  readonly maxInFlight: number;
  readonly openedSequence: number;
  readonly openedAt: number;

  readonly kept: KeptSession | undefined;

  status: SessionStatus = "open";
  lost = false;
  /** Set when it leaves its pool: resolves to whether it goes on elsewhere. */
  parting: Promise<boolean> | undefined;
  /** Calls running now. */
  active = 0;
  /** Leases given so far. */
  calls = 0;
  /** Calls that were answered, as far as is known here: one that was open before has served somebody. */
  served: number;
  /** On the wall clock. */
  lastUsedAt: number;
  /** On the monotonic clock; means something only while no call is running. */
  idleSince: number;
  readonly retireAt: number;
  readonly openedMonotonic: number;
  /** The difference between the clocks when it was last known to be alive. */
  clockOffset: number;

  constructor(facts: PooledSessionFacts, opened: Opened<unknown>) {
    this.id = facts.id;
    this.provider = facts.provider;
    this.target = facts.target;
    this.context = facts.context;
    this.state = opened.state;
    this.description = opened.description;
    this.attributes = opened.attributes;
    this.expiresAt = opened.expiresAt;
    this.maxInFlight = Math.max(1, Math.min(facts.maxInFlight, opened.maxInFlight ?? Infinity));
    this.openedSequence = facts.openedSequence;
    this.openedAt = facts.openedAt;
    this.lastUsedAt = facts.openedAt;
    this.idleSince = facts.openedMonotonic;
    this.retireAt = facts.retireAt;
    this.kept = facts.kept;
    this.served = this.resumed ? 1 : 0;
    this.openedMonotonic = facts.openedMonotonic;
    this.clockOffset = facts.openedAt - facts.openedMonotonic;
  }

  /** It was open before this process met it. */
  get resumed(): boolean {
    return this.openedSequence === 0;
  }

  get hasRoom(): boolean {
    return (this.status === "open" || this.status === "retiring") && this.active < this.maxInFlight;
  }

  /** What events say of it. */
  describe(): SessionEvent {
    return { sessionId: this.id, provider: this.provider, endpoint: this.target.endpoint };
  }
}
