import { type JsonValue, isJsonObject } from "../../kernel/index.ts";
import type { Form } from "../forms.ts";
import {
  Float,
  isInteger,
  Keyword,
  keyword,
  List,
  list,
  RtfsMap,
  Sym,
  Vector,
  vector,
  type MapKey,
  type Value,
} from "../values.ts";
import type { Literal } from "./type.ts";

/** The data a form stands for without evaluating it; undefined where it is code. */
export function literalOfForm(form: Form): Literal | undefined {
  switch (form.kind) {
    case "nil":
      return null;
    case "boolean":
    case "integer":
    case "float":
    case "string":
    case "text-literal":
      return form.value;
    case "keyword":
      return keyword(form.name);
    case "vector":
    case "list": {
      const items: Value[] = [];
      for (const item of form.items) {
        const value = literalOfForm(item);
        if (value === undefined) return undefined;
        items.push(value);
      }
      return form.kind === "vector" ? vector(items) : list(items);
    }
    case "map": {
      const entries = new Map<MapKey, Value>();
      for (const [keyForm, valueForm] of form.entries) {
        const key = literalOfForm(keyForm);
        const value = literalOfForm(valueForm);
        if (value === undefined || !isMapKey(key)) return undefined;
        entries.set(key, value);
      }
      return new RtfsMap(entries);
    }
    default:
      return undefined;
  }
}

function isMapKey(value: Value | undefined): value is MapKey {
  return typeof value === "string" || value instanceof Keyword || (value !== undefined && isInteger(value));
}

/** Whether JSON says what a literal says: numbers by value, and a keyword is its text, with or without the colon. */
export function equalsJson(literal: Literal, json: JsonValue): boolean {
  if (literal === json) return true;
  const number = literal instanceof Float ? literal.value : literal;
  if (typeof number === "number" || typeof number === "bigint") {
    if (typeof json === typeof number) return json === number;
    return (typeof json === "number" || typeof json === "bigint") && Number(json) === Number(number);
  }
  if (literal instanceof Keyword || literal instanceof Sym) return json === literal.name || json === `:${literal.name}`;
  if (literal instanceof Vector || literal instanceof List) {
    if (!Array.isArray(json) || json.length !== literal.length) return false;
    for (let index = 0; index < literal.length; index++) {
      if (!equalsJson(literal.at(index), json[index] as JsonValue)) return false;
    }
    return true;
  }
  if (literal instanceof RtfsMap) {
    if (!isJsonObject(json) || Object.keys(json).length !== literal.size) return false;
    for (const [key, item] of literal) {
      const name = textOfKey(key);
      if (!Object.hasOwn(json, name) || !equalsJson(item, json[name] as JsonValue)) return false;
    }
    return true;
  }
  return false;
}

/** A map key as a JSON object's key. */
export function textOfKey(key: MapKey): string {
  return key instanceof Keyword ? key.name : String(key);
}
