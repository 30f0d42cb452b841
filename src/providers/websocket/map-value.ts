import { isJsonObject, stringifyJson, type JsonValue, valueAt } from "../../kernel/index.ts";
import type { AnswerReading } from "./operation.ts";
import type { Correlation } from "./wire.ts";
import { WireError, type Refusal } from "./wire-error.ts";

/** The value of an answer, or its error thrown. */
export function readAnswer(message: JsonValue, reading: AnswerReading, correlation: Correlation): JsonValue {
  const refusal = readRefusal(message, reading);
  if (refusal !== undefined) throw new WireError({ kind: "refused", refusal });
  const value = valueAt(message, reading.resultPath);
  if (value === undefined && correlation.kind === "json-rpc") {
    throw new WireError({ kind: "broken", text: "The answer has neither a result nor an error." });
  }
  return value ?? null;
}

/** What a message says of a failure; undefined where it says none. */
export function readRefusal(message: JsonValue, reading: AnswerReading, login = false): Refusal | undefined {
  if (!isJsonObject(message)) return undefined;
  const error = valueAt(message, reading.errorPath);
  if (error === undefined || error === null || error === false) return undefined;
  return refusalOf(error, reading, login);
}

/** An error of the peer's, whatever its form. */
export function refusalOf(error: JsonValue, reading: AnswerReading, login = false): Refusal {
  const code = textOf(valueAt(error, reading.codePath));
  const wait = reading.retryAfterPath && valueAt(error, reading.retryAfterPath);
  const seconds = typeof wait === "string" && /^\d+(?:\.\d+)?$/.test(wait) ? Number(wait) : wait;
  return {
    code,
    message:
      textOf(valueAt(error, reading.messagePath)) ?? (typeof error === "object" ? stringifyJson(error) : String(error)),
    retryAfterMs:
      typeof seconds === "number" && seconds >= 0 && Number.isFinite(seconds)
        ? Math.round(seconds * reading.retryAfterUnitMs)
        : undefined,
    declared: code === undefined ? undefined : reading.codes.get(code),
    login,
  };
}

function textOf(value: JsonValue | undefined): string | undefined {
  return value === undefined || value === null || typeof value === "object" ? undefined : String(value);
}
