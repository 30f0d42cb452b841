import type { ErrorCode } from "../../kernel/index.ts";

/** How an exchange with a server failed, as facts; what it means for a call is decided in one place, `map-error.ts`. */
export type WireFailure =
  /** The handshake was answered with something else than a switch of protocols. */
  | {
      readonly kind: "http";
      readonly status: number;
      /** The body, cut to what a person may read. */
      readonly body: string;
      /** By a name in lower case. */
      readonly header: (name: string) => string | undefined;
    }
  /** The peer answered that it will not. */
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** No connection: it could not be made, with the code of the system. */
  | { readonly kind: "network"; readonly code: string; readonly text: string }
  /** The socket has ended. */
  | {
      readonly kind: "closed";
      /** Of the close frame; 1006 where there was none. */
      readonly code: number;
      readonly reason: string;
      readonly sent: boolean;
      /** Nothing had come from the peer since the session was opened. */
      readonly fresh: boolean;
      /** What the capability says this code means. */
      readonly declared: ErrorCode | undefined;
      /** Why we ended it ourselves. */
      readonly text?: string | undefined;
    }
  /** The peer did not keep to the protocol. */
  | { readonly kind: "broken"; readonly text: string; readonly remedy?: string | undefined }
  /** A message with more bytes than allowed. */
  | { readonly kind: "oversize"; readonly limit: number }
  /** No answer within the time for a handshake. */
  | { readonly kind: "silent"; readonly afterMs: number };

/** What a peer said with its refusal. */
export interface Refusal {
  readonly code: string | undefined;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
  /** What the capability says this code means. */
  readonly declared: ErrorCode | undefined;
  /** It was the login that was refused. */
  readonly login: boolean;
}

export class WireError extends Error {
  readonly failure: WireFailure;

  constructor(failure: WireFailure, cause?: unknown) {
    super(describe(failure), cause === undefined ? undefined : { cause });
    this.name = "WireError";
    this.failure = failure;
  }
}

function describe(failure: WireFailure): string {
  switch (failure.kind) {
    case "http":
      return `HTTP ${failure.status}`;
    case "refused":
      return `refused: ${failure.refusal.message}`;
    case "network":
      return `${failure.code}: ${failure.text}`;
    case "closed":
      return (
        failure.text ?? `the socket was closed (${failure.code}${failure.reason === "" ? "" : `: ${failure.reason}`})`
      );
    case "broken":
      return failure.text;
    case "oversize":
      return `more than ${failure.limit} bytes`;
    case "silent":
      return `no answer within ${failure.afterMs} ms`;
  }
}
