import {
  flag,
  oneOf,
  resolveBlock,
  whole,
  type SettingInForce,
  type SettingLayer,
  type SettingTable,
} from "../policies/settings.ts";

/** Whose calls may meet on one session. */
export type SessionScope = "identity" | "caller" | "capability" | "shared";

/** How the sessions of a capability are pooled: the `:session` block of its metadata, complete. */
export interface SessionPolicy {
  /**
   * `identity` (default): one pool per credential. `caller`: one per calling client. `capability`: one per
   * capability. `shared`: one for everybody, allowed only where the session carries no credential.
   */
  readonly scope: SessionScope;
  /** Open sessions of one key at most; at least 1, default 1. */
  readonly maxSessions: number;
  /** Open sessions with one endpoint at most, all identities together; at least 1, default 64. */
  readonly maxSessionsPerEndpoint: number;
  /** Open sessions of the whole process at most; at least 1, default 1000. */
  readonly maxSessionsTotal: number;
  /** Unused sessions kept ready once a pool is in use, within `maxSessions`; default 0. */
  readonly minIdle: number;
  /** Calls on one session at once; at least 1, default what the handler says, else 64. */
  readonly maxInFlight: number | undefined;
  /** Calls that may wait for one pool; 0 refuses at once. Default 1000. */
  readonly maxWaiters: number;
  /** How long a call waits for a session, in milliseconds; default 10,000. */
  readonly acquireTimeoutMs: number;
  /** How long opening a session may take, in milliseconds; default 30,000. */
  readonly openTimeoutMs: number;
  /** A session that nobody uses is ended after this time, in milliseconds; 0 keeps it. Default 300,000. */
  readonly idleTimeoutMs: number;
  /**
   * A session is retired at this age, in milliseconds, up to a fortieth earlier by chance, so that those
   * opened together do not end together; 0 sets no age. Default 0.
   */
  readonly maxLifetimeMs: number;
  /**
   * A session unused for this long is asked whether it is alive before a call gets it, in milliseconds, where
   * the handler can ask; 0 never asks. After the machine slept it is asked in any case. Default 0.
   */
  readonly validateAfterIdleMs: number;
  /**
   * A lease held for this long is reported and taken back, and its session ended, in milliseconds; 0 never.
   * Default 3,600,000.
   */
  readonly leaseTimeoutMs: number;
  /** Fresh sessions in a row that may be lost without having served anything; 0 replays nothing. Default 2. */
  readonly maxReplays: number;
  /** The session holds state of the caller's making, so a call is not replayed once it has been used. */
  readonly stateful: boolean;
}

export interface ResolvedSessionPolicy {
  readonly policy: SessionPolicy;
  /** By the key of the metadata: the value in force and where it comes from. */
  readonly sources: Readonly<Record<string, SettingInForce>>;
}

const MOST = Number.MAX_SAFE_INTEGER;

/** The settings of the `session` block, with range and default. */
export const SESSION_TABLE = {
  scope: oneOf(["identity", "caller", "capability", "shared"] as const, "identity"),
  max_sessions: whole(1, MOST, 1),
  max_sessions_per_endpoint: whole(1, MOST, 64),
  max_sessions_total: whole(1, MOST, 1000),
  min_idle: whole(0, MOST, 0),
  max_in_flight: whole(1, MOST, undefined),
  max_waiters: whole(0, MOST, 1000),
  acquire_timeout_ms: whole(1, MOST, 10_000),
  open_timeout_ms: whole(1, MOST, 30_000),
  idle_timeout_ms: whole(0, MOST, 300_000),
  max_lifetime_ms: whole(0, MOST, 0),
  validate_after_idle_ms: whole(0, MOST, 0),
  lease_timeout_ms: whole(0, MOST, 3_600_000),
  max_replays: whole(0, MOST, 2),
  stateful: flag(false),
} as const satisfies SettingTable;

/**
 * One complete policy from several layers; the first layer that sets a key decides.
 * Throws `invalid-argument` for a value out of range and for a key that does not exist.
 */
export function resolveSessionPolicy(layers: readonly SettingLayer[]): ResolvedSessionPolicy {
  const { values, explained } = resolveBlock("session", SESSION_TABLE, layers);
  return { policy: values, sources: explained };
}

/**
 * Capabilities that share a pool may ask for different limits; the strictest of those seen holds, so that the
 * outcome does not depend on who came first.
 */
export function strictest(one: SessionPolicy, other: SessionPolicy): SessionPolicy {
  const least = (name: "maxSessions" | "maxSessionsPerEndpoint" | "maxSessionsTotal" | "maxWaiters"): number =>
    Math.min(one[name], other[name]);
  return {
    ...one,
    maxSessions: least("maxSessions"),
    maxSessionsPerEndpoint: least("maxSessionsPerEndpoint"),
    maxSessionsTotal: least("maxSessionsTotal"),
    maxWaiters: least("maxWaiters"),
    maxInFlight:
      one.maxInFlight === undefined ? other.maxInFlight : Math.min(one.maxInFlight, other.maxInFlight ?? Infinity),
  };
}
