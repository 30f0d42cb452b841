import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import type { Path } from "./operation.ts";

const MOST_STEPS = 32;

/**
 * Steps into a JSON value, from `"meta.next"`, a JSON Pointer (RFC 6901) `"/meta/next"`, or a vector of names.
 * Undefined where it is none of these.
 */
export function parsePath(value: JsonValue): Path | undefined {
  const steps = stepsOf(value);
  return steps !== undefined && steps.length <= MOST_STEPS ? steps : undefined;
}

function stepsOf(value: JsonValue): string[] | undefined {
  if (Array.isArray(value)) {
    return value.every((step) => typeof step === "string" || typeof step === "number") ? value.map(String) : undefined;
  }
  if (typeof value !== "string") return undefined;
  if (value === "") return [];
  if (value.startsWith("/")) {
    return value
      .slice(1)
      .split("/")
      .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  }
  const steps = value.split(".");
  return steps.includes("") ? undefined : steps;
}

/** What stands there; undefined where nothing does. */
export function valueAt(value: JsonValue | undefined, path: Path): JsonValue | undefined {
  let found = value;
  for (const step of path) {
    if (Array.isArray(found)) found = /^\d{1,9}$/.test(step) ? found[Number(step)] : undefined;
    else found = isJsonObject(found) ? getOwn<JsonValue>(found, step) : undefined;
  }
  return found;
}

/** A copy of an object with one member, of its own or nested, replaced; only what is on the way is copied. */
export function withValueAt(object: JsonObject, path: Path, value: JsonValue): JsonObject {
  const [step, ...rest] = path;
  if (step === undefined) return object;
  const copy: JsonObject = Object.assign(Object.create(null) as JsonObject, object);
  const inner = getOwn<JsonValue>(object, step);
  copy[step] = rest.length === 0 ? value : withValueAt(isJsonObject(inner) ? inner : {}, rest, value);
  return copy;
}
