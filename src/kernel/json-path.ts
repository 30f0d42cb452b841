import { getOwn, isJsonObject, type JsonValue } from "./json.ts";

/** A place in a JSON value: keys, and positions in lists. Empty: the whole value. */
export type JsonPath = readonly string[];

const MOST_STEPS = 32;

/**
 * From `"meta.next"`, a JSON Pointer (RFC 6901) `"/meta/next"`, or a vector of names and positions. Undefined where it
 * is none of these, or has more than 32 steps.
 */
export function parsePath(value: JsonValue): JsonPath | undefined {
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

/** What stands there; undefined where nothing does. Only own properties are looked at. */
export function valueAt(value: JsonValue | undefined, path: JsonPath): JsonValue | undefined {
  let found = value;
  for (const step of path) {
    if (Array.isArray(found)) found = /^\d{1,9}$/.test(step) ? found[Number(step)] : undefined;
    else found = isJsonObject(found) ? getOwn<JsonValue>(found, step) : undefined;
  }
  return found;
}
