import { fail, isJsonObject, stringifyJson, type JsonObject, type JsonValue } from "../kernel/index.ts";

/** How deep maps may nest inside metadata. */
export const DEEPEST_METADATA = 32;
/** How many entries metadata may have in all. */
export const MOST_METADATA_ENTRIES = 10_000;
/** How many characters the flat keys and values may have together. */
export const LARGEST_METADATA = 4_000_000;

interface FlatEntry {
  readonly key: string;
  readonly value: string;
  readonly depth: number;
}

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
  const entries: FlatEntry[] = [];
  let seen = 0;
  let size = 0;
  const walk = (object: JsonObject, prefix: string, depth: number): void => {
    if (depth > DEEPEST_METADATA) tooMuch(`nests deeper than ${DEEPEST_METADATA} levels`);
    for (const [name, value] of Object.entries(object)) {
      if (++seen > MOST_METADATA_ENTRIES) tooMuch(`has more than ${MOST_METADATA_ENTRIES} entries`);
      const key = prefix === "" ? name : `${prefix}_${name}`;
      if (isJsonObject(value)) {
        walk(value, key, depth + 1);
        continue;
      }
      const text = textOf(value);
      if (text === undefined) continue;
      size += key.length + text.length;
      if (size > LARGEST_METADATA) tooMuch(`has more than ${LARGEST_METADATA} characters`);
      entries.push({ key, value: text, depth });
    }
  };
  walk(metadata, "", 1);

  // Shallow first, so that what is nested deeper comes later and wins.
  entries.sort((a, b) => a.depth - b.depth);
  const flat = Object.create(null) as Record<string, string>;
  for (const { key, value } of entries) flat[key] = value;
  for (const { key } of entries) {
    const underscored = key.replaceAll("-", "_");
    if (!(underscored in flat)) flat[underscored] = flat[key] as string;
  }
  return flat;
}

function textOf(value: JsonValue): string | undefined {
  if (value === null) return undefined;
  return typeof value === "string" ? value : stringifyJson(value);
}

function tooMuch(what: string): never {
  return fail("invalid-argument", `The metadata ${what}.`, { remedy: "Keep large data out of metadata." });
}
