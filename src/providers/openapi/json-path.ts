import { getOwn, isJsonObject, type JsonObject, type JsonPath, type JsonValue } from "../../kernel/index.ts";

/** A copy of an object with one member, of its own or nested, replaced; only what is on the way is copied. */
export function withValueAt(object: JsonObject, path: JsonPath, value: JsonValue): JsonObject {
  const [step, ...rest] = path;
  if (step === undefined) return object;
  const copy: JsonObject = Object.assign(Object.create(null) as JsonObject, object);
  const inner = getOwn<JsonValue>(object, step);
  copy[step] = rest.length === 0 ? value : withValueAt(isJsonObject(inner) ? inner : {}, rest, value);
  return copy;
}
