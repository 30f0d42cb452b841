import type { JsonObject } from "../../kernel/index.ts";

/** A server to describe. Secrets are given as values; nothing is read from the environment. */
export interface ServerPlace {
  /** As `:target` takes it. */
  readonly target: string;
  readonly tls?: boolean | undefined;
  readonly caFile?: string | undefined;
  readonly token?: string | undefined;
  /** The variable the token came from, to be named when it is refused. */
  readonly tokenVariable?: string | undefined;
  /** Time for everything, in milliseconds. Default 30000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One method, as far as a capability file tells of it. */
export interface DescribedMethod {
  /** The full name. */
  readonly service: string;
  readonly method: string;
  readonly kind: "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";
  /** The `.proto` file that declares it, by its name. */
  readonly file: string;
  readonly comment: string | undefined;
  /** Where its service is to be found by default (`google.api.default_host`). */
  readonly host: string | undefined;
  readonly deprecated: boolean;
  readonly idempotencyLevel: string | undefined;
  /** JSON Schemas, whose references lead into `schemaRoot`. */
  readonly input: JsonObject;
  readonly output: JsonObject;
}

export interface Description {
  readonly methods: readonly DescribedMethod[];
  readonly schemaRoot: JsonObject;
  /** Files that cannot be used, and why. */
  readonly broken: readonly { readonly file: string; readonly reason: string }[];
  /** Imports that no file was found for. */
  readonly missingImports: readonly string[];
  /** What these services (full names) need, as a descriptor set. */
  readonly descriptorSet: (services: ReadonlySet<string>) => Uint8Array;
}

export interface LocalDescription extends Description {
  readonly kind: "proto" | "descriptor-set";
}
