import type { ErrorPlace, JsonObject } from "../kernel/index.ts";
import type { Form, Type, Value } from "../rtfs/index.ts";

/** How a capability came to be known, and so how far it is trusted. */
export interface Origin {
  /** The file, as given; undefined for a text or an object handed in by the program. */
  readonly file: string | undefined;
  readonly place: ErrorPlace | undefined;
  /**
   * Named by the user (flag, variable, library call) or recorded as trusted. What was only found in the
   * working directory is not: it may start no command and send no variable anywhere but to loopback.
   */
  readonly trusted: boolean;
}

/** The block of metadata that names a provider: `{:NAME {… :requires_session …}}`. */
export interface ProviderBlock {
  readonly provider: string;
  /** The flat key that says so, such as `NAME_requires_session`. */
  readonly key: string;
  readonly requiresSession: "true" | "auto" | "false";
}

/** How a capability is executed; chosen once, when its file is loaded. */
export type Execution =
  /** By its own RTFS code. */
  | { readonly kind: "implementation"; readonly form: Form }
  /** By the handler registered for this provider. */
  | { readonly kind: "provider"; readonly block: ProviderBlock }
  /** By a function of the host: `ccos.*` and what the program registers. */
  | { readonly kind: "native"; readonly run: NativeFunction }
  /** By nothing: the file declares neither code nor a provider. Calling it gives nil. */
  | { readonly kind: "none" };

/** What a native capability is given besides its arguments. */
export interface NativeContext {
  /** Aborts at the deadline of the call, or when its caller gives it up. */
  readonly signal: AbortSignal;
  /** Whose state and secrets are meant; undefined for the program itself. */
  readonly caller: string | undefined;
}

/**
 * A capability that the host provides. Gets the arguments as written, but for keyword pairs, which have
 * become one map; a call from outside the language gives its input as the only argument.
 */
export type NativeFunction = (args: readonly Value[], context: NativeContext) => Value | Promise<Value>;

/** A capability as its file declares it, validated and complete. */
export interface Manifest {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly language: string;
  readonly permissions: readonly string[];
  /** Normalised labels: lower case with a leading colon, such as `:network`. */
  readonly effects: readonly string[];
  /** Undefined means no check. */
  readonly inputSchema: Type | undefined;
  readonly outputSchema: Type | undefined;
  /** As nested in the file, as JSON. */
  readonly metadata: JsonObject;
  /** Flattened: path segments joined by `_`, every value a text. Has no prototype. */
  readonly flatMetadata: Readonly<Record<string, string>>;
  readonly execution: Execution;
  /** Running it twice is harmless: `:metadata {:idempotent true}`. Undefined where the file does not say. */
  readonly idempotent: boolean | undefined;
  readonly origin: Origin;
  /** Keys of the file that mean nothing to us, kept as RTFS text. */
  readonly extra: Readonly<Record<string, string>>;
}
