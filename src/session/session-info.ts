import type { SessionPool } from "./pool.ts";
import type { PooledSession, SessionStatus } from "./pooled-session.ts";

/** A session as people see it. Nothing in it is a secret. */
export interface SessionInfo {
  readonly id: string;
  readonly provider: string;
  readonly endpoint: string;
  /** A keyed fingerprint of the credentials; `anonymous` where the session carries none. */
  readonly identity: string;
  readonly scope: string;
  /** `kept`: nobody here has it; a record in the store lets the next who calls go on with it. */
  readonly state: SessionStatus | "kept";
  /** Calls running now. */
  readonly active: number;
  /** Calls so far. */
  readonly calls: number;
  /** Instants on the wall clock, in milliseconds since the epoch. */
  readonly openedAt: number;
  readonly lastUsedAt: number;
  readonly expiresAt: number | null;
}

export function describeSession(pool: SessionPool, session: PooledSession): SessionInfo {
  return {
    id: session.id,
    provider: session.provider,
    endpoint: session.target.endpoint,
    identity: pool.identity,
    scope: pool.policy.scope,
    state: session.status,
    active: session.active,
    calls: session.calls,
    openedAt: session.openedAt,
    lastUsedAt: session.lastUsedAt,
    expiresAt: session.expiresAt ?? null,
  };
}
