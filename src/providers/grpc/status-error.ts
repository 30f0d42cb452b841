import type { Metadata } from "@grpc/grpc-js";

/** How a call ended that did not end well, and what is known of how far it came. */
export interface CallStatus {
  /** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata | undefined;
  /** The peer's own words, and not what our end says of the connection. */
  readonly answered: boolean;
  /** The connection of the session has ended. */
  readonly ended: boolean;
}

/** A status on its way to `classify`. */
export class StatusError extends Error {
  readonly status: CallStatus;

  constructor(status: CallStatus) {
    super(status.details);
    this.name = "StatusError";
    this.status = status;
  }
}

/** An answer that does not mean what its description says it should. */
export class BrokenAnswer extends Error {
  constructor(text: string, options?: ErrorOptions) {
    super(text, options);
    this.name = "BrokenAnswer";
  }
}

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export const STATUS_NAMES: readonly string[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];
