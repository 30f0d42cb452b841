import type { CcosError, JsonValue, StreamEvent } from "../kernel/index.ts";
import type { Manifest } from "./manifest.ts";

/** On whose behalf a call is made. */
export interface Caller {
  /** Distinguishes clients of one process; with `:scope "caller"` each has sessions of its own. */
  readonly id: string;
  /** The caller's own secrets by variable name; each replaces the variable of the environment. */
  readonly credentials?: Readonly<Record<string, string>> | undefined;
}

/** What a caller may say of one call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Time for the whole call, waits and replays included, in milliseconds; more than 0. */
  readonly timeoutMs?: number | undefined;
  readonly caller?: Caller | undefined;
  /** Running this call twice is harmless (or is not), whatever the manifest says. */
  readonly idempotent?: boolean | undefined;
  /** How often and when this call is run again; false: never. What is left out is as the capability has it. */
  readonly retry?: false | RetryOptions | undefined;
  /** Time for one attempt on a session, in milliseconds; 0 sets none. */
  readonly attemptTimeoutMs?: number | undefined;
  /** Whether this call may share an execution with identical idempotent ones. */
  readonly singleFlight?: boolean | undefined;
  /** `no-store` neither reads nor keeps an answer; `refresh` reads none and keeps the new one. */
  readonly cache?: "default" | "no-store" | "refresh" | undefined;
}

/** See the block `retry` of the settings: the same names, ranges and defaults. */
export interface RetryOptions {
  /** Runs of the call, the first one included; replays on lost sessions do not count. 1 to 100. */
  readonly maxAttempts?: number | undefined;
  readonly initialDelayMs?: number | undefined;
  readonly maxDelayMs?: number | undefined;
  readonly budgetRatio?: number | undefined;
  readonly budgetMinPerSecond?: number | undefined;
}

/** What a call itself says of how it is run. */
export type CallPolicies = Pick<CallOptions, "retry" | "attemptTimeoutMs" | "singleFlight" | "cache">;

/** A call under way, as the host hands it down. */
export interface CallContext {
  readonly callId: string;
  readonly signal: AbortSignal;
  /** Milliseconds left for the whole call; `Infinity` where there is no limit. */
  remainingMs(): number;
  readonly caller: Caller | undefined;
  readonly idempotent: boolean | undefined;
  readonly policies?: CallPolicies | undefined;
  /** It is to give events as it goes. */
  readonly events?: EventSink | undefined;
  /** Ends the call from below, with this as the reason of its signal. Absent: only whoever made the signal can. */
  readonly abort?: ((reason: CcosError) => void) | undefined;
}

/**
 * The events of a call as they come, each given once. Leaving it early (`break`, `return()`) ends the call at the peer
 * and waits until the session is free again.
 */
export interface EventStream extends AsyncIterableIterator<StreamEvent, undefined>, AsyncDisposable {
  return(): Promise<IteratorResult<StreamEvent, undefined>>;
  /** What is known of the call up to now; of a failed one too. */
  readonly report: StreamReport;
  [Symbol.asyncIterator](): this;
}

export interface StreamReport extends CallReport {
  /** Events so far, the result included. */
  readonly events: number;
  /** From the first `next()` to the end of the call, in milliseconds; undefined until then and for a failure. */
  readonly durationMs: number | undefined;
}

/** Where the events of a streaming call go, and what is to be known of whoever takes them. */
export interface EventSink {
  /** Hands one over. Resolves when it has been taken, and rejects with the signal. */
  give(event: StreamEvent, signal: AbortSignal): Promise<void>;
  /** An attempt begins on a session. */
  using(report: CallReport): void;
  /** A session is held until this resolves: whoever leaves waits for it. */
  holds(released: Promise<void>): void;
  /** Nobody wants any more, and the call was ended for that. */
  readonly left: boolean;
  /** For a provider that gives a result and no events, in milliseconds: a call like any other then. */
  readonly resultTimeoutMs: number;
}

export interface SessionUse {
  readonly id: string;
  readonly provider: string;
  /** The session was open before this call came, and no other had to be opened for it. */
  readonly reused: boolean;
}

export interface CallOutcome {
  readonly value: JsonValue;
  /** Null for what runs here, without a session. */
  readonly session: SessionUse | null;
  /** Executions by a handler, replays included; 0 for what runs here. */
  readonly attempts: number;
  /** False for a stream that ended without a result of its own: then `value` is null and means nothing. */
  readonly hasResult?: boolean | undefined;
}

/** What is known of a call that failed: the session it last used, and how often it was executed. */
export interface CallReport {
  readonly session: SessionUse | null;
  readonly attempts: number;
}

// A WeakMap and not a property: a report must not leak into what is printed or sent of an error.
const reports = new WeakMap<object, CallReport>();

/** Attaches what is known of the failed call to its error. */
export function attachReport(error: object, report: CallReport): void {
  reports.set(error, report);
}

/** The report of an error that a call ended with; nothing used and nothing executed where it has none. */
export function reportOf(error: unknown): CallReport {
  const report = typeof error === "object" && error !== null ? reports.get(error) : undefined;
  return report ?? { session: null, attempts: 0 };
}

/**
 * The door to everything that needs a session. The marketplace knows that a block requires one and no more;
 * what a session is stays behind this.
 */
export interface SessionDelegate {
  executeWithSession(manifest: Manifest, input: JsonValue, context: CallContext): Promise<CallOutcome>;
  /** Names of the registered providers. */
  providers(): readonly string[];
  /** What the provider's handler says of older files; undefined for an unknown provider. */
  manifestTraits(provider: string): ManifestTraits | undefined;
}

/** How older files of a provider are read; see the handler contract. */
export interface ManifestTraits {
  readonly metadataAliases?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly metadataKeys?: readonly string[] | undefined;
  readonly neededKeys?: readonly (readonly string[])[] | undefined;
  readonly legacyKeys?: Readonly<Record<string, string>> | undefined;
  readonly olderNames?: { readonly block?: readonly string[]; readonly provider?: readonly string[] } | undefined;
}
