import type { CcosError, JsonValue, RateNews } from "../kernel/index.ts";
import type { PolicySettings } from "./policy-settings.ts";

/**
 * The one contract of every policy: something that decides whether, when and how often a call is run.
 * It imports no implementation. Policies are nested in a fixed order, each around the next.
 */
export interface Policy {
  /** One of `POLICY_ORDER`. */
  readonly name: PolicyName;
  /** Whether it has anything to do with this call; asked for every call, so cheap. Default: always. */
  applies?(call: PolicyCall): boolean;
  /**
   * Runs `next` never, once, or again, and gives what the caller gets. `next` is given the call, or the same call
   * with another signal and another limit of time.
   */
  execute(call: PolicyCall, next: Work): Promise<JsonValue>;
  /** The peer said how many more calls it takes from this identity, in an answer or in a refusal. */
  learn?(call: PolicyCall, news: RateNews): void;
  /** Lets go of what waits here and of what runs in the background: nothing comes after this. */
  close?(reason: CcosError): void;
}

/** What a policy is wrapped around. */
export type Work = (call: PolicyCall) => Promise<JsonValue>;

/** What a policy may know of a call. */
export interface PolicyCall {
  readonly callId: string;
  readonly capabilityId: string;
  readonly provider: string;
  /** Where, without credentials. Safe to show. */
  readonly endpoint: string;
  /** Provider and endpoint: what all who call one peer share. */
  readonly peer: string;
  /** Peer and identity: what one identity has there for itself. Of no use to whoever reads it. */
  readonly tenant: string;
  /**
   * Equal for calls that ask the same of the same peer as the same identity (and caller, where sessions are
   * kept apart by caller). Undefined where the input has no canonical form.
   */
  shareKey(): string | undefined;
  /** Running it twice is harmless. */
  readonly idempotent: boolean;
  readonly settings: PolicySettings;
  /** `no-store` neither reads nor keeps an answer; `refresh` keeps one and reads none. */
  readonly cacheMode: CacheMode;
  /** Nobody waits for it: it brings a kept answer up to date. */
  readonly background?: boolean | undefined;
  /** How far a call has come that gives events as it goes; absent where it gives a value and no more. */
  readonly stream?: StreamProgress | undefined;
  readonly signal: AbortSignal;
  /** Milliseconds left for the whole call; `Infinity` where there is no limit. */
  remainingMs(): number;
}

export interface StreamProgress {
  /** Events so far, of all runs together. */
  readonly delivered: number;
  /** Running it again repeats nothing that was delivered: it has given nothing yet, or can go on after the last item. */
  readonly mayRunAgain: boolean;
  /** Told once, when the next event has come. */
  onNextEvent(listener: () => void): void;
}

export type CacheMode = "default" | "no-store" | "refresh";

/** Outermost first. `lease` is no policy: the session is acquired there, so what stands after it is around one attempt. */
export const POLICY_ORDER = [
  "trace",
  "overall-deadline",
  "cache",
  "single-flight",
  "retry",
  "circuit-breaker",
  "rate-limit",
  "bulkhead",
  "lease",
  "attempt-timeout",
] as const;

export type PolicyName = Exclude<(typeof POLICY_ORDER)[number], "lease">;
