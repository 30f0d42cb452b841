import type { ErrorJson } from "./errors.ts";
import type { SpanAttributes } from "./tracing.ts";

/** What every event about a session says. Never the peer's own session id: that is a secret. */
export interface SessionEvent {
  /** Our id of the session. */
  readonly sessionId: string;
  readonly provider: string;
  /** Where, without credentials. */
  readonly endpoint: string;
}

export interface CallEvent {
  readonly callId: string;
  readonly capabilityId: string;
}

/** What every event of a policy says of the call it is about. */
export interface PolicyEvent extends CallEvent {
  readonly provider: string;
  /** Where, without credentials. */
  readonly endpoint: string;
}

/** `closed`: calls go through; `open`: none does; `half-open`: a few try; `isolated`: a person closed the way. */
export type BreakerState = "closed" | "open" | "half-open" | "isolated";

/** Why a policy refused. */
export type RefusalCause =
  | "budget-used-up"
  | "no-time-left"
  | "circuit-open"
  | "circuit-isolated"
  | "rate-limited"
  | "queue-full"
  | "closing";

/**
 * Everything the runtime tells, in the past tense. Verbose output, traces, metrics, the audit log and
 * the tests all read these and nothing else.
 */
export interface RuntimeEvents {
  callStarted: CallEvent & { readonly parentId?: string | undefined; readonly caller?: string | undefined };
  callEnded: CallEvent & {
    readonly ok: boolean;
    readonly error?: ErrorJson | undefined;
    readonly attempts: number;
    readonly durationMs: number;
    readonly sessionId?: string | undefined;
    readonly reused?: boolean | undefined;
    /** Of a streaming call: how many events it gave, its result included. */
    readonly events?: number | undefined;
  };
  /** A metadata key said that this call needs a session. */
  sessionRequired: CallEvent & { readonly key: string; readonly value: string };
  sessionOpening: { readonly provider: string; readonly endpoint: string };
  sessionOpenFailed: { readonly provider: string; readonly endpoint: string; readonly error: ErrorJson };
  sessionOpened: SessionEvent & {
    readonly durationMs: number;
    /** It was open before: a record in the store let this process go on with it. */
    readonly resumed?: boolean | undefined;
    /** The lost session that this one stands in for. */
    readonly replaces?: string | undefined;
    /** What the peer said of itself, for people. */
    readonly description?: string | undefined;
  };
  /** A call was given a session that had been opened before it came. */
  sessionReused: SessionEvent & CallEvent;
  /** An execution on a session begins. */
  attemptStarted: SessionEvent &
    CallEvent & {
      readonly attempt: number;
      readonly operation: string;
      /** How long the call waited for the session, in milliseconds; 0 where one was free at once. */
      readonly waitedMs: number;
      /** What a span of it is called, where its protocol has a convention for that. */
      readonly spanName?: string | undefined;
      /** What the protocol's conventions say of it. */
      readonly attributes?: SpanAttributes | undefined;
    };
  attemptEnded: SessionEvent &
    CallEvent & { readonly attempt: number; readonly durationMs: number; readonly error?: ErrorJson | undefined };
  /** The peer no longer knows the session. Told once a session, however many calls notice. */
  sessionLost: SessionEvent & { readonly reason: string };
  /** A session opened in the place of a lost one. */
  sessionReplaced: SessionEvent & { readonly replaces: string };
  sessionClosed: SessionEvent & { readonly reason: string; readonly calls: number };
  /**
   * A peer said that what it offers has changed (its tools, say). Subscribed to before sessions are opened: peers are
   * asked to tell of changes only where somebody listens.
   */
  offerChanged: SessionEvent & { readonly what: string };
  /** A call held a session for so long that it was taken back; the holder names the call. */
  leaseReclaimed: SessionEvent & { readonly holder: string; readonly heldMs: number };
  /** A call that failed will be run again; `attempt` counts the runs of the retry policy and is 2 for the first of these. */
  retryScheduled: PolicyEvent & { readonly attempt: number; readonly delayMs: number; readonly error: ErrorJson };
  /** A policy refused to run a call, or to run it again. */
  callRefused: PolicyEvent & {
    readonly policy: string;
    readonly cause: RefusalCause;
    readonly retryAfterMs?: number | undefined;
  };
  /** A policy has a call wait for its turn; `waitMs` is expected, and absent where nobody can tell. */
  callDelayed: PolicyEvent & { readonly policy: string; readonly waitMs?: number | undefined };
  /** The peer named a time before which it takes no more calls of this identity: a pause begins. */
  rateLearned: PolicyEvent & { readonly remaining: number; readonly resetMs: number };
  /** A circuit breaker changed its state. */
  breakerChanged: {
    readonly provider: string;
    readonly endpoint: string;
    readonly from: BreakerState;
    readonly to: BreakerState;
    readonly failures: number;
    readonly error?: ErrorJson | undefined;
  };
  /** A kept answer was given; a stale one is being fetched anew. */
  cacheHit: PolicyEvent & { readonly ageMs: number; readonly stale: boolean };
  cacheMissed: PolicyEvent;
  /** A new answer in the place of a stale one could not be had; nobody waited for it. */
  cacheRefreshFailed: PolicyEvent & { readonly error: ErrorJson };
  /** A call was given the answer of another that asked the same. */
  callShared: PolicyEvent & { readonly leaderId: string };
  /**
   * Something a person should know that fails nothing: a broken file, an ignored key. `advice` is about how a file is
   * written: what it declares is loaded, and `ccos check` says the same.
   */
  warning: {
    readonly code: string;
    readonly message: string;
    readonly file?: string | undefined;
    readonly advice?: true | undefined;
  };
}
