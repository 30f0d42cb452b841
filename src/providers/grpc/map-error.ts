import {
  CcosError,
  isCcosError,
  oneLine,
  type ErrorCode,
  type ErrorOptions,
  type JsonObject,
} from "../../kernel/index.ts";
import type { FailureContext, Target } from "../../session/handler.ts";
import { readErrorDetails, type ErrorDetails } from "./error-details.ts";
import { BrokenAnswer, STATUS_NAMES, StatusError, type CallStatus } from "./status-error.ts";

const UNCERTAIN =
  "It may have been executed: check before calling again, or declare :idempotent true if that is harmless.";
const SPEAKS_NO_GRPC = "Check :target and :tls: what answers there does not speak gRPC.";

/** A foreign error as one of ours: the only place where what a server did is given a meaning. */
export function classify(error: unknown, context: FailureContext): CcosError {
  if (isCcosError(error)) return error;
  if (error instanceof StatusError) return new Verdict(error, context).give();
  const where = place(context);
  const words = oneLine(error instanceof Error ? error.message : String(error), 500);
  if (error instanceof BrokenAnswer) {
    return new CcosError("protocol-error", `${where} failed: ${words}`, {
      remedy: context.phase === "open" ? SPEAKS_NO_GRPC : "The server may be of another version than its description.",
      cause: error,
      ...(context.phase === "execute" && { details: { executed: true } }),
    });
  }
  return new CcosError(context.sent ? "outcome-unknown" : "unavailable", `${where} failed: ${words}`, { cause: error });
}

class Verdict {
  readonly #error: StatusError;
  readonly #status: CallStatus;
  readonly #context: FailureContext;
  readonly #said: ErrorDetails;
  readonly #name: string;

  constructor(error: StatusError, context: FailureContext) {
    this.#error = error;
    this.#status = error.status;
    this.#context = context;
    this.#said = readErrorDetails(error.status.metadata);
    this.#name = STATUS_NAMES[error.status.code] ?? `status ${error.status.code}`;
  }

  give(): CcosError {
    // Something between us and the server that takes no more, and passed nothing on.
    if (/^Received HTTP status code (?:429|503)\b/.test(this.#status.details))
      return this.#make(
        "unavailable",
        "What stands before the server is busy, or the server is down; try again later.",
      );
    return this.#status.answered ? this.#answered() : this.#unanswered();
  }

  #make(code: ErrorCode, remedy: string | undefined, options: ErrorOptions = {}): CcosError {
    const { details, violations } = this.#said;
    const words = [oneLine(this.#status.details, 1_000), ...violations.slice(0, 5)].filter((one) => one !== "");
    const facts: JsonObject = { status: this.#name };
    if (details.length > 0) facts["errorDetails"] = [...details];
    return new CcosError(
      code,
      `${place(this.#context)} failed: ${this.#name}${words.length === 0 ? "." : `: ${words.join("; ")}`}`,
      {
        ...options,
        remedy,
        details: { ...facts, ...options.details },
        cause: this.#error,
      },
    );
  }

  /** The server's own words. */
  #answered(): CcosError {
    const { target, phase } = this.#context;
    const { retryAfterMs, help } = this.#said;
    switch (this.#name) {
      case "UNAUTHENTICATED":
        return this.#make("unauthenticated", credentialRemedy(target));
      case "PERMISSION_DENIED":
        return this.#make("rejected", help ?? permissionRemedy(target));
      case "RESOURCE_EXHAUSTED": {
        if (this.#isOversize()) return this.#oversize();
        const wait = retryAfterMs === undefined ? "Wait" : `Wait ${Math.ceil(retryAfterMs / 1000)} s`;
        return this.#make("rate-limited", `${wait}, or set :rate_limit to stay below the server's limit.`, {
          retryAfterMs,
        });
      }
      case "UNAVAILABLE":
        // A server that says when to come again says that it has done nothing.
        if (phase === "open" || retryAfterMs !== undefined)
          return this.#make("unavailable", "The server is busy or down; try again later.", { retryAfterMs });
        return this.#make("outcome-unknown", UNCERTAIN);
      case "DEADLINE_EXCEEDED":
        return phase === "open"
          ? this.#make("unavailable", "The server took too long to describe itself.")
          : this.#make("deadline-exceeded", `The server gave up. ${UNCERTAIN}`);
      case "CANCELLED":
      case "UNKNOWN":
      case "INTERNAL":
        if (this.#isNoGrpc()) return this.#make("protocol-error", SPEAKS_NO_GRPC);
        return phase === "open"
          ? this.#make("unavailable", "The server fails; its own log may say why.")
          : this.#make("outcome-unknown", UNCERTAIN, { retryAfterMs });
      case "UNIMPLEMENTED":
        if (this.#isNoGrpc()) return this.#make("protocol-error", SPEAKS_NO_GRPC);
        return this.#make(
          "rejected",
          phase === "open"
            ? "It does not describe itself (server reflection): name a .proto file with :proto, or a :descriptor_set."
            : "The server does not offer this method; check :service and :method, and its version.",
        );
      case "ABORTED":
        return this.#make(
          "rejected",
          help ?? "Something else came in between: read again what you want to change, then try again.",
          {
            retryAfterMs,
          },
        );
      case "NOT_FOUND":
        return this.#make(
          "rejected",
          phase === "open"
            ? `Check :service (${target.operation}); ccos import grpc lists what the server offers.`
            : help,
        );
      default:
        return STATUS_NAMES.includes(this.#name)
          ? this.#make("rejected", help)
          : this.#make("outcome-unknown", UNCERTAIN);
    }
  }

  /** What our end says of the connection. */
  #unanswered(): CcosError {
    const { phase, sent, target } = this.#context;
    const { details, ended } = this.#status;
    if (phase !== "execute" || !sent) {
      if (this.#isNoGrpc()) return this.#make("protocol-error", SPEAKS_NO_GRPC);
      if (phase === "execute" && ended) return this.#make("session-lost", undefined);
      return this.#make("unavailable", connectionRemedy(details, target), { details: { sent: false } });
    }
    switch (this.#name) {
      case "DEADLINE_EXCEEDED":
        return this.#make("deadline-exceeded", UNCERTAIN, { details: { sent } });
      case "UNAVAILABLE":
        // https://www.rfc-editor.org/rfc/rfc9113#section-8.7: a refused stream has not been processed.
        if (details === "Stream refused by server")
          return ended
            ? this.#make("session-lost", undefined)
            : this.#make("unavailable", "The server takes no more calls at present.");
        return this.#make("outcome-unknown", UNCERTAIN);
      case "INTERNAL":
        // The connection had ended before the headers could be sent.
        if (ended && details.startsWith("Failed to start HTTP/2 stream")) return this.#make("session-lost", undefined);
        if (/without gRPC status|PROTOCOL_ERROR|code 1\b/.test(details))
          return this.#make("protocol-error", SPEAKS_NO_GRPC);
        return this.#make("outcome-unknown", UNCERTAIN);
      case "RESOURCE_EXHAUSTED":
        return this.#isOversize() ? this.#oversize() : this.#make("outcome-unknown", UNCERTAIN);
      case "UNIMPLEMENTED":
        return this.#make("protocol-error", SPEAKS_NO_GRPC);
      default:
        return this.#isNoGrpc()
          ? this.#make("protocol-error", SPEAKS_NO_GRPC)
          : this.#make("outcome-unknown", UNCERTAIN);
    }
  }

  #oversize(): CcosError {
    return this.#make("protocol-error", "Ask for less, or raise :max_response_bytes.", { details: { executed: true } });
  }

  /** Our own limit, and not the server's, which says the same of what it is sent. */
  #isOversize(): boolean {
    const { details, metadata } = this.#status;
    if (!/^Received message (?:larger than max|that decompresses to a size larger than)/.test(details)) return false;
    return (metadata?.get("content-type").length ?? 0) === 0;
  }

  /** An answer that no gRPC server gives: a page, or a status of HTTP in place of one of gRPC. */
  #isNoGrpc(): boolean {
    return /^Received HTTP status code \d+|Call ended without gRPC status|^No status information received|^Protocol error|HPE_|Parse Error/.test(
      this.#status.details,
    );
  }
}

function connectionRemedy(details: string, target: Target): string {
  if (/ENOTFOUND|Name resolution failed/.test(details)) return "Check the host in :target.";
  if (/certificate|self.signed|CERT_|altname/i.test(details))
    return "The server's certificate is not trusted: name its authority with :ca_file, or its name with :authority.";
  if (/wrong version number|packet length too long|ERR_SSL|EPROTO|TLS/i.test(details))
    return "The server speaks no TLS there: check the port, or say :tls false.";
  if (/Protocol error|ECONNRESET|socket hang up|closed before|Failed to connect/i.test(details))
    return "Check the port, and :tls: what answers there does not speak gRPC, or not in this way.";
  return `Check that the server is running at ${target.endpoint}.`;
}

function place({ phase, target }: FailureContext): string {
  if (phase === "open") return `Opening a session at ${target.endpoint}`;
  if (phase === "terminate") return `Closing the session at ${target.endpoint}`;
  return `Calling ${target.operation} at ${target.endpoint}`;
}

/** What to do about refused credentials: the variable by its name, and whether it was set. */
function credentialRemedy({ credentials, credentialSource: source }: Target): string {
  if (Object.keys(credentials).length > 0) {
    return `${source === undefined ? "The token in its metadata" : `The token in ${source}`} was refused; it may have expired.`;
  }
  return source === undefined
    ? "Name the variable that holds the token with :auth_env_var."
    : `No token was sent. Set ${source}, or name another variable with :auth_env_var.`;
}

function permissionRemedy({ credentials, credentialSource: source }: Target): string | undefined {
  if (Object.keys(credentials).length === 0) return undefined;
  return `${source === undefined ? "The token in its metadata" : `The token in ${source}`} is not allowed to do this (a missing scope, perhaps).`;
}
