import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { Float, isInteger, Keyword, keyword, List, RtfsFunction, RtfsMap, Sym, Vector, type Value } from "../values.ts";
import { equals } from "../equality.ts";
import { typeName } from "../kinds.ts";
import { equalsJson, textOfKey } from "./literal.ts";
import type { Literal, PrimitiveName, RecordKey } from "./type.ts";

/** How a validator looks at what it checks: the same types apply to RTFS values and to JSON. */
export interface View<V> {
  is(name: PrimitiveName, value: V): boolean;
  /** What a value is called in messages. */
  kind(value: V): string;
  /** Items of a vector or list. */
  items(value: V): Iterable<V> | undefined;
  count(value: V): number | undefined;
  isMap(value: V): boolean;
  field(value: V, key: RecordKey): V | undefined;
  entries(value: V): Iterable<readonly [key: V, value: V]>;
  /** A map key as it stands in a path. */
  keyText(key: V): string;
  number(value: V): number | bigint | undefined;
  string(value: V): string | undefined;
  equals(literal: Literal, value: V): boolean;
}

export const VALUE_VIEW: View<Value> = {
  is(name, value) {
    switch (name) {
      case "any":
        return true;
      case "never":
        return false;
      case "nil":
        return value === null;
      case "bool":
        return typeof value === "boolean";
      case "int":
        return isInteger(value);
      case "float":
        return value instanceof Float || isInteger(value);
      case "string":
        return typeof value === "string";
      case "keyword":
        return value instanceof Keyword;
      case "symbol":
        return value instanceof Sym;
      case "map":
        return value instanceof RtfsMap;
      case "vector":
        return value instanceof Vector;
      case "list":
        return value instanceof List;
      case "fn":
        return value instanceof RtfsFunction;
    }
  },
  kind: typeName,
  items: (value) => (value instanceof Vector || value instanceof List ? value : undefined),
  count(value) {
    if (value instanceof Vector || value instanceof List) return value.length;
    if (value instanceof RtfsMap) return value.size;
    return typeof value === "string" ? characters(value) : undefined;
  },
  isMap: (value) => value instanceof RtfsMap,
  field(value, key) {
    const map = value as RtfsMap;
    const direct = map.get(key);
    if (direct !== undefined) return direct;
    if (key instanceof Keyword) return map.get(key.name);
    return typeof key === "string" ? map.get(keyword(key)) : undefined;
  },
  entries: (value) => value as RtfsMap,
  keyText: (key) => textOfKey(key as RecordKey),
  number: (value) => (value instanceof Float ? value.value : isInteger(value) ? value : undefined),
  string: (value) => (typeof value === "string" ? value : undefined),
  equals,
};

export const JSON_VIEW: View<JsonValue> = {
  is(name, value) {
    switch (name) {
      case "any":
        return true;
      case "never":
      case "fn":
        return false;
      case "nil":
        return value === null;
      case "bool":
        return typeof value === "boolean";
      case "int":
        // JSON has one kind of number: 3.0 and 3 are the same integer.
        return typeof value === "bigint" || Number.isInteger(value);
      case "float":
        return typeof value === "number" || typeof value === "bigint";
      case "string":
      case "keyword":
      case "symbol":
        return typeof value === "string";
      case "map":
        return isJsonObject(value);
      case "vector":
      case "list":
        return Array.isArray(value);
    }
  },
  kind(value) {
    if (value === null) return "null";
    if (Array.isArray(value)) return "array";
    if (typeof value === "bigint") return "integer";
    if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
    return typeof value;
  },
  items: (value) => (Array.isArray(value) ? value : undefined),
  count(value) {
    if (Array.isArray(value)) return value.length;
    if (typeof value === "string") return characters(value);
    return isJsonObject(value) ? Object.keys(value).length : undefined;
  },
  isMap: isJsonObject,
  field: (value, key) => getOwn(value as JsonObject, textOfKey(key)),
  entries: (value) => Object.entries(value as JsonObject),
  keyText: String,
  number: (value) => (typeof value === "number" || typeof value === "bigint" ? value : undefined),
  string: (value) => (typeof value === "string" ? value : undefined),
  equals: equalsJson,
};

/** Characters, not UTF-16 units. */
function characters(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length - 1; index++) {
    if ((text.charCodeAt(index) & 0xfc00) === 0xd800 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00) {
      count--;
      index++;
    }
  }
  return count;
}
