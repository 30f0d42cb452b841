/**
 * The one error of the whole system and its closed list of codes.
 *
 * Each code states where it comes from, whether trying again can help, whether it is evidence that the
 * peer is ill (and so counts for a circuit breaker), and what it becomes at the two outer edges:
 * an HTTP status and a process exit code. A test pins the table; change it knowingly.
 */

/** Where an error comes from. */
export type ErrorOrigin = "language" | "capability" | "caller" | "pool" | "policy" | "provider" | "store" | "runtime";

/**
 * Whether running the call again can help.
 *
 * - `never`: the same call fails the same way.
 * - `new-session`: on a fresh session, once.
 * - `after-delay`: when the time given (or a back-off) has passed; the call was not executed.
 * - `backoff`: after a back-off; the call was not executed.
 * - `if-idempotent`: it may have been executed, so only where running it twice is harmless.
 */
export type RetryAdvice = "never" | "new-session" | "after-delay" | "backoff" | "if-idempotent";

export interface ErrorTraits {
  readonly origin: ErrorOrigin;
  readonly retry: RetryAdvice;
  /** Counts as a failure of the peer for a circuit breaker. */
  readonly breaker: boolean;
  readonly httpStatus: number;
  readonly exitCode: number;
}

export const ERROR_TABLE = {
  "read-error": { origin: "language", retry: "never", breaker: false, httpStatus: 400, exitCode: 3 },
  "eval-error": { origin: "language", retry: "never", breaker: false, httpStatus: 422, exitCode: 1 },
  "invalid-argument": { origin: "caller", retry: "never", breaker: false, httpStatus: 400, exitCode: 1 },
  interrupted: { origin: "language", retry: "never", breaker: false, httpStatus: 422, exitCode: 1 },
  "permission-denied": { origin: "capability", retry: "never", breaker: false, httpStatus: 403, exitCode: 1 },
  "not-found": { origin: "capability", retry: "never", breaker: false, httpStatus: 404, exitCode: 1 },
  unimplemented: { origin: "capability", retry: "never", breaker: false, httpStatus: 501, exitCode: 1 },
  "pool-closed": { origin: "pool", retry: "never", breaker: false, httpStatus: 503, exitCode: 1 },
  unauthenticated: { origin: "provider", retry: "new-session", breaker: false, httpStatus: 401, exitCode: 1 },
  "session-lost": { origin: "provider", retry: "new-session", breaker: false, httpStatus: 502, exitCode: 1 },
  "rate-limited": { origin: "provider", retry: "after-delay", breaker: false, httpStatus: 429, exitCode: 1 },
  "bulkhead-full": { origin: "policy", retry: "after-delay", breaker: false, httpStatus: 503, exitCode: 1 },
  "acquire-timeout": { origin: "pool", retry: "after-delay", breaker: false, httpStatus: 503, exitCode: 1 },
  "circuit-open": { origin: "policy", retry: "after-delay", breaker: false, httpStatus: 503, exitCode: 1 },
  "deadline-exceeded": { origin: "policy", retry: "if-idempotent", breaker: true, httpStatus: 504, exitCode: 1 },
  unavailable: { origin: "provider", retry: "backoff", breaker: true, httpStatus: 503, exitCode: 1 },
  "outcome-unknown": { origin: "provider", retry: "if-idempotent", breaker: true, httpStatus: 502, exitCode: 1 },
  rejected: { origin: "provider", retry: "never", breaker: false, httpStatus: 422, exitCode: 1 },
  "protocol-error": { origin: "provider", retry: "never", breaker: true, httpStatus: 502, exitCode: 1 },
  "store-error": { origin: "store", retry: "never", breaker: false, httpStatus: 500, exitCode: 1 },
  canceled: { origin: "caller", retry: "never", breaker: false, httpStatus: 499, exitCode: 1 },
  internal: { origin: "runtime", retry: "never", breaker: false, httpStatus: 500, exitCode: 1 },
} as const satisfies Record<string, ErrorTraits>;

export type ErrorCode = keyof typeof ERROR_TABLE;

/** A place in a source text; line and column start at 1. */
export interface ErrorPlace {
  readonly file?: string | undefined;
  readonly line: number;
  readonly column: number;
}

export interface ErrorOptions {
  /** What to do next, in one sentence, where it is known. */
  readonly remedy?: string | undefined;
  /** Facts a program can act on. Plain JSON, without secrets. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** How long to wait before trying again, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  readonly place?: ErrorPlace | undefined;
  /** The original. Stays in this process: it is never serialised. */
  readonly cause?: unknown;
}

/** What leaves the process: everything but `cause` and the JavaScript stack. */
export interface ErrorJson {
  code: ErrorCode;
  message: string;
  remedy?: string;
  retryable: boolean;
  retryAfterMs?: number;
  place?: ErrorPlace;
  details?: Readonly<Record<string, unknown>>;
}

// Two copies of this package may meet in one process, so the guard reads a brand and not the prototype.
const BRAND = Symbol.for("ccos.error");
const INSPECT = Symbol.for("nodejs.util.inspect.custom");

export class CcosError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterMs: number | undefined;
  readonly place: ErrorPlace | undefined;
  readonly [BRAND] = true;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CcosError";
    this.code = code;
    this.remedy = options.remedy;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
    this.place = options.place;
  }

  get traits(): ErrorTraits {
    return ERROR_TABLE[this.code];
  }

  /** Whether any form of trying again can help; `traits.retry` says which. */
  get retryable(): boolean {
    return this.traits.retry !== "never";
  }

  /** The same error with some options replaced; the places of the stack and `cause` are kept. */
  with(changes: ErrorOptions & { readonly message?: string }): CcosError {
    const copy = new CcosError(this.code, changes.message ?? this.message, {
      remedy: changes.remedy ?? this.remedy,
      details: changes.details ? { ...this.details, ...changes.details } : this.details,
      retryAfterMs: changes.retryAfterMs ?? this.retryAfterMs,
      place: changes.place ?? this.place,
      cause: changes.cause ?? this.cause,
    });
    // The stack begins with the message, and a message that was changed had to be.
    if (this.stack !== undefined) copy.stack = this.stack.replace(this.message, () => copy.message);
    return copy;
  }

  /** What a console shows: not `cause`, which is whatever a peer or a library said and may hold secrets. */
  [INSPECT](): string {
    return [
      this.stack ?? `${this.name}: ${this.message}`,
      ...(this.remedy === undefined ? [] : [`  ${this.remedy}`]),
    ].join("\n");
  }

  toJSON(): ErrorJson {
    return {
      code: this.code,
      message: this.message,
      ...(this.remedy !== undefined && { remedy: this.remedy }),
      retryable: this.retryable,
      ...(this.retryAfterMs !== undefined && { retryAfterMs: this.retryAfterMs }),
      ...(this.place !== undefined && { place: this.place }),
      ...(this.details !== undefined && { details: this.details }),
    };
  }
}

export function isCcosError(value: unknown): value is CcosError {
  return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
}

/** The single entry for foreign errors: ours pass unchanged, anything else becomes `internal`. */
export function toCcosError(value: unknown): CcosError {
  if (isCcosError(value)) return value;
  const text = value instanceof Error ? value.message : String(value);
  return new CcosError("internal", `Unexpected failure: ${text}`, {
    remedy: "This is a defect in CCOS or in a handler; please report it with what led to it.",
    cause: value,
  });
}

/** Shorthand: throws `new CcosError(code, message, options)` where an expression is needed. */
export function fail(code: ErrorCode, message: string, options?: ErrorOptions): never {
  throw new CcosError(code, message, options);
}
