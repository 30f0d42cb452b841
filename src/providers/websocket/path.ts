import { getOwn, isJsonObject, setOwn, type JsonObject, type JsonValue } from "../../kernel/index.ts";

/** A place in a message: keys, and positions in lists. Empty: the whole message. */
export type Path = readonly string[];

const LONGEST_PATH = 32;

/**
 * From `"a.b.0"`, a JSON Pointer (RFC 6901) `"/a/b/0"`, or a vector of names. Undefined where it is none of these.
 */
export function parsePath(value: JsonValue): Path | undefined {
  if (Array.isArray(value)) {
    const names = value.every((name) => typeof name === "string" || typeof name === "number");
    return names && value.length <= LONGEST_PATH ? value.map(String) : undefined;
  }
  if (typeof value === "string") return parseText(value);
  return undefined;
}

function parseText(text: string): Path | undefined {
  if (text === "") return [];
  const pointer = text.startsWith("/");
  const path = pointer ? text.slice(1).split("/").map(unescapeSegment) : text.split(".");
  return path.length > LONGEST_PATH || (!pointer && path.includes("")) ? undefined : path;
}

function unescapeSegment(segment: string): string {
  return segment.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** What stands there; undefined where nothing does. Only own properties are looked at. */
export function readPath(value: JsonValue, path: Path): JsonValue | undefined {
  let here: JsonValue | undefined = value;
  for (const segment of path) {
    if (Array.isArray(here)) here = /^\d{1,9}$/.test(segment) ? here[Number(segment)] : undefined;
    else if (isJsonObject(here)) here = getOwn(here, segment);
    else return undefined;
  }
  return here;
}

/** Puts a value there, into an object that nobody else holds; what stands in the way is replaced. */
export function writePath(object: JsonObject, path: Path, value: JsonValue): void {
  let here = object;
  for (const [index, segment] of path.entries()) {
    if (index === path.length - 1) {
      setOwn(here, segment, value);
      return;
    }
    const inner = getOwn(here, segment);
    const next: JsonObject = isJsonObject(inner) ? { ...inner } : {};
    setOwn(here, segment, next);
    here = next;
  }
}
