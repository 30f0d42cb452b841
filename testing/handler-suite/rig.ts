import type { JsonObject, JsonValue, StreamEvent } from "../../src/kernel/index.ts";
import type { SessionHandler } from "../../src/session/index.ts";

/** What a peer can be told to do wrong. */
export type PeerFault =
  /** It refuses the credentials with which a session is opened. */
  | "unauthenticated"
  /** It runs no call, and says that the next may come in three seconds. */
  | "throttled"
  /** It runs no call, and says `REJECTION`. */
  | "rejected"
  /** Whoever opens a session waits for an answer. */
  | "hangs-opening"
  /** Whoever calls waits for an answer; the call does not run. */
  | "hangs-calling"
  /** It runs the call and cuts the connection instead of answering. */
  | "cut"
  /** It runs the call and answers what breaks the protocol. */
  | "malformed"
  /** It runs the call and answers with more than the handler is set to read. */
  | "oversize";

/** What not every protocol has, or can show; a rig says which are missing, and why. */
export type PeerAbility =
  | PeerFault
  /** Sessions are things of the peer's own, which it opens, holds and ends. */
  | "sessions"
  /** Sessions carry credentials. */
  | "credentials"
  /** The peer hears that a caller has given a call up. */
  | "cancel"
  | "stop"
  | "restart"
  /** Another process can go on with a session; asked only of handlers that have `restore`. */
  | "restore"
  /** Asked only of handlers that have `renewCredentials`. */
  | "renewal"
  /** Asked only of handlers that have `stream`. */
  | "stream"
  /** A stream that ends only when it is left; asked only of handlers that have `stream`. */
  | "endless";

/** What a peer says where it rejects a call. */
export const REJECTION = "there is no such item";
/** How long a peer that throttles says to wait, in milliseconds. */
export const RETRY_AFTER_MS = 3_000;

/** A handler under test, and the peers it is tested against. */
export interface HandlerRig {
  /** A new handler, as it would be registered. */
  createHandler(): SessionHandler;
  /** A new peer, in service. Every check starts one of its own and disposes of it. */
  startPeer(): Promise<HandlerPeer>;
  /**
   * Every way in which a session of this protocol gets lost, by name. `silent`: the next call finds out.
   * `noticed`: the handler hears of it and reports it through its context.
   */
  readonly losses: Readonly<Record<string, "silent" | "noticed">>;
  /** What the protocol does not have or cannot show, and why. Checks that need it are not made. */
  readonly without?: Readonly<Partial<Record<PeerAbility, string>>>;
}

/** A peer that does what a check tells it, and counts what it sees. */
export interface HandlerPeer extends AsyncDisposable {
  /** The provider's block of a capability that gives back what it is given. */
  readonly block: JsonObject;
  /** The variables of the environment, with the credential that the block names. May be changed by a check. */
  readonly env: Record<string, string>;
  /** Where sessions carry credentials: the variable that holds one, and another value that the peer accepts. */
  readonly credential?: { readonly variable: string; readonly other: string };
  /** The input of a call with this text, and the value that it gives. */
  input(text: string): JsonValue;
  output(text: string): JsonValue;

  /** Sessions opened so far. */
  readonly opened: number;
  /** Sessions it holds now. */
  readonly sessions: number;
  /** What is open between it and us: sockets, requests under way, child processes. */
  readonly connections: number;
  /** Calls that have arrived and are held. */
  readonly held: number;
  /** Calls given up by their callers, as far as it has heard. */
  readonly canceled: number;
  /** How often the call with this text ran. */
  ran(text: string): number;

  /** Behaves like this for that many calls (or openings); default until `heal`. */
  dial(fault: PeerFault, times?: number): void;
  heal(): void;
  /** Holds every call that arrives until the function is called, which answers them, the latest first. */
  hold(): () => void;
  /** Loses every session in one of the ways of `losses`. */
  lose(loss: string): void | Promise<void>;
  /** Goes out of service, closing every connection. */
  stop(): Promise<void>;
  /** Is back at the same address, and knows nothing of what was. */
  restart(): Promise<void>;

  /** Where the handler renews credentials: lets those in use expire; how often they were renewed. */
  readonly renewal?: { expire(): void; readonly count: number };
  /** Where the handler streams. */
  readonly stream?: PeerStream;
}

/** Calls of a peer that give events. */
export interface PeerStream {
  /** The provider's block of the capability that streams. Default: that of the peer. */
  readonly block?: JsonObject;
  /** The input of a call that gives `events`, at least three, and ends. */
  readonly input: JsonValue;
  readonly events: readonly StreamEvent[];
  /** Streams that the peer has open. */
  readonly open: number;
  /** The input of a call that gives events until it is left, each some kilobytes long, as fast as the peer can send. */
  readonly endless?: JsonValue;
  /** Events of endless calls that the peer has sent so far. */
  readonly sent?: number;
}
