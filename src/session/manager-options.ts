import type { Caller } from "../capability/call.ts";
import type {
  CallTracing,
  Clock,
  Emitter,
  Interaction,
  JsonObject,
  Random,
  Redactor,
  RuntimeEvents,
} from "../kernel/index.ts";
import type { Policy } from "../policies/policy.ts";
import type { SessionCapability, TargetContext } from "./handler.ts";
import type { SessionDirectory } from "./session-directory.ts";

export interface SessionPoolManagerOptions {
  readonly events: Emitter<RuntimeEvents>;
  readonly redactor: Redactor;
  /** Makes the only view of the environment a handler gets, for one capability and caller. */
  readonly targetContext: (capability: SessionCapability, caller: Caller | undefined) => TargetContext;
  /** 32 secret bytes that key the fingerprints of identities. */
  readonly fingerprintKey: Uint8Array;
  /** A variable as it is now. */
  readonly readVariable: (name: string) => string | undefined;
  /** The settings of the configuration that hold for every endpoint (`session`, `retry` …); default none. */
  readonly configuration?: JsonObject | undefined;
  /** Around calls and attempts, in their fixed order whatever the order here; default none. */
  readonly policies?: readonly Policy[] | undefined;
  /** Who answers what peers ask back. Default: nobody. */
  readonly interaction?: Interaction | undefined;
  /** Where sessions outlive this process and are shared with others. Default: nowhere. */
  readonly directory?: SessionDirectory | undefined;
  /** Follows calls into their handlers and on to the peers. Default: nobody does. */
  readonly tracing?: CallTracing | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

export interface CloseOptions {
  /** How long running calls may go on, in milliseconds. Default 10,000. */
  readonly deadlineMs?: number | undefined;
  /** What becomes of sessions that a record in a durable store can restore. Default `keep`. */
  readonly sessions?: "keep" | "terminate" | undefined;
}

export interface OpenOptions {
  readonly signal?: AbortSignal | undefined;
  readonly caller?: Caller | undefined;
}
