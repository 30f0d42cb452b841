import { fail, setOwn, type JsonObject, type JsonValue } from "../kernel/index.ts";
import {
  Float,
  isInteger,
  Keyword,
  List,
  mapKey,
  type Integer,
  RtfsMap,
  Sym,
  Vector,
  type Form,
  type FormOf,
  type Value,
} from "../rtfs/index.ts";
import { DEEPEST_METADATA } from "./flatten-metadata.ts";

const TOO_DEEP = `what nests deeper than ${DEEPEST_METADATA} levels`;

const MOST_PARTS = 100_000;

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

/**
 * A form that is plain data as JSON: what `jsonOfValue` gives for its value, without making that first,
 * since most of what a file holds is read this way.
 */
export function jsonOfForm(form: Form, dropped: (what: string) => void = () => {}): JsonValue | undefined {
  return convertForm(form, dropped, 1);
}

function convertForm(form: Form, dropped: (what: string) => void, depth: number): JsonValue | undefined {
  switch (form.kind) {
    case "nil":
      return null;
    case "boolean":
    case "string":
    case "integer":
    case "text-literal":
      return form.value;
    case "keyword":
      return form.name;
    case "float":
      return jsonOfValue(form.value, dropped);
    case "vector":
    case "map":
      if (depth <= DEEPEST_METADATA)
        return form.kind === "map" ? convertMap(form, dropped, depth) : convertVector(form, dropped, depth);
      dropped(TOO_DEEP);
      return undefined;
    default:
      throw new TypeError(`A form of the kind ${form.kind} is no plain data.`);
  }
}

function convertVector(form: FormOf<"vector">, dropped: (what: string) => void, depth: number): JsonValue[] {
  const items: JsonValue[] = [];
  for (const item of form.items) {
    const json = convertForm(item, dropped, depth + 1);
    if (json !== undefined) items.push(json);
  }
  return items;
}

function convertMap(form: FormOf<"map">, dropped: (what: string) => void, depth: number): JsonObject {
  const object: JsonObject = {};
  for (const [key, value] of form.entries) {
    const json = convertForm(value, dropped, depth + 1);
    if (json !== undefined) setOwn(object, keyText(key), json);
  }
  return object;
}

function keyText(key: Form): string {
  if (key.kind === "keyword") return key.name;
  if (key.kind === "string") return key.value;
  // What is left of the keys that a map may have is an integer.
  return String(mapKey(key) as Integer);
}

/**
 * A value as JSON for keeping: keywords and symbols by their text, keys in the order of the file. What has
 * no JSON form (functions, errors, floats that are no numbers) is left out and named to `dropped`.
 */
export function jsonOfValue(value: Value, dropped: (what: string) => void = () => {}): JsonValue | undefined {
  let parts = 0;
  const convert = (item: Value, depth: number): JsonValue | undefined => {
    // What stands in several places is met in each of them: a few steps make a value without end.
    if (++parts > MOST_PARTS) fail("invalid-argument", `The value has more than ${MOST_PARTS} parts.`);
    if (item === null || typeof item === "boolean" || typeof item === "string" || isInteger(item)) return item;
    if (item instanceof Float) {
      if (Number.isFinite(item.value)) return item.value;
      dropped("a float that is no number");
      return undefined;
    }
    if (item instanceof Keyword || item instanceof Sym) return item.name;
    if (depth > DEEPEST_METADATA) {
      dropped(TOO_DEEP);
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
