import { setOwn, type JsonObject, type JsonValue } from "../kernel/index.ts";
import { Float, formToValue, isInteger, Keyword, List, RtfsMap, Sym, Vector, type Form, type Value } from "../rtfs/index.ts";
import { DEEPEST_METADATA } from "./flatten-metadata.ts";

/** Whether a form is data as it stands, so that nothing has to be evaluated to know its value. */
export function isPlainData(form: Form): boolean {
  switch (form.kind) {
    case "nil":
    case "boolean":
    case "integer":
    case "float":
    case "string":
    case "text-literal":
    case "keyword":
      return true;
    case "vector":
      return form.items.every(isPlainData);
    case "map":
      return form.entries.every(([key, value]) => isPlainData(key) && isPlainData(value));
    default:
      return false;
  }
}

/** The value of a form that is plain data. */
export function plainValue(form: Form): Value {
  return formToValue(form);
}

/**
 * A value as JSON for keeping: keywords and symbols by their text, keys in the order of the file. What has
 * no JSON form (functions, errors, floats that are no numbers) is left out and named to `dropped`.
 */
export function jsonOfValue(value: Value, dropped: (what: string) => void = () => {}): JsonValue | undefined {
  const convert = (item: Value, depth: number): JsonValue | undefined => {
    if (item === null || typeof item === "boolean" || typeof item === "string" || isInteger(item)) return item;
    if (item instanceof Float) {
      if (Number.isFinite(item.value)) return item.value;
      dropped("a float that is no number");
      return undefined;
    }
    if (item instanceof Keyword || item instanceof Sym) return item.name;
    if (depth > DEEPEST_METADATA) {
      dropped(`what nests deeper than ${DEEPEST_METADATA} levels`);
      return undefined;
    }
    if (item instanceof Vector || item instanceof List) {
      const items: JsonValue[] = [];
      for (const each of item) {
        const json = convert(each, depth + 1);
        if (json !== undefined) items.push(json);
      }
      return items;
    }
    if (item instanceof RtfsMap) {
      const object: JsonObject = {};
      for (const [key, each] of item) {
        const json = convert(each, depth + 1);
        if (json !== undefined) setOwn(object, key instanceof Keyword ? key.name : String(key), json);
      }
      return object;
    }
    dropped("a function or an error");
    return undefined;
  };
  return convert(value, 1);
}
