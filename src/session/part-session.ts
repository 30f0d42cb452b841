import type { Parting } from "./kept-session.ts";
import type { PoolOptions } from "./pool-surroundings.ts";
import type { PooledSession } from "./pooled-session.ts";

/** Begins the parting of a session that leaves its pool, where it has a record; whoever ends it waits for that. */
export function part({ kept }: PoolOptions, session: PooledSession, why: Parting): void {
  if (session.kept === undefined) return;
  session.parting ??= kept?.part(session.kept, why, session.lastUsedAt, session.calls);
}

/** Between two notes of use: often enough that nobody takes the session for unused. */
const LEAST_BETWEEN_MS = 5_000;

/** A call has got the session: from time to time that is noted in its record. */
export function noteUse(session: PooledSession, idleTimeoutMs: number): void {
  const { kept } = session;
  if (kept === undefined) return;
  const betweenMs = Math.max(LEAST_BETWEEN_MS, idleTimeoutMs / 4);
  if (session.lastUsedAt - kept.record.lastUsedAt >= betweenMs) kept.touch(session.lastUsedAt, session.calls);
}
