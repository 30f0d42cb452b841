import { didYouMean, fail, getOwn, isJsonObject, stringifyJson, type JsonObject, type JsonValue } from "../kernel/index.ts";

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

/** Where a setting comes from, nearest first. */
export type SettingSource = "capability" | "endpoint" | "configuration" | "default";

export interface SettingLayer {
  readonly source: SettingSource;
  /** In the words of the metadata (`max_sessions`); values may be texts, as flattening leaves them. */
  readonly values: JsonObject;
}

export interface ResolvedSessionPolicy {
  readonly policy: SessionPolicy;
  /** By the key of the metadata: the value in force and where it comes from. */
  readonly sources: Readonly<Record<string, { readonly value: JsonValue; readonly source: SettingSource }>>;
}

interface Field {
  readonly name: keyof SessionPolicy;
  readonly fallback: JsonValue | undefined;
  parse(value: JsonValue): unknown;
  readonly expected: string;
}

const SCOPES: readonly string[] = ["identity", "caller", "capability", "shared"];

function whole(name: keyof SessionPolicy, least: number, fallback: number | undefined): Field {
  return {
    name,
    fallback,
    expected: `a whole number of at least ${least}`,
    parse(value) {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      return typeof number === "number" && Number.isSafeInteger(number) && number >= least ? number : undefined;
    },
  };
}

const FIELDS: Readonly<Record<string, Field>> = {
  scope: {
    name: "scope",
    fallback: "identity",
    expected: `one of ${SCOPES.join(", ")}`,
    parse: (value) => (typeof value === "string" && SCOPES.includes(value) ? value : undefined),
  },
  max_sessions: whole("maxSessions", 1, 1),
  max_sessions_per_endpoint: whole("maxSessionsPerEndpoint", 1, 64),
  max_sessions_total: whole("maxSessionsTotal", 1, 1000),
  min_idle: whole("minIdle", 0, 0),
  max_in_flight: whole("maxInFlight", 1, undefined),
  max_waiters: whole("maxWaiters", 0, 1000),
  acquire_timeout_ms: whole("acquireTimeoutMs", 1, 10_000),
  open_timeout_ms: whole("openTimeoutMs", 1, 30_000),
  idle_timeout_ms: whole("idleTimeoutMs", 0, 300_000),
  max_lifetime_ms: whole("maxLifetimeMs", 0, 0),
  validate_after_idle_ms: whole("validateAfterIdleMs", 0, 0),
  lease_timeout_ms: whole("leaseTimeoutMs", 0, 3_600_000),
  max_replays: whole("maxReplays", 0, 2),
  stateful: {
    name: "stateful",
    fallback: false,
    expected: "true or false",
    parse: (value) => (value === true || value === "true" ? true : value === false || value === "false" ? false : undefined),
  },
};

/**
 * One complete policy from several layers; the first layer that sets a key decides.
 * Throws `invalid-argument` for a value out of range and for a key that does not exist.
 */
export function resolveSessionPolicy(layers: readonly SettingLayer[]): ResolvedSessionPolicy {
  for (const layer of layers) {
    for (const key of Object.keys(layer.values)) {
      if (!Object.hasOwn(FIELDS, key)) {
        fail("invalid-argument", `Unknown session setting :${key} (${layer.source}).`, {
          remedy: didYouMean(key, Object.keys(FIELDS)) || `The settings are ${Object.keys(FIELDS).join(", ")}.`,
        });
      }
    }
  }
  const policy: Record<string, unknown> = {};
  const sources: Record<string, { value: JsonValue; source: SettingSource }> = {};
  for (const [key, field] of Object.entries(FIELDS)) {
    const layer = layers.find((candidate) => getOwn(candidate.values, key) !== undefined);
    if (layer === undefined) {
      policy[field.name] = field.fallback;
      if (field.fallback !== undefined) sources[key] = { value: field.fallback, source: "default" };
      continue;
    }
    const given = getOwn(layer.values, key) as JsonValue;
    const parsed = field.parse(given);
    if (parsed === undefined) {
      fail("invalid-argument", `The session setting :${key} (${layer.source}) must be ${field.expected}, not ${stringifyJson(given)}.`, {
        remedy: `Set :${key} to ${field.expected}.`,
      });
    }
    policy[field.name] = parsed;
    sources[key] = { value: parsed as JsonValue, source: layer.source };
  }
  return { policy: policy as unknown as SessionPolicy, sources };
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
    maxInFlight: one.maxInFlight === undefined ? other.maxInFlight : Math.min(one.maxInFlight, other.maxInFlight ?? Infinity),
  };
}

/** The `session` object inside settings or metadata; empty where there is none. */
export function sessionSettings(settings: JsonObject): JsonObject {
  const block = getOwn(settings, "session");
  return isJsonObject(block) ? block : {};
}
