import { fail, isJsonObject, stringifyJson, type JsonObject, type JsonValue } from "../kernel/index.ts";

/** How deep maps may nest inside metadata. */
export const DEEPEST_METADATA = 32;
/** How many entries metadata may have in all. */
export const MOST_METADATA_ENTRIES = 10_000;
/** How many characters the flat keys and values may have together. */
export const LARGEST_METADATA = 4_000_000;

/**
 * The nested metadata of a manifest as pairs of texts: the segments of a path are joined by `_`.
 *
 * - A nested entry wins over one written flat that meets it in the same place.
 * - A key with hyphens is also found with underscores, unless that key is taken.
 * - Numbers and booleans are their text (a float without a fraction has no point), vectors are JSON text;
 *   nil is left out.
 *
 * The result has no prototype: every key, `__proto__` too, is only data.
 * Throws `invalid-argument` beyond 32 levels, 10,000 entries or 4,000,000 characters.
 */
export function flattenMetadata(metadata: JsonObject): Record<string, string> {
  // Keys and values in turn, by their depth: what is nested deeper comes later and wins.
  const levels: string[][] = [];
  let seen = 0;
  let size = 0;
  const walk = (object: JsonObject, prefix: string, depth: number): void => {
    if (depth > DEEPEST_METADATA) tooMuch(`nests deeper than ${DEEPEST_METADATA} levels`);
    const level = (levels[depth - 1] ??= []);
    for (const name of Object.keys(object)) {
      if (++seen > MOST_METADATA_ENTRIES) tooMuch(`has more than ${MOST_METADATA_ENTRIES} entries`);
      const value = object[name] as JsonValue;
      const key = prefix + name;
      if (isJsonObject(value)) {
        walk(value, `${key}_`, depth + 1);
        continue;
      }
      const text = textOf(value);
      if (text === undefined) continue;
      size += key.length + text.length;
      if (size > LARGEST_METADATA) tooMuch(`has more than ${LARGEST_METADATA} characters`);
      level.push(key, text);
    }
  };
  walk(metadata, "", 1);

  const flat = createFlatMetadata();
  const hyphenated: string[] = [];
  for (const level of levels) {
    for (let at = 0; at < level.length; at += 2) {
      const key = level[at] as string;
      flat[key] = level[at + 1] as string;
      if (key.includes("-")) hyphenated.push(key);
    }
  }
  for (const key of hyphenated) {
    const underscored = key.replaceAll("-", "_");
    if (!(underscored in flat)) flat[underscored] = flat[key] as string;
  }
  return flat;
}

/**
 * An empty record without a prototype. Not `Object.create(null)`: its objects are kept as hash tables, which
 * take several times the memory and the time to fill.
 */
export function createFlatMetadata(): Record<string, string> {
  return Object.setPrototypeOf({}, null) as Record<string, string>;
}

function textOf(value: JsonValue): string | undefined {
  if (value === null) return undefined;
  if (typeof value === "string") return value;
  return typeof value === "boolean" || Number.isSafeInteger(value)
    ? String(value as boolean | number)
    : stringifyJson(value);
}

function tooMuch(what: string): never {
  return fail("invalid-argument", `The metadata ${what}.`, { remedy: "Keep large data out of metadata." });
}
