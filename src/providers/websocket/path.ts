import { getOwn, isJsonObject, setOwn, type JsonObject, type JsonPath, type JsonValue } from "../../kernel/index.ts";

/** Puts a value at a place, into an object that nobody else holds; what stands in the way is replaced. */
export function writePath(object: JsonObject, path: JsonPath, value: JsonValue): void {
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
