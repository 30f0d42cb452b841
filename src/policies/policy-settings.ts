import {
  flag,
  fraction,
  LONGEST_MS,
  positive,
  resolveBlock,
  resolveSetting,
  whole,
  type ResolvedBlock,
  type SettingInForce,
  type SettingLayer,
  type SettingTable,
  type ValuesOf,
} from "./settings.ts";

const MOST = 1_000_000;
const MOST_BYTES = 1_073_741_824;

/**
 * Every setting of the policies, with range and default: `docs/policies.md` says what each means. Durations are
 * in milliseconds. A block beside `retry` and `rate_limit` is off until somebody speaks of it.
 */
export const POLICY_TABLES = {
  /** How often and when a failed call is run again; on by default. */
  retry: {
    /** Runs of a call, the first one included; replays on lost sessions do not count. */
    max_attempts: whole(1, 100, 3),
    /** Least wait before the second run. */
    initial_delay_ms: whole(0, LONGEST_MS, 100),
    /** Longest wait of the policy's own accord; a time that the peer names may be longer. */
    max_delay_ms: whole(0, LONGEST_MS, 5_000),
    /** Runs again for each call to the same peer within the last ten seconds … */
    budget_ratio: fraction(0, 100, 0.2),
    /** … and as many a second on top, however few calls there are. */
    budget_min_per_second: whole(0, MOST, 10),
  },
  /** When an ailing peer is left alone. */
  circuit_breaker: {
    /** Failures in a row that open it. */
    failures: whole(1, MOST, 5),
    /** How long it stays open before a call may try. */
    reset_ms: whole(1, LONGEST_MS, 10_000),
    /** Calls that try at once then, and that must all succeed for it to close. */
    half_open_calls: whole(1, MOST, 1),
  },
  /** How many calls in how much time one identity makes to one peer; learning from the peer is on by default. */
  rate_limit: {
    limit: whole(1, MOST, undefined),
    interval_ms: whole(1, LONGEST_MS, 1_000),
    /** Calls that may go at once after a quiet time; `limit` where nobody says anything. */
    burst: whole(1, MOST, undefined),
    /** Calls that may wait for their turn; 0 refuses at once. */
    max_queue: whole(0, MOST, 1_000),
    /** A peer that names a time to wait gets no call of that identity before it has passed … */
    learn: flag(true),
    /** … or this much of it has. */
    max_pause_ms: whole(0, LONGEST_MS, 60_000),
  },
  /** How many calls run at once at one peer, all identities together. */
  bulkhead: {
    max_concurrent: whole(1, MOST, 16),
    /** Calls that may wait for their turn; 0 refuses at once. */
    max_queue: whole(0, MOST, 100),
  },
  /** Keeps answers of idempotent calls. */
  cache: {
    /** How long an answer is fresh; 0 keeps none. */
    ttl_ms: whole(0, LONGEST_MS, 60_000),
    /** How long after that it is still given while a new one is fetched. */
    stale_while_revalidate_ms: whole(0, LONGEST_MS, 0),
    /** Answers kept by all who name the same bounds, together. */
    max_entries: whole(1, MOST, 1_000),
    /** Size of those answers as JSON text, in bytes. */
    max_bytes: whole(1, MOST_BYTES, 16_777_216),
  },
} as const satisfies Readonly<Record<string, SettingTable>>;

/** Settings that stand for themselves. */
export const POLICY_SETTINGS = {
  /** Time for the whole call, waits and replays included; above 0. */
  timeout_ms: positive(30_000),
  /** Time for one attempt on a session; 0 sets none. */
  attempt_timeout_ms: whole(0, LONGEST_MS, 0),
  /** Identical idempotent calls that meet share one execution; always so for calls with a cache. */
  single_flight: flag(false),
} as const satisfies SettingTable;

type Tables = typeof POLICY_TABLES;
export type RetrySettings = ValuesOf<Tables["retry"]>;
export type CircuitBreakerSettings = ValuesOf<Tables["circuit_breaker"]>;
export type RateLimitSettings = ValuesOf<Tables["rate_limit"]>;
export type BulkheadSettings = ValuesOf<Tables["bulkhead"]>;
export type CacheSettings = ValuesOf<Tables["cache"]>;

/** What is in force for a call. An undefined block is off. */
export interface PolicySettings {
  readonly retry: RetrySettings | undefined;
  readonly circuitBreaker: CircuitBreakerSettings | undefined;
  readonly rateLimit: RateLimitSettings | undefined;
  readonly bulkhead: BulkheadSettings | undefined;
  readonly cache: CacheSettings | undefined;
  readonly singleFlight: boolean;
  readonly timeoutMs: number;
  /** 0 where an attempt has no limit of its own. */
  readonly attemptTimeoutMs: number;
}

/**
 * The settings in force from several layers, strongest first. Throws `invalid-argument` for a value out of range,
 * a key that does not exist, and settings that contradict each other.
 */
export function resolvePolicySettings(layers: readonly SettingLayer[]): PolicySettings {
  const retry = resolveBlock("retry", POLICY_TABLES.retry, layers);
  const rateLimit = resolveBlock("rate_limit", POLICY_TABLES.rate_limit, layers);
  const cache = ifOn(resolveBlock("cache", POLICY_TABLES.cache, layers));
  return {
    retry: retry.mode === "off" ? undefined : retry.values,
    circuitBreaker: ifOn(resolveBlock("circuit_breaker", POLICY_TABLES.circuit_breaker, layers)),
    rateLimit: rateLimit.mode === "off" ? undefined : rateLimit.values,
    bulkhead: ifOn(resolveBlock("bulkhead", POLICY_TABLES.bulkhead, layers)),
    cache: cache !== undefined && cache.ttlMs > 0 ? cache : undefined,
    singleFlight: resolveSetting("single_flight", POLICY_SETTINGS.single_flight, layers).value,
    timeoutMs: resolveSetting("timeout_ms", POLICY_SETTINGS.timeout_ms, layers).value,
    attemptTimeoutMs: resolveSetting("attempt_timeout_ms", POLICY_SETTINGS.attempt_timeout_ms, layers).value,
  };
}

function ifOn<Table extends SettingTable>(block: ResolvedBlock<Table>): ValuesOf<Table> | undefined {
  return block.mode === "on" ? block.values : undefined;
}

/** What is explained of the settings: one in force, or a block of them. */
export type ExplainedSettings = Readonly<Record<string, SettingInForce | Readonly<Record<string, SettingInForce>>>>;

/** The same with the source of each value; a block that is off is the value `false`. */
export function explainPolicySettings(layers: readonly SettingLayer[]): ExplainedSettings {
  const explained: Record<string, ExplainedSettings[string]> = {};
  for (const [name, table] of Object.entries(POLICY_TABLES)) {
    const block = resolveBlock<SettingTable>(name, table, layers);
    const onByDefault = name === "retry" || name === "rate_limit";
    const isOn = block.mode === "on" || (onByDefault && block.mode === "silent");
    explained[name] = isOn ? block.explained : { value: false, source: block.source };
  }
  for (const [key, setting] of Object.entries(POLICY_SETTINGS))
    explained[key] = resolveSetting<boolean | number>(key, setting, layers);
  return explained;
}

/** What applies where nobody says anything. */
export const DEFAULT_POLICY_SETTINGS: PolicySettings = resolvePolicySettings([]);
