import type {
  CcosError,
  Clock,
  Interaction,
  JsonObject,
  JsonValue,
  Random,
  RateNews,
  SpanAttributes,
  StreamEvent,
} from "../kernel/index.ts";

/**
 * The seam every provider plugs into. This file imports no implementation.
 *
 * A handler knows one protocol and nothing of pooling: reuse, limits, waiting, replay, retry, events and
 * closing are the core's, written once. The smallest handler has `provider`, `target`, `initializeSession`,
 * `executeWithSession` and `terminateSession`; everything else is optional and has a default.
 */
export interface SessionHandler<State = unknown> {
  /** The provider's name: the metadata block (and flat key prefix) that declares it. */
  readonly provider: string;
  readonly traits?: HandlerTraits;

  /**
   * Where and as whom a capability is called. Called before every call, so cheap, and without I/O;
   * the core keeps the answer as long as no variable it read has changed.
   * Throws `invalid-argument` where the metadata is incomplete.
   */
  target(capability: SessionCapability, context: TargetContext): Target;

  /**
   * Opens a session: connection, handshake, authentication. Nobody's cancellation reaches it but the
   * pool's own: several callers may wait for it. `context.signal` aborts when the pool gives it up.
   */
  initializeSession(target: Target, context: SessionContext): Promise<Opened<State>>;

  /**
   * Runs one call. Honours `call.signal`, and calls `call.sent()` when the request is about to leave:
   * from then on a failure without an answer is an unknown outcome.
   */
  executeWithSession(session: Session<State>, call: SessionCall, context: SessionContext): Promise<JsonValue>;

  /** Ends the session at the peer and frees what it holds here. Never throws for a peer that is gone. */
  terminateSession(session: Session<State>, context: SessionContext): Promise<void>;

  /**
   * A foreign error as one of ours, once, here. Default: ours pass; anything else is `unavailable`
   * before the request left and `outcome-unknown` after.
   */
  classifyFailure?(error: unknown, failure: FailureContext): CcosError;

  /**
   * Gets fresh credentials after they were refused (a token refresh, say). The core calls it once at a
   * time for a target. False where there is nothing to renew.
   */
  renewCredentials?(target: Target, context: SessionContext): Promise<boolean>;

  /** Signing people in, where the protocol knows how. */
  readonly signIns?: SignIns;

  /** Whether the session is alive. */
  probe?(session: Session<State>, context: SessionContext): Promise<boolean>;

  /** State another process can go on with; undefined where this session lives in a socket or a child. */
  snapshot?(session: Session<State>): JsonObject | undefined;
  restore?(snapshot: JsonObject, target: Target, context: SessionContext): Promise<Opened<State>>;

  /** Frees what sessions share, such as connections. Called once, when none is open any more. */
  close?(): Promise<void>;

  /**
   * Runs one call that tells of events while it runs, and honours the same duties as `executeWithSession`. The
   * lease lasts as long as the iteration; `return()` on it, or `call.signal`, ends the work at the peer too. The
   * next event is asked for when the last one has been taken, so a handler that waits there puts the peer under
   * back-pressure; what arrives meanwhile is kept up to a limit. Where a call has a result besides its items, a
   * `result` event is its last. Default: the result of `executeWithSession` is the only event.
   */
  stream?(session: Session<State>, call: SessionCall, context: SessionContext): AsyncIterable<StreamEvent>;
}

/** What the core must know of a provider without knowing its protocol. */
export interface HandlerTraits {
  /**
   * Other spellings of the block's keys, by canonical key (both without the prefix), tried in order when
   * the canonical one is missing. This is how older files, and provider blocks `{:type NAME …}`, are read.
   */
  readonly metadataAliases?: Readonly<Record<string, readonly string[]>>;
  /** Keys the block may hold; `check` warns of others. Undefined: any. */
  readonly metadataKeys?: readonly string[];
  /** Keys without which no call can be made: of each list one has to be there. `check` warns where none is. */
  readonly neededKeys?: readonly (readonly string[])[];
  /** Top-level flat keys (whole) of older files, and the key of the block each one means. */
  readonly legacyKeys?: Readonly<Record<string, string>>;
  /** What older files call the provider: its block, and the value of the key `:provider` (in lower case). */
  readonly olderNames?: { readonly block?: readonly string[]; readonly provider?: readonly string[] };
  /** Calls one session carries at once, where neither the capability nor the handshake says. Default 64. */
  readonly maxInFlight?: number;
  /** Attributes for a span of a call, from its target. No secrets. */
  readonly spanAttributes?: (target: Target) => SpanAttributes;
  /** The name of such a span, where the protocol has a convention for it. Few different ones: no inputs. */
  readonly spanName?: (target: Target) => string;
}

/** A capability as a handler sees it. */
export interface SessionCapability {
  readonly id: string;
  /** The flattened metadata. Has no prototype. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The provider's own block as nested in the file, or an empty object. */
  readonly block: JsonObject;
  readonly idempotent: boolean | undefined;
  /** What was only found in the working directory is not trusted. */
  readonly trusted: boolean;
  /** Where it was read from, for what its metadata name relative to it; undefined for a text. */
  readonly file?: string | undefined;
}

/** The only way a handler learns anything from the environment. */
export interface TargetContext {
  /**
   * A variable that is no secret, such as one that replaces an endpoint. Pass the result through
   * `authorizeEndpoint` before use.
   */
  variable(name: string): string | undefined;
  /**
   * A secret for an origin: the caller's own credential of that name, else the variable. Undefined where
   * neither is set. Throws `permission-denied` where the secret is bound to other origins, where the
   * capability is not trusted with it, or where it would travel in the clear to another machine.
   */
  secret(name: string, use: SecretUse): string | undefined;
  /** Throws `permission-denied` where an untrusted capability would send a variable's value to this origin. */
  authorizeEndpoint(origin: string, variable: string): void;
  /** Throws `permission-denied` where an untrusted capability would start this command. */
  authorizeCommand(command: string): void;
  /** What the configuration says for this endpoint: the settings of its longest prefix, and those for all endpoints. */
  endpointSettings(endpoint: string): JsonObject;
}

export interface SecretUse {
  /** `scheme://host:port` of where it goes. A child process is the origin `command:`. */
  readonly origin: string;
  /**
   * Absent: the capability names this variable, so it goes where the capability points. Present: nobody
   * named it (a general fallback), so it goes only to these origins and those bound in the configuration.
   */
  readonly fallbackOrigins?: readonly string[];
}

/** Where, as whom, and with which settings: what decides which session may serve a call. */
export interface Target {
  /** For people and for the key: a URL without credentials, or a command line without values of variables. */
  readonly endpoint: string;
  /** The credentials of the session, by name; they become the identity, as a keyed fingerprint. */
  readonly credentials: Readonly<Record<string, string>>;
  /** The variable the credentials came from, to be named when they are refused. */
  readonly credentialSource?: string | undefined;
  /** Everything else that shapes the session: other values here mean another session. No secrets. */
  readonly shape: Readonly<Record<string, string>>;
  /** The operation, for people and traces. */
  readonly operation: string;
  /** What the protocol itself says: running this operation twice is harmless. */
  readonly idempotent?: boolean | undefined;
  /**
   * What it says besides: the operation changes something, even if twice is no worse than once. Then no call is answered
   * by the execution of another, and no answer is kept.
   */
  readonly changes?: boolean | undefined;
  /** The handler's own, such as parsed URLs and headers. The core does not look inside. */
  readonly settings: unknown;
}

/** What a handler gives back when a session is open. */
export interface Opened<State> {
  readonly state: State;
  /** Calls the session carries at once, where the protocol limits it. */
  readonly maxInFlight?: number | undefined;
  /** When it ends, on the wall clock, where the peer said so. */
  readonly expiresAt?: number | undefined;
  /** What the peer said of itself, for people: name, version, protocol. */
  readonly description?: string | undefined;
  /** What the handshake found out, as attributes for the spans of its calls. No secrets. */
  readonly attributes?: SpanAttributes | undefined;
  /** The peer's own session id and the like: registered so that they are never shown. */
  readonly secrets?: readonly string[] | undefined;
}

/** An open session as its handler sees it. */
export interface Session<State = unknown> {
  /** Our id, safe to show. */
  readonly id: string;
  readonly target: Target;
  readonly state: State;
  /** The peer no longer knows it: ending it means only freeing what is held here. */
  readonly lost: boolean;
}

export interface SessionCall {
  readonly capability: SessionCapability;
  /** The target of this call: the same session serves several operations. */
  readonly target: Target;
  readonly input: JsonValue;
  /** Aborts with a `canceled` or `deadline-exceeded` error as its reason. */
  readonly signal: AbortSignal;
  /** Milliseconds left for the call; `Infinity` where there is no limit. */
  remainingMs(): number;
  /** 1 for the first execution, and so on. */
  readonly attempt: number;
  /** The same for every execution of one call, and for no other call: what tells a peer that it is a repetition. */
  readonly callId?: string | undefined;
  /**
   * Goes with this call alone, such as the context of its trace: sent where the protocol has a place for it, and
   * never a part of what tells sessions apart.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The `cursor` of the last item that was taken, where a broken stream is taken up again on this session. */
  readonly resumeAfter?: string | undefined;
  /** The request is about to leave. */
  sent(): void;
  /** Told what the peer says of its limit, with an answer or a refusal; absent where nobody wants to know. */
  readonly limited?: ((news: RateNews) => void) | undefined;
}

export interface SessionContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** The session has died without a call noticing (its socket closed, its process ended). */
  lost(reason: string): void;
  /** Registers a text that must never be shown. */
  addSecret(secret: string): void;
  /** Tells people something that fails nothing. */
  warn(message: string): void;
  /** Who answers what the peer asks back; the same for every session of a process. Absent: nobody. */
  readonly interaction?: Interaction | undefined;
  /** What the peer offers has changed: `tools`, say, as the protocol names it. Absent where nobody wants to know. */
  readonly offerChanged?: ((what: string) => void) | undefined;
}

export interface FailureContext {
  readonly phase: "open" | "execute" | "terminate";
  /** `call.sent()` was called. */
  readonly sent: boolean;
  readonly target: Target;
}

/**
 * Signing a person in at a peer, for later sessions of this user: `target` finds what was kept, and says with another
 * `credentials` that there is another identity. Nothing here opens a session.
 */
export interface SignIns {
  /** Takes the person through the peer's way of signing in, and keeps what that gave. */
  signIn(target: Target, context: SessionContext, dialog: SignInDialog): Promise<SignInState>;
  /** Forgets it, here and where possible at the peer. False where there was nothing. */
  signOut(target: Target, context: SessionContext): Promise<boolean>;
  /** What is kept for a target; undefined for nothing. */
  state(target: Target): Promise<SignInState | undefined>;
}

/** How a person takes part in signing in. */
export interface SignInDialog {
  /**
   * The person goes on at this address: open it, or show it. Where there is a code, they type it in there. May return
   * before they have done so.
   */
  visit(url: URL, code?: string): void | Promise<void>;
  /** What to ask for besides what the peer asks for by itself, separated by spaces. */
  readonly scope?: string | undefined;
  /** By a code that is typed in on another device, where the peer offers that. */
  readonly device?: boolean | undefined;
  /** The port on this machine that the browser comes back to. Default: any free one. */
  readonly port?: number | undefined;
  /** How long the person may take, in milliseconds. Default 300000. */
  readonly waitMs?: number | undefined;
}

/** A sign-in, without its secrets. */
export interface SignInState {
  readonly endpoint: string;
  /** Who vouches for the person. */
  readonly issuer: string;
  readonly scope: string | undefined;
  readonly signedInAt: number;
  /** When it ends unless it is renewed, on the wall clock. */
  readonly expiresAt: number | undefined;
  /** It is renewed by itself. */
  readonly renewable: boolean;
}
