import {
  contentFailure,
  credentialRemedy,
  exchangeFailure,
  MAY_HAVE_RUN,
  placeOf,
  statusFailure,
} from "../../http/index.ts";
import {
  CcosError,
  oneLine,
  stringifyJson,
  type ErrorCode,
  type ErrorOptions,
  type JsonValue,
} from "../../kernel/index.ts";
import type { FailureContext } from "../../session/handler.ts";
import { settingsOf } from "./target.ts";
import { WireError, type ResponseError, type WireFailure } from "./wire-error.ts";

/** A foreign error as one of ours: the only place where what a server did is given a meaning. */
export function classify(error: unknown, context: FailureContext): CcosError {
  const failure =
    error instanceof WireError ? classifyWire(error.failure, context, error) : exchangeFailure(error, context);
  const hasLogin = settingsOf(context.target).login !== undefined;
  if (failure.code !== "unauthenticated" || context.phase !== "execute" || !hasLogin) return failure;
  // What the login gave is known no more, so the call did not run; a session with a login of its own can run it.
  return new CcosError("session-lost", failure.message, { details: failure.details, cause: failure });
}

/** Codes by what they mean: those of Apollo, GitHub, Hasura, Shopify, graphql-yoga and servers in Java. */
const MEANINGS = new Map<string, "unauthenticated" | "forbidden" | "rate-limited" | "internal" | "document">([
  ["UNAUTHENTICATED", "unauthenticated"],
  ["UNAUTHORIZED", "unauthenticated"],
  ["AUTHENTICATION_ERROR", "unauthenticated"],
  ["NOT_AUTHENTICATED", "unauthenticated"],
  ["INVALID_JWT", "unauthenticated"],
  ["INVALID_TOKEN", "unauthenticated"],
  ["TOKEN_EXPIRED", "unauthenticated"],
  ["FORBIDDEN", "forbidden"],
  ["ACCESS_DENIED", "forbidden"],
  ["PERMISSION_DENIED", "forbidden"],
  ["PERMISSION_ERROR", "forbidden"],
  ["INSUFFICIENT_SCOPES", "forbidden"],
  ["RATE_LIMITED", "rate-limited"],
  ["RATE_LIMIT", "rate-limited"],
  ["RATE_LIMIT_EXCEEDED", "rate-limited"],
  ["TOO_MANY_REQUESTS", "rate-limited"],
  ["THROTTLED", "rate-limited"],
  ["INTERNAL_SERVER_ERROR", "internal"],
  ["INTERNAL_ERROR", "internal"],
  ["UNEXPECTED", "internal"],
  ["DOWNSTREAM_SERVICE_ERROR", "internal"],
  ["SERVICE_UNAVAILABLE", "internal"],
  ["UNAVAILABLE", "internal"],
  ["TIMEOUT", "internal"],
  ["GATEWAY_TIMEOUT", "internal"],
  ["GRAPHQL_PARSE_FAILED", "document"],
  ["GRAPHQL_VALIDATION_FAILED", "document"],
  ["VALIDATION_FAILED", "document"],
  ["VALIDATIONERROR", "document"],
  ["INVALIDSYNTAX", "document"],
  ["OPERATION_RESOLUTION_FAILURE", "document"],
  ["UNDEFINEDFIELD", "document"],
]);

const NO_GRAPHQL = "Check :endpoint: what answers there does not speak GraphQL.";
const MOST_ERRORS = 20;
/** Characters of data in the details of an error. */
const MOST_DATA = 64 * 1024;

type Make = (code: ErrorCode, message: string, options?: ErrorOptions) => CcosError;

function classifyWire(failure: WireFailure, context: FailureContext, cause: unknown): CcosError {
  switch (failure.kind) {
    case "status":
      return classifyStatus(failure, context);
    case "content":
      return contentFailure(failure.mediaType, "a GraphQL response", context);
    case "response":
      return classifyResponse(
        failure,
        context,
        (code, message, options) => new CcosError(code, message, { ...options, cause }),
      );
    case "closed":
      return classifyClose(
        failure,
        context,
        (code, message, options) => new CcosError(code, message, { ...options, cause }),
      );
    case "broken":
      return new CcosError("protocol-error", `${placeOf(context)} failed: ${oneLine(failure.text)}`, {
        remedy: NO_GRAPHQL,
        cause,
      });
  }
}

function classifyStatus({ answer, body, now }: WireFailure & { kind: "status" }, context: FailureContext): CcosError {
  const error = statusFailure(answer, body, context, now);
  // A server of GraphQL answers at its address; another one says that there is nothing, or not so.
  const isElsewhere = [404, 405, 406, 415].includes(answer.status) || context.phase === "open";
  if (error.code !== "rejected" || answer.status === 403 || !isElsewhere) return error;
  return new CcosError("protocol-error", error.message, { remedy: NO_GRAPHQL, details: error.details, cause: error });
}

function classifyResponse(failure: WireFailure & { kind: "response" }, context: FailureContext, make: Make): CcosError {
  const { errors, executed, status, data } = failure;
  const meanings = errors.map(meaningOf);
  const first = errors.find(({ message }) => message !== "") ?? errors[0];
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const words = oneLine(first?.message ?? "", 1000) || "the server reported an error without a message.";
  const said = `${placeOf(context)} failed: ${words}${more}`;
  const details = {
    errors: errors.slice(0, MOST_ERRORS).map(shown),
    ...(status !== undefined && status !== 200 && { status }),
    ...(executed && { executed, ...(data !== undefined && isSmall(data) && { data }) }),
  };
  // What has run in part must not run again, whatever the rest of it met.
  if (executed) {
    return make("rejected", said, {
      details,
      remedy: 'Part of it has been executed. With :on_error "keep" the value holds the data and the errors.',
    });
  }
  if (meanings.includes("unauthenticated") || (status === 401 && meanings.every((meaning) => meaning === undefined))) {
    return make("unauthenticated", said, { details, remedy: credentialRemedy(context.target, 401) });
  }
  if (meanings.includes("rate-limited") || status === 429) {
    return throttled(said, failure.retryAfterMs ?? waitIn(errors), details, make);
  }
  if (meanings.includes("forbidden")) {
    return make("rejected", said, { details, remedy: credentialRemedy(context.target, 403) });
  }
  if (meanings.includes("internal") || (status !== undefined && status >= 500)) {
    const remedy = "The server fails; its own log may say why.";
    if (context.phase !== "execute") return make("unavailable", said, { details, remedy });
    return make("outcome-unknown", said, {
      details,
      remedy: context.target.idempotent === true ? remedy : MAY_HAVE_RUN,
    });
  }
  return make("rejected", said, {
    details,
    ...(meanings.includes("document") && {
      remedy: "Correct the operation, or import the capability anew if the schema has changed.",
    }),
  });
}

/** Errors are written down and handed on in many places. */
function isSmall(data: JsonValue): boolean {
  return stringifyJson(data).length <= MOST_DATA;
}

function meaningOf({ code, message }: ResponseError): ReturnType<typeof MEANINGS.get> {
  if (/\b(?:secondary rate limit|rate limit exceeded|too many requests)\b/i.test(message)) return "rate-limited";
  return code === undefined ? undefined : MEANINGS.get(code);
}

/** The time to wait that an error names: seconds in `retryAfter`, milliseconds in `retryAfterMs`. */
function waitIn(errors: readonly ResponseError[]): number | undefined {
  for (const { raw } of errors) {
    const extensions = (raw["extensions"] ?? {}) as Record<string, unknown>;
    for (const [key, factor] of [
      ["retryAfterMs", 1],
      ["retryAfter", 1000],
      ["retry_after", 1000],
    ] as const) {
      const wait = Object.hasOwn(extensions, key) ? extensions[key] : undefined;
      if (typeof wait === "number" && wait >= 0) return Math.ceil(wait * factor);
    }
  }
  return undefined;
}

function shown({ message, code, path }: ResponseError): Record<string, unknown> {
  return {
    message: oneLine(message, 500),
    ...(code !== undefined && { code: oneLine(code, 100) }),
    ...(path !== undefined && { path: path.slice(0, 50) }),
  };
}

function throttled(
  said: string,
  retryAfterMs: number | undefined,
  details: Readonly<Record<string, unknown>>,
  make: Make,
): CcosError {
  const wait = retryAfterMs === undefined ? "Wait" : `Wait ${Math.ceil(retryAfterMs / 1000)} s`;
  return make("rate-limited", said, {
    retryAfterMs,
    details,
    remedy: `${wait}, or set :rate_limit to stay below the server's limit.`,
  });
}

/** The close codes of graphql-transport-ws: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md */
function classifyClose(failure: WireFailure & { kind: "closed" }, context: FailureContext, make: Make): CcosError {
  const { code, reason, sent } = failure;
  const words = oneLine(reason, 200);
  const said = `${placeOf(context)} failed: the socket was closed (${code}${words === "" ? "" : `, ${words}`}).`;
  const details = { closeCode: code };
  if ((code === 4401 || code === 4403) && (context.phase !== "execute" || !sent)) {
    return make("unauthenticated", said, { details, remedy: credentialRemedy(context.target, 401) });
  }
  if (code === 1009)
    return make("protocol-error", said, { details, remedy: "Select less, or raise :max_response_bytes." });
  if (code === 4400 || code === 4406 || code === 4004 || code === 4005)
    return make("protocol-error", said, { details });
  if (context.phase !== "execute") {
    return make("unavailable", said, { details, remedy: "Check that the server takes graphql-transport-ws there." });
  }
  if (!sent) return make("session-lost", said, { details });
  return make("outcome-unknown", said, { details, remedy: MAY_HAVE_RUN });
}
