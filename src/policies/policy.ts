/**
 * The one contract of every policy: something that decides whether, when and how often a call is run.
 * It imports no implementation. Policies are nested in a fixed order, each around the next.
 */
export interface Policy {
  /** One of `POLICY_ORDER`. */
  readonly name: PolicyName;
  /** Runs `next` never, once, or again, and gives what the caller gets. */
  execute<T>(call: PolicyCall, next: () => Promise<T>): Promise<T>;
}

/** What a policy may know of a call. */
export interface PolicyCall {
  readonly capabilityId: string;
  /** Where and as whom: calls of one target meet the same limits. Safe to show. */
  readonly target: string;
  /** Running it twice is harmless. */
  readonly idempotent: boolean;
  readonly signal: AbortSignal;
  /** Milliseconds left for the whole call; `Infinity` where there is no limit. */
  remainingMs(): number;
}

/** Outermost first. */
export const POLICY_ORDER = [
  "trace",
  "overall-deadline",
  "cache",
  "single-flight",
  "retry",
  "circuit-breaker",
  "rate-limit",
  "bulkhead",
] as const;

export type PolicyName = (typeof POLICY_ORDER)[number];
