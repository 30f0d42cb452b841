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
  };
  /** A metadata key said that this call needs a session. */
  sessionRequired: CallEvent & { readonly key: string; readonly value: string };
  sessionOpening: { readonly provider: string; readonly endpoint: string };
  sessionOpenFailed: { readonly provider: string; readonly endpoint: string; readonly error: ErrorJson };
  sessionOpened: SessionEvent & {
    readonly durationMs: number;
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
  /** A call held a session for so long that it was taken back; the holder names the call. */
  leaseReclaimed: SessionEvent & { readonly holder: string; readonly heldMs: number };
  /** Something a person should know that fails nothing: a broken file, an ignored key. */
  warning: { readonly code: string; readonly message: string; readonly file?: string | undefined };
}
