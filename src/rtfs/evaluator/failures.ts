import { abortError, CcosError, isCcosError, toCcosError, type ErrorCode, type JsonValue } from "../../kernel/index.ts";
import { excerpt } from "../excerpt.ts";
import { toJson } from "../json.ts";
import { RtfsError, type Value } from "../values.ts";
import { vm } from "./machine.ts";
import { Raised, type ErrorKind } from "./raise.ts";
import { interrupt } from "./interrupt.ts";
import { traceOf } from "./trace.ts";

/** About in characters; more than that helps nobody who reads an error. */
const LARGEST_DATA = 100_000;

/** What a failure of the host is to a program, by its code. */
const KINDS: Partial<Record<ErrorCode, ErrorKind>> = {
  "permission-denied": "SecurityViolation",
  "not-found": "UnknownCapability",
  "invalid-argument": "InvalidArgument",
  unimplemented: "NotImplemented",
  rejected: "ApplicationError",
  unauthenticated: "SecurityViolation",
  unavailable: "NetworkError",
  "outcome-unknown": "NetworkError",
  "deadline-exceeded": "NetworkError",
  "session-lost": "NetworkError",
  "protocol-error": "NetworkError",
  "rate-limited": "ResourceError",
  "bulkhead-full": "ResourceError",
  "acquire-timeout": "ResourceError",
  "circuit-open": "ResourceError",
};

/** A failure of the host as the program meets it: an error it can catch, unless the run itself has ended. */
export function failureOfHost(cause: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return abortError(signal);
  const error = toCcosError(cause);
  if (error.code === "interrupted" || error.code === "canceled") return error;
  const data = errorData(error);
  return new Raised(new RtfsError(error.message, KINDS[error.code] ?? "Generic", data, error), vm.at);
}

function errorData(error: CcosError): Value {
  const data = error.details?.["data"];
  return typeof data === "string" ? data : null;
}

/** What a run throws to whoever started it, for whatever evaluation threw. */
export function failureOutside(failure: unknown): CcosError {
  if (failure instanceof Raised) return raisedOutside(failure);
  if (isCcosError(failure)) return failure;
  if (failure instanceof RangeError && /call stack/i.test(failure.message)) {
    return interrupt("maxDepth", "The program nests deeper than the stack of this process.", vm.at, "StackOverflow");
  }
  return toCcosError(failure);
}

function raisedOutside({ error, form, calls }: Raised): CcosError {
  const place = form?.source.place(form.start);
  const stack = traceOf(calls);
  // A failure of the host stays what it is, so that its code still says what can be done about it.
  if (isCcosError(error.cause)) {
    return error.cause.with({ place: error.cause.place ?? place, details: { stack } });
  }
  return new CcosError("eval-error", error.message, {
    place,
    details: {
      kind: error.type,
      ...(error.data !== null && { data: dataOutside(error.data) }),
      stack,
      ...(form !== undefined && { excerpt: excerpt(form.source, form.start, form.end) }),
    },
    cause: error.cause,
  });
}

/** Details of errors are plain JSON: a large integer is there as text. */
function plain(json: JsonValue): unknown {
  return JSON.parse(
    JSON.stringify(json, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)),
  );
}

function dataOutside(data: Value): unknown {
  try {
    return plain(toJson(data, { maxSize: LARGEST_DATA }));
  } catch {
    // Data without a JSON form is for programs only.
    return undefined;
  }
}
