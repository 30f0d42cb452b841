import { getOwn, isJsonObject, oneLine, type JsonValue } from "../kernel/index.ts";

/** A JSON Pointer as a fragment (RFC 6901, section 6) for people: on one line, without escaping more than it must. */
export function pointerText(pointer: readonly string[]): string {
  return oneLine(`#/${pointer.map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1")).join("/")}`);
}

/** What a reference within the tree leads to. */
export function lookUp(root: JsonValue, reference: string): JsonValue | undefined {
  if (reference === "#") return root;
  if (!reference.startsWith("#/")) return undefined;
  let at: JsonValue | undefined = root;
  for (const part of reference.slice(2).split("/")) {
    const name = decoded(part).replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(at)) at = at[Number(name)];
    else at = isJsonObject(at) ? getOwn<JsonValue>(at, name) : undefined;
  }
  return at;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A stray percent sign stands for itself.
    return part;
  }
}
