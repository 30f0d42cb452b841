import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import type { OperationKind } from "./operation-text.ts";
import { WireError, type ResponseError } from "./wire-error.ts";

/** A response, well-formed: https://spec.graphql.org/September2025/#sec-Response-Format */
export interface GraphqlResponse {
  /** Undefined where nothing was executed; null where what was executed gave nothing. */
  readonly data: JsonObject | null | undefined;
  readonly errors: readonly ResponseError[];
  readonly extensions: JsonObject | undefined;
}

/** What is made of a response that holds both data and errors. */
export type OnError = "keep" | "fail" | "data";

/** A JSON value as a response; throws `WireError` where it is none. */
export function readResponse(value: JsonValue): GraphqlResponse {
  if (!isJsonObject(value)) throw broken("The answer is no GraphQL response: it is no object.");
  const data = getOwn(value, "data");
  const errors = getOwn(value, "errors") ?? [];
  const extensions = getOwn(value, "extensions");
  if (data === undefined && getOwn(value, "errors") == null) {
    throw broken("The answer is no GraphQL response: it has neither data nor errors.");
  }
  if (data !== undefined && data !== null && !isJsonObject(data))
    throw broken("The data of the response is no object.");
  if (!Array.isArray(errors)) throw broken("The errors of the response are no list.");
  if (data === undefined && errors.length === 0) throw broken("The response has neither data nor an error.");
  return { data, errors: errors.map(readError), extensions: isJsonObject(extensions) ? extensions : undefined };
}

/** Whether a value could be meant as a response: that is how one is told from an error page in JSON. */
export function looksLikeResponse(value: JsonValue): boolean {
  return isJsonObject(value) && (Array.isArray(getOwn(value, "errors")) || isJsonObject(getOwn(value, "data")));
}

function readError(error: JsonValue): ResponseError {
  if (!isJsonObject(error)) return { message: "", code: undefined, path: undefined, raw: { message: error } };
  const { message, path } = error;
  const extensions = getOwn(error, "extensions");
  const within = isJsonObject(extensions) ? extensions : {};
  // GitHub has `type` beside the message, servers in Java a `classification`.
  const code = [getOwn(within, "code"), getOwn(error, "type"), getOwn(within, "classification")].find(
    (candidate) => typeof candidate === "string",
  ) as string | undefined;
  return {
    message: typeof message === "string" ? message : "",
    code: code
      ?.slice(0, 100)
      .toUpperCase()
      .replaceAll(/[\s-]+/g, "_"),
    path: Array.isArray(path) ? path.filter((part) => typeof part === "string" || typeof part === "number") : undefined,
    raw: error,
  };
}

export interface ValueRules {
  readonly kind: OperationKind;
  readonly resultField: string | undefined;
  readonly onError: OnError;
  /** How long the peer asks to wait, by the headers of its answer. */
  readonly retryAfterMs?: (() => number | undefined) | undefined;
  readonly status?: number | undefined;
}

/**
 * The value of a call. Without errors: the data. With errors and no data of any field: it has failed. With both:
 * `{"data", "errors"}`, a failure, or the data alone, as `onError` says.
 */
export function readValue(response: GraphqlResponse, rules: ValueRules): JsonValue {
  const { data, errors } = response;
  const value =
    data == null || rules.resultField === undefined ? (data ?? null) : (getOwn(data, rules.resultField) ?? null);
  if (errors.length === 0) return value;
  const hasData = data != null && Object.values(data).some((field) => field !== null);
  if (hasData && rules.onError === "data") return value;
  if (hasData && rules.onError === "keep") return { data: value, errors: errors.map(({ raw }) => raw) };
  throw new WireError({
    kind: "response",
    errors,
    status: rules.status,
    retryAfterMs: rules.retryAfterMs?.(),
    // What a mutation did stays done, though the server could not tell all about it.
    executed: hasData || (rules.kind === "mutation" && errors.some(({ path }) => (path?.length ?? 0) > 1)),
    data: data ?? undefined,
  });
}

function broken(text: string): WireError {
  return new WireError({ kind: "broken", text });
}
