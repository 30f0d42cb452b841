import { fail, parseJson, setOwn, type JsonObject, type JsonValue } from "../kernel/index.ts";
import { DEFAULT_LIMITS } from "./host.ts";
import { typeName } from "./kinds.ts";
import { outputTooLarge } from "./output-limit.ts";
import { compareStrings } from "./ordering.ts";
import { printFloat } from "./printer.ts";
import { isKeywordName } from "./reader/characters.ts";
import {
  Float,
  INTEGER_MAX,
  INTEGER_MIN,
  Keyword,
  keyword,
  List,
  RtfsMap,
  Sym,
  Vector,
  vector,
  type MapKey,
  type Value,
} from "./values.ts";

/** How deep JSON may nest in either direction; deeper is an error, since JSON itself is written recursively. */
export const DEEPEST_JSON = 1000;

export interface FromJsonOptions {
  /** What the keys of objects become. `keywords`: where a key reads back as one keyword, else a string. Default `strings`. */
  readonly keys?: "strings" | "keywords" | undefined;
}

/** JSON as a value. A JavaScript number without a fraction is an integer, if it is safe; else a float. */
export function fromJson(json: JsonValue, options: FromJsonOptions = {}): Value {
  const asKeywords = options.keys === "keywords";
  const convert = (item: JsonValue | Float, depth: number): Value => {
    if (typeof item === "number") return Number.isSafeInteger(item) ? item + 0 : new Float(item);
    if (typeof item === "bigint") return fromBigint(item);
    if (typeof item !== "object" || item === null || item instanceof Float) return item;
    if (depth >= DEEPEST_JSON) tooDeep();
    if (Array.isArray(item)) return vector(item.map((inner) => convert(inner, depth + 1)));
    const entries = new Map<MapKey, Value>();
    for (const key of Object.keys(item)) {
      entries.set(asKeywords && isKeywordName(key) ? keyword(key) : key, convert(item[key] as JsonValue, depth + 1));
    }
    return new RtfsMap(entries);
  };
  return convert(json, 0);
}

function fromBigint(value: bigint): Value {
  if (value < INTEGER_MIN || value > INTEGER_MAX) return new Float(Number(value));
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

function tooDeep(): never {
  return fail("invalid-argument", `The value nests deeper than ${DEEPEST_JSON} levels, too deep for JSON.`);
}

// Only then can a number lose what the text says: its digits, or that it is a float.
const DELICATE_NUMBER = /\d[.eE]|\d{16}/;

function reviveNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number") return value;
  const source = context?.source ?? "";
  if (/[.eE]/.test(source)) return new Float(value);
  return Number.isSafeInteger(value) ? value : BigInt(source);
}

/** JSON text as a value: `1.0` stays a float, `1` is an integer. Throws `SyntaxError` on bad text. */
export function fromJsonText(text: string, options: FromJsonOptions = {}): Value {
  const json = DELICATE_NUMBER.test(text) ? (JSON.parse(text, reviveNumber) as JsonValue) : parseJson(text);
  return fromJson(json, options);
}

/**
 * A value as JSON: keywords and symbols by their text, keys in sorted order.
 * Functions, errors and floats that are no numbers are `invalid-argument`; what is larger than `maxSize`
 * (characters, roughly; default that of `Limits.maxOutputSize`) is `interrupted`.
 */
export function toJson(value: Value, options: { readonly maxSize?: number | undefined } = {}): JsonValue {
  return convertToJson(value, 0, new Room(options.maxSize ?? DEFAULT_LIMITS.maxOutputSize));
}

/** How much of a value may still be converted, about in characters. */
class Room {
  readonly #size: number;
  #left: number;

  constructor(size: number) {
    this.#size = size;
    this.#left = size;
  }

  take(size: number): void {
    this.#left -= size;
    if (this.#left < 0) throw outputTooLarge(this.#size);
  }
}

const NO_LIMIT = new Room(Number.POSITIVE_INFINITY);

function convertToJson(value: Value, depth: number, room: Room): JsonValue {
  room.take(typeof value === "string" ? value.length + 1 : 1);
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Float) {
    return Number.isFinite(value.value)
      ? value.value
      : fail("invalid-argument", `JSON has no ${printFloat(value.value)}.`);
  }
  if (value instanceof Keyword || value instanceof Sym) return value.name;
  if (depth >= DEEPEST_JSON) tooDeep();
  if (value instanceof Vector || value instanceof List) {
    return value.toArray().map((item) => convertToJson(item, depth + 1, room));
  }
  if (value instanceof RtfsMap) {
    const object: JsonObject = {};
    for (const [key, item] of sortedEntries(value)) {
      room.take(key.length);
      setOwn(object, key, convertToJson(item, depth + 1, room));
    }
    return object;
  }
  return fail("invalid-argument", `JSON has no form for a value of type ${typeName(value)}.`);
}

/** The entries of a map by the text of their keys; of keys with the same text the last counts. */
function sortedEntries(map: RtfsMap): [string, Value][] {
  const byText = new Map<string, Value>();
  for (const [key, value] of map) byText.set(key instanceof Keyword ? key.name : String(key), value);
  return [...byText].sort((a, b) => compareStrings(a[0], b[0]));
}

export interface JsonTextOptions {
  /** Spaces a level; 0, the default, writes one line. */
  readonly indent?: number | undefined;
  /** Characters the text may have; a longer one is `interrupted`. Default that of `Limits.maxOutputSize`. */
  readonly maxLength?: number | undefined;
}

/** The same as text, which keeps what a JavaScript number cannot: `2.0` is written `2.0`. */
export function toJsonText(value: Value, options: JsonTextOptions = {}): string {
  const indent = options.indent ?? 0;
  const room = new Room(options.maxLength ?? DEFAULT_LIMITS.maxOutputSize);
  const counted = (text: string): string => {
    room.take(text.length);
    return text;
  };
  const write = (item: Value, depth: number): string => {
    if (item instanceof Float && Number.isFinite(item.value)) return counted(printFloat(item.value));
    const run = item instanceof Vector || item instanceof List;
    if (!run && !(item instanceof RtfsMap)) {
      const json = convertToJson(item, depth, NO_LIMIT);
      return counted(typeof json === "bigint" ? json.toString() : JSON.stringify(json));
    }
    // The brackets, or a comma and a bracket.
    room.take(2);
    if (depth >= DEEPEST_JSON) tooDeep();
    const parts = run
      ? item.toArray().map((inner) => write(inner, depth + 1))
      : sortedEntries(item).map(
          ([key, inner]) => `${counted(JSON.stringify(key))}:${indent > 0 ? " " : ""}${write(inner, depth + 1)}`,
        );
    const [open, close] = run ? "[]" : "{}";
    if (parts.length === 0) return `${open}${close}`;
    if (indent === 0) return `${open}${parts.join(",")}${close}`;
    const pad = `\n${" ".repeat(indent * (depth + 1))}`;
    room.take(parts.length * pad.length);
    return `${open}${pad}${parts.join(`,${pad}`)}\n${" ".repeat(indent * depth)}${close}`;
  };
  return write(value, 0);
}
