/** How an exchange with a server failed, as facts; what it means for a call is decided in one place, `map-error.ts`. */
export type WireFailure =
  /** An answer with a status that is no success, or a redirect that was not followed. */
  | {
      readonly kind: "http";
      readonly status: number;
      /** The body, cut to what a person may read. */
      readonly body: string;
      readonly rpc: RpcError | undefined;
      readonly retryAfterMs: number | undefined;
      readonly location?: string | undefined;
      /** What it wants of whoever asks: `WWW-Authenticate`. */
      readonly challenge?: string | undefined;
    }
  /** A JSON-RPC error in an answer with status 2xx, or on a stream. */
  | { readonly kind: "rpc"; readonly error: RpcError }
  /** No answer: the connection failed, with the code of the system or of the HTTP client. */
  | { readonly kind: "network"; readonly code: string; readonly text: string }
  /** The stream of the answer ended before the answer had come. */
  | { readonly kind: "cut"; readonly text: string }
  /** The connection or child process that carried the session has ended. */
  | { readonly kind: "closed"; readonly text: string; readonly sent: boolean }
  /** The server did not keep to the protocol. */
  | { readonly kind: "broken"; readonly text: string }
  /** More bytes than allowed. */
  | { readonly kind: "oversize"; readonly limit: number }
  /** No answer within the time for a handshake. */
  | { readonly kind: "silent"; readonly afterMs: number }
  /** The command of a server could not be started, or ended before it answered. */
  | { readonly kind: "spawn"; readonly code: string; readonly text: string };

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** What was believed of the session when the exchange failed: the same answer means different things. */
export interface WireState {
  /** `legacy`: the revisions with a handshake; `modern`: those without; undefined while that is being found out. */
  readonly era: Era | undefined;
  readonly hasSessionId: boolean;
}

export type Era = "legacy" | "modern";

export class WireError extends Error {
  readonly failure: WireFailure;
  readonly state: WireState;

  constructor(failure: WireFailure, state: WireState, cause?: unknown) {
    super(describe(failure), cause === undefined ? undefined : { cause });
    this.name = "WireError";
    this.failure = failure;
    this.state = state;
  }
}

function describe(failure: WireFailure): string {
  switch (failure.kind) {
    case "http":
      return `HTTP ${failure.status}`;
    case "rpc":
      return `JSON-RPC error ${failure.error.code}`;
    case "network":
      return `${failure.code}: ${failure.text}`;
    case "oversize":
      return `more than ${failure.limit} bytes`;
    case "silent":
      return `no answer within ${failure.afterMs} ms`;
    case "spawn":
      return `${failure.code}: ${failure.text}`;
    default:
      return failure.text;
  }
}
