import { CcosError, isCcosError, oneLine, type ErrorOptions } from "../kernel/index.ts";
import type { FailureContext, Target } from "../session/handler.ts";
import { BrokenBody } from "./body.ts";
import { RedirectRefused } from "./follow.ts";
import { TooLarge, type HttpResponse } from "./http-response.ts";
import { waitAskedFor } from "./retry-after.ts";

/** What a person is told of an unknown outcome. */
export const MAY_HAVE_RUN =
  "It may have been executed: check before calling again, or declare :idempotent true if that is harmless.";

/** Most characters that are read of an error page; see `HttpResponse.excerpt`. */
export const MOST_EXCERPT = 64 * 1024;

/** Failures that happen before a byte of the request leaves. */
const NEVER_SENT =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT)$/;
const CERTIFICATE =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO)/;

/** When and where something failed. */
export interface HttpFailureContext extends FailureContext {
  /** The beginning of the sentence, where it is another than the phase and the target make it. */
  readonly where?: string | undefined;
}

/** An answer as far as its failure is concerned. */
export type AnswerHead = Pick<HttpResponse, "status" | "header">;

/**
 * What an HTTP status that is no success means for a call (RFC 9110, section 15):
 *
 * - 401: `unauthenticated`, naming the variable.
 * - 429, and 403 with a limit that is used up (as GitHub says it): `rate-limited`, with the time to wait.
 * - 503, 425: `unavailable`; the server says that it did not do it (RFC 9110, section 15.6.4; RFC 8470, section 5.2).
 * - 408 and other 5xx but 501: `outcome-unknown`, as a gateway says them of requests that it has passed on;
 *   `unavailable` while a session is being opened, where nothing is done twice.
 * - 3xx: `protocol-error`, as redirects that may be followed have been.
 * - 403 and anything else: `rejected`, with the peer's own words.
 *
 * `details.status` holds the status.
 *
 * @param body what the answer says, as far as it was read; HTML and control characters are left out
 * @param now the wall clock
 */
export function statusFailure(answer: AnswerHead, body: string, context: HttpFailureContext, now: number): CcosError {
  const { status } = answer;
  const { target } = context;
  const opening = context.phase !== "execute";
  const words = wordsOf(body);
  const said = `${placeOf(context)} failed: HTTP ${status}${words === "" ? "." : `: ${words}`}`;
  const details = { status };
  const retryAfterMs = waitAskedFor((name) => answer.header(name), now);
  if (status === 401) {
    return new CcosError("unauthenticated", said, { remedy: credentialRemedy(target, status), details });
  }
  if (status === 429 || (status === 403 && retryAfterMs !== undefined)) {
    const wait = retryAfterMs === undefined ? "Wait" : `Wait ${Math.ceil(retryAfterMs / 1000)} s`;
    const remedy = `${wait}, or set :rate_limit to stay below the server's limit.`;
    return new CcosError("rate-limited", said, { retryAfterMs, details, remedy });
  }
  if (status === 503 || status === 425) {
    const remedy = "The server is busy or down; try again later.";
    return new CcosError("unavailable", said, { retryAfterMs, details, remedy });
  }
  if ((status >= 500 && status !== 501) || status === 408) {
    return opening
      ? new CcosError("unavailable", said, {
          retryAfterMs,
          details,
          remedy: "The server fails; its own log may say why.",
        })
      : new CcosError("outcome-unknown", said, { retryAfterMs, details, remedy: MAY_HAVE_RUN });
  }
  if (status >= 300 && status < 400) {
    const location = answer.header("location");
    const to = location !== undefined && URL.canParse(location) ? ` to ${new URL(location).origin}` : "";
    return new CcosError("protocol-error", `${placeOf(context)} failed: it redirects${to}, and that is not followed.`, {
      remedy: "Name the address where the server really is.",
      details,
    });
  }
  return new CcosError("rejected", said, {
    details,
    ...(status === 403 && { remedy: credentialRemedy(target, status) }),
  });
}

/**
 * An error of the exchange itself as one of ours: connections that fail, answers that are too large, redirects that
 * are not followed, bodies that are not what they say. Ours pass unchanged.
 */
export function exchangeFailure(error: unknown, context: HttpFailureContext): CcosError {
  if (isCcosError(error)) return error;
  const where = placeOf(context);
  const executed = context.phase === "execute" && context.sent;
  if (error instanceof TooLarge) {
    return new CcosError("protocol-error", `${where} failed: the answer has more than ${error.limit} bytes.`, {
      remedy: "Ask for less, or raise :max_response_bytes.",
      details: { limit: error.limit, ...(executed && { executed }) },
      cause: error,
    });
  }
  if (error instanceof RedirectRefused) {
    const remedy = "Name the address where the server really is.";
    return new CcosError("protocol-error", `${where} failed: it ${error.message}.`, { remedy, cause: error });
  }
  if (error instanceof BrokenBody) {
    const message = `${where} failed: the answer ${oneLine(error.message)}.`;
    return new CcosError("protocol-error", message, {
      remedy: "This is a fault of the server.",
      ...(executed && { details: { executed } }),
      cause: error,
    });
  }
  if (isNoHttp(error)) {
    const remedy = "Check the address and its port: what answers there speaks something else.";
    return new CcosError("protocol-error", `${where} failed: the answer is not HTTP.`, { remedy, cause: error });
  }
  const { code, message } = rootOf(error);
  return networkFailure(code, message, context, { cause: error });
}

/** A connection that failed, by the code of the system or of the HTTP client. */
export function networkFailure(
  code: string,
  text: string,
  context: HttpFailureContext,
  options: ErrorOptions = {},
): CcosError {
  const said = `${placeOf(context)} failed: ${oneLine(text)} (${code})`;
  if (CERTIFICATE.test(code)) {
    const remedy = "The connection could not be secured: check the certificate and the URL's scheme.";
    return new CcosError("unavailable", said, { ...options, remedy });
  }
  if (code === "ENOTFOUND")
    return new CcosError("unavailable", said, { ...options, remedy: "Check the host name in its URL." });
  if (context.phase !== "execute" || !context.sent || NEVER_SENT.test(code)) {
    const remedy = `Check that the server is running at ${context.target.endpoint}.`;
    return new CcosError("unavailable", said, { ...options, remedy });
  }
  return new CcosError("outcome-unknown", said, { ...options, remedy: MAY_HAVE_RUN });
}

/**
 * An answer of success that is not of the expected kind, such as the HTML of a page for signing in.
 *
 * @param expected what it should have been, for people: `JSON`
 */
export function contentFailure(mediaType: string, expected: string, context: HttpFailureContext): CcosError {
  const kind = mediaType === "" ? "of no declared type" : oneLine(mediaType, 60);
  const isPage = mediaType === "text/html" || mediaType === "application/xhtml+xml";
  return new CcosError("protocol-error", `${placeOf(context)} failed: the answer is ${kind}, and not ${expected}.`, {
    remedy: isPage
      ? "A page for people answers there: check the address, and whether it wants a sign-in or a proxy stands before it."
      : "Check the address: what answers there speaks something else.",
    ...(context.phase === "execute" && context.sent && { details: { executed: true } }),
  });
}

/** What failed, as the beginning of a sentence. */
export function placeOf({ phase, target, where }: HttpFailureContext): string {
  if (where !== undefined) return where;
  if (phase === "open") return `Opening a session at ${target.endpoint}`;
  if (phase === "terminate") return `Closing the session at ${target.endpoint}`;
  return `Calling ${target.operation} at ${target.endpoint}`;
}

/** What to do about refused credentials: the variable by its name, and whether it was set. */
export function credentialRemedy(target: Target, status: number): string {
  const source = target.credentialSource;
  if (Object.keys(target.credentials).length === 0) {
    return source === undefined
      ? "Name the variable that holds the token with :auth_env_var."
      : `No token was sent. Set ${source}, or name another variable with :auth_env_var; a token goes only to origins it is meant for.`;
  }
  const which = source === undefined ? "The token in its metadata" : `The token in ${source}`;
  return `${which} ${status === 403 ? "is not allowed to do this (a missing scope, perhaps)" : "was refused; it may have expired"}.`;
}

/** What a failure says in its body, for people: the message of the usual JSON shapes, else the text; nothing of HTML. */
export function wordsOf(body: string): string {
  const text = body.trimStart();
  if (text.startsWith("<")) return "";
  if (text.startsWith("{")) {
    try {
      const said = messageIn(JSON.parse(text) as unknown, 0);
      if (said !== undefined) return oneLine(said);
    } catch {
      // Cut off, or no JSON after all.
    }
  }
  return oneLine(text.slice(0, 2000));
}

/** RFC 9457 (`detail`, `title`), OAuth (`error_description`), and what most services do. */
function messageIn(value: unknown, depth: number): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  if (typeof value !== "object" || value === null || depth > 3) return undefined;
  if (Array.isArray(value)) return messageIn(value[0], depth + 1);
  for (const key of ["message", "detail", "error_description", "error", "errors", "title", "reason"]) {
    const said = Object.hasOwn(value, key) ? messageIn((value as Record<string, unknown>)[key], depth + 1) : undefined;
    if (said !== undefined) return said;
  }
  return undefined;
}

/** By name: two copies of a package may meet in one process. An end that comes too early is a cut, and no other protocol. */
export function isNoHttp(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, code } = error as { name?: unknown; code?: unknown };
  return name === "HTTPParserError" ? code !== "HPE_INVALID_EOF_STATE" : isNoHttp(error.cause);
}

/** The code and the message of what lies at the bottom of an error. */
export function rootOf(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof Error)) return { code: "UNKNOWN", message: String(error) };
  const { code } = error as { code?: unknown };
  if (typeof code === "string") return { code, message: error.message || code };
  if (error.cause !== undefined) return rootOf(error.cause);
  return { code: "UNKNOWN", message: error.message };
}
