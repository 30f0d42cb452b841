import type { CallOptions, CallResult, EventStream, Manifest, OutputSinks } from "./capability/index.ts";
import type { Diagnosis } from "./doctor/index.ts";
import type {
  Clock,
  Interaction,
  JsonValue,
  Listener,
  Random,
  Redactor,
  RuntimeEvents,
  Unsubscribe,
} from "./kernel/index.ts";
import type { ExplainedSettings, PolicyShelf } from "./policies/index.ts";
import type { Host, Limits, Value } from "./rtfs/index.ts";
import type { CloseOptions, SessionHandler, SessionInfo, SignInDesk } from "./session/index.ts";

export interface EnvironmentOptions {
  /** Files and folders of capability files; what is named here is trusted. Default: `./capabilities` if it exists, untrusted. */
  readonly capabilities?: readonly string[] | undefined;
  /** The configuration as an object, or the path of a file. Default: `./ccos.config.json` if it exists. */
  readonly config?: string | object | undefined;
  /**
   * Where sessions outlive the process and are shared with others: `memory` (the default: nowhere), `sqlite:PATH`, or
   * `redis://…`. What is stored is sealed with `CCOS_STORE_KEY`, else with a key made on first use.
   */
  readonly store?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  /** The variables a handshake may read. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where relative paths start and untrusted defaults are looked for. Default: `process.cwd()`. */
  readonly cwd?: string | undefined;
  readonly handlers?: readonly SessionHandler[] | undefined;
  /** Who answers what peers ask back while they work on calls. Default: nobody, and peers are told so. */
  readonly interaction?: Interaction | undefined;
  /** Where programs print and log; each text comes with its line end. Default: stderr, with what is secret blanked. */
  readonly output?: OutputSinks | undefined;
  /** Hears `warning` events from the first moment, also those of loading, before anybody could subscribe. */
  readonly onWarning?: ((warning: RuntimeEvents["warning"]) => void) | undefined;
}

export interface RunOptions extends CallOptions {
  /** Bound to the symbol `input`. */
  readonly input?: JsonValue | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** Named in the places of errors. */
  readonly file?: string | undefined;
  /** The file of the program: what it imports is read from beside it, and from nowhere else. Default: no file is imported. */
  readonly importsBeside?: string | undefined;
}

export interface DiagnoseOptions {
  /** Default: every capability. What is not trusted and not named is not contacted beyond this machine. */
  readonly id?: string | undefined;
  /** For each step that waits for somebody, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CapabilityShelf {
  /** Sorted by id. Those of the runtime, `ccos.*`, are listed only where the query asks for them. */
  list(query?: string): Manifest[];
  get(id: string): Manifest | undefined;
  /** Loads a file, a folder, or RTFS text (anything with a parenthesis or brace first); gives the ids. Trusted. */
  load(pathOrText: string): Promise<string[]>;
  remove(id: string): boolean;
  /**
   * Every setting in force for a capability, with its source: call options aside, as far as the file says where its
   * calls go. Undefined for an unknown id and for what needs no session. Throws `invalid-argument` for wrong settings.
   */
  settings(id: string): ExplainedSettings | undefined;
}

export interface CCOSEnvironment extends AsyncDisposable {
  /** Calls a capability; plain JSON in, plain JSON out. */
  call(id: string, input?: JsonValue, options?: CallOptions): Promise<JsonValue>;
  /** The same, with the session used and the number of attempts. */
  callDetailed(id: string, input?: JsonValue, options?: CallOptions): Promise<CallResult>;
  /**
   * The events of a call as they come; the first `next()` begins it. Whatever does not stream gives one event, its
   * result. Without `timeoutMs` a stream may last for ever. Leaving the loop ends it at the peer.
   */
  stream(id: string, input?: JsonValue, options?: CallOptions): EventStream;
  /** Runs an RTFS program; its value as plain JSON. */
  run(source: string, options?: RunOptions): Promise<JsonValue>;
  /** The same; its value as the language has it. */
  evaluate(source: string, options?: RunOptions): Promise<Value>;
  /** What carries the calls of a program that somebody else evaluates: one whose definitions outlive a run. */
  createHost(options?: Pick<RunOptions, "signal" | "caller">): Host;
  readonly capabilities: CapabilityShelf;
  readonly sessions: {
    list(): SessionInfo[];
    /** Those that a store holds for whoever calls next, of this process and of others; the longest unused first. */
    stored(): Promise<SessionInfo[]>;
    /** Ends a session at its peer, also one that only a store holds. False for an unknown id. */
    close(id: string): Promise<boolean>;
    /** Ends every session of these capabilities at its peer, those in the store too. Gives their ids. */
    closeAll(): Promise<string[]>;
    registerHandler(handler: SessionHandler): void;
  };
  readonly policies: PolicyShelf;
  /** Signing people in where capabilities are called. */
  readonly signIns: SignInDesk;
  /**
   * What stands between a capability, or each of them, and its peer: variables, trust, reachability, handshake.
   * Opens sessions and executes nothing. Throws `not-found` for an unknown id.
   */
  diagnose(options?: DiagnoseOptions): Promise<Diagnosis[]>;
  on<K extends keyof RuntimeEvents>(event: K, listener: Listener<RuntimeEvents[K]>): Unsubscribe;
  readonly redactor: Redactor;
  /** What one program may use, where its run says nothing else. */
  readonly limits: Limits;
  /**
   * Drains: running calls end or hit the deadline, then every session is terminated at its peer, but for those that a
   * record in a durable store can restore, unless `sessions: "terminate"` says so.
   */
  close(options?: CloseOptions): Promise<void>;
}
