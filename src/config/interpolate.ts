import { isJsonObject, setOwn, type JsonObject, type JsonValue } from "../kernel/index.ts";

const REFERENCE = /\$(\$\{|\{([A-Za-z_][A-Za-z0-9_]*)\})/g;

/** Whether a value holds a reference to a variable anywhere. */
export function hasReference(value: JsonValue | undefined): boolean {
  if (typeof value === "string") return [...value.matchAll(REFERENCE)].some((match) => match[2] !== undefined);
  if (Array.isArray(value)) return value.some(hasReference);
  return isJsonObject(value) && Object.values(value).some(hasReference);
}

/**
 * Replaces `${VAR}` in every string of a value; `$${` stands for `${`. Keys stay as they are.
 * `lookup` is told the path, so that it can refuse with the place.
 */
export function interpolate(
  value: JsonValue,
  lookup: (name: string, path: readonly PropertyKey[]) => string,
  path: readonly PropertyKey[] = [],
): JsonValue {
  if (typeof value === "string") {
    return value.replace(REFERENCE, (_whole, _body, name: string | undefined) =>
      name === undefined ? "${" : lookup(name, path),
    );
  }
  if (Array.isArray(value)) return value.map((item, index) => interpolate(item, lookup, [...path, index]));
  if (!isJsonObject(value)) return value;
  const result: JsonObject = {};
  for (const [key, item] of Object.entries(value)) setOwn(result, key, interpolate(item, lookup, [...path, key]));
  return result;
}

/** A string that is one reference and nothing else may stand for a number or a truth value too. */
export function isWholeReference(value: JsonValue | undefined): boolean {
  return typeof value === "string" && /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/.test(value);
}
