import type { CallOptions, CallOutcome } from "./capability/call.ts";
import type { Manifest } from "./capability/manifest.ts";
import type { Clock, JsonValue, Listener, Random, Redactor, RuntimeEvents, Unsubscribe } from "./kernel/index.ts";
import type { Limits, Value } from "./rtfs/index.ts";
import type { SessionHandler } from "./session/handler.ts";

export interface EnvironmentOptions {
  /** Files and folders of capability files; what is named here is trusted. Default: `./capabilities` if it exists, untrusted. */
  readonly capabilities?: readonly string[] | undefined;
  /** The configuration as an object, or the path of a file. Default: `./ccos.config.json` if it exists. */
  readonly config?: string | object | undefined;
  /** Where session records outlive the process. Default: memory. */
  readonly store?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  /** The variables a handshake may read. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where relative paths start and untrusted defaults are looked for. Default: `process.cwd()`. */
  readonly cwd?: string | undefined;
  readonly handlers?: readonly SessionHandler[] | undefined;
  /** Hears `warning` events from the first moment, also those of loading, before anybody could subscribe. */
  readonly onWarning?: ((warning: RuntimeEvents["warning"]) => void) | undefined;
}

export interface RunOptions extends CallOptions {
  /** Bound to the symbol `input`. */
  readonly input?: JsonValue | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** Named in the places of errors. */
  readonly file?: string | undefined;
}

export interface SessionInfo {
  readonly id: string;
  readonly provider: string;
  readonly endpoint: string;
  /** A keyed fingerprint; `anonymous` where the session carries no credentials. */
  readonly identity: string;
  readonly scope: string;
  readonly state: "opening" | "open" | "draining" | "closing" | "closed";
  readonly active: number;
  readonly calls: number;
  readonly openedAt: number;
  readonly lastUsedAt: number;
  readonly expiresAt: number | null;
}

export interface CapabilityShelf {
  list(query?: string): Manifest[];
  get(id: string): Manifest | undefined;
  /** Loads a file, a folder, or RTFS text (anything with a parenthesis or brace first); gives the ids. Trusted. */
  load(pathOrText: string): Promise<string[]>;
  remove(id: string): boolean;
}

export interface CCOSEnvironment extends AsyncDisposable {
  /** Calls a capability; plain JSON in, plain JSON out. */
  call(id: string, input?: JsonValue, options?: CallOptions): Promise<JsonValue>;
  /** The same, with the session used and the number of attempts. */
  callDetailed(id: string, input?: JsonValue, options?: CallOptions): Promise<CallOutcome & { durationMs: number }>;
  /** Runs an RTFS program; its value as plain JSON. */
  run(source: string, options?: RunOptions): Promise<JsonValue>;
  /** The same; its value as the language has it. */
  evaluate(source: string, options?: RunOptions): Promise<Value>;
  readonly capabilities: CapabilityShelf;
  readonly sessions: {
    list(): SessionInfo[];
    close(id: string): Promise<boolean>;
    registerHandler(handler: SessionHandler): void;
  };
  on<K extends keyof RuntimeEvents>(event: K, listener: Listener<RuntimeEvents[K]>): Unsubscribe;
  readonly redactor: Redactor;
  /** Drains: running calls end or hit the deadline, then every session is terminated at its peer. */
  close(options?: { readonly deadlineMs?: number | undefined }): Promise<void>;
}

export function createEnvironment(_options: EnvironmentOptions = {}): Promise<CCOSEnvironment> {
  return Promise.reject(new Error("wiring follows"));
}
