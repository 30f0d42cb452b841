import { Float, isInteger, Keyword, List, RtfsMap, Sym, Vector, type MapKey } from "../values.ts";
import type { Bound, Literal, Predicate, RecordEntry, RecordKey, Type } from "./type.ts";

/** RTFS text that reads and parses back to an equal type. Always one line. */
export function printType(type: Type): string {
  switch (type.kind) {
    case "primitive":
      return `:${type.name}`;
    case "optional":
      return type.type.kind === "primitive" ? `:${type.type.name}?` : form("optional", [printType(type.type)]);
    case "sequence":
      return type.length === undefined
        ? form("vector", [printType(type.item)])
        : form("array", [printType(type.item), `[${type.length}]`]);
    case "tuple":
      return form("tuple", type.items.map(printType));
    case "record": {
      const parts = type.entries.map(printEntry);
      if (type.rest !== undefined) parts.push(`[:* ${printType(type.rest)}]`);
      return form("map", parts);
    }
    case "map-of":
      return form("map-of", [printType(type.key), printType(type.value)]);
    case "union":
      return form("union", type.types.map(printType));
    case "enum":
      return form("enum", type.values.map(printLiteral));
    case "literal":
      return form("val", [printLiteral(type.value)]);
    case "and":
      return form("and", [...type.types.map(printType), ...type.predicates.map(printPredicate)]);
    case "signature": {
      const parameters = type.parameters.map(printType);
      if (type.rest !== undefined) parameters.push("&", printType(type.rest));
      return form("fn", [`[${parameters.join(" ")}]`, printType(type.result)]);
    }
    case "resource":
      return form("resource", [printString(type.name)]);
  }
}

/** Whether two types say the same. */
export function equalTypes(a: Type | undefined, b: Type | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && printType(a) === printType(b);
}

function form(head: string, parts: readonly string[]): string {
  return parts.length === 0 ? `[:${head}]` : `[:${head} ${parts.join(" ")}]`;
}

function printEntry(entry: RecordEntry): string {
  const key = printKey(entry.key);
  if (entry.type.kind !== "optional") return `[${key} ${printType(entry.type)}${entry.optional ? " ?" : ""}]`;
  // An optional type makes its key optional too, so a required key that may be nil has to be a union.
  if (entry.optional) return `[${key} ${printType(entry.type)}]`;
  return `[${key} [:union ${printType(entry.type.type)} :nil]]`;
}

function printPredicate(predicate: Predicate): string {
  switch (predicate.name) {
    case ">":
    case ">=":
    case "<":
    case "<=":
      return form(predicate.name, [printBound(predicate.bound)]);
    case "=":
    case "!=":
      return form(predicate.name, [printLiteral(predicate.literal)]);
    case "in-range":
      return form(predicate.name, [printBound(predicate.low), printBound(predicate.high)]);
    case "matches-regex":
      return form(predicate.name, [printString(predicate.pattern)]);
    case "non-empty":
    case "is-url":
    case "is-email":
      return form(predicate.name, []);
    case "required-keys":
      return form(predicate.name, [`[${predicate.keys.map(printKey).join(" ")}]`]);
    default:
      return form(predicate.name, [String(predicate.size)]);
  }
}

export function printBound(bound: Bound): string {
  return bound.float ? printFloat(Number(bound.value)) : String(bound.value);
}

function printKey(key: RecordKey): string {
  if (key instanceof Keyword) return `:${key.name}`;
  return typeof key === "string" ? printString(key) : String(key);
}

/** Data as RTFS text on one line. */
export function printLiteral(value: Literal): string {
  if (value === null) return "nil";
  if (typeof value === "boolean" || isInteger(value)) return String(value);
  if (typeof value === "string") return printString(value);
  if (value instanceof Float) return printFloat(value.value);
  if (value instanceof Keyword) return `:${value.name}`;
  if (value instanceof Sym) return value.name;
  if (value instanceof Vector) return `[${value.toArray().map(printLiteral).join(" ")}]`;
  if (value instanceof List) return `(${value.toArray().map(printLiteral).join(" ")})`;
  if (value instanceof RtfsMap) {
    return `{${[...value].map(([key, item]: [MapKey, Literal]) => `${printLiteral(key)} ${printLiteral(item)}`).join(" ")}}`;
  }
  return "nil";
}

function printFloat(value: number): string {
  if (Number.isNaN(value)) return "##NaN";
  if (!Number.isFinite(value)) return value > 0 ? "##Inf" : "##-Inf";
  if (Object.is(value, -0)) return "-0.0";
  const text = String(value);
  if (/^-?\d+$/.test(text)) return `${text}.0`;
  // "1e+21" and "1e-7": the grammar wants digits, a point, digits and then the exponent without a plus.
  return text.replace("e+", "e").replace(/^(-?\d+)e/, "$1.0e");
}

// Control characters, bidirectional overrides, separators that some readers take for line ends, and the halves
// of surrogate pairs that stand alone: written as escapes, so that a text from a server cannot leave its quotes
// in an editor's or a terminal's eyes either.
const ESCAPED =
  // oxlint-disable-next-line no-control-regex
  /["\\\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const SHORT: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A string in quotes, on one line. */
export function printString(text: string): string {
  const body = text.replace(ESCAPED, (c) => SHORT[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `"${body}"`;
}
