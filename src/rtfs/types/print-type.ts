import { print, printFloat, quoteString } from "../printer.ts";
import { Keyword } from "../values.ts";
import type { Bound, Predicate, RecordEntry, RecordKey, Type } from "./type.ts";

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
      return form(
        "enum",
        type.values.map((value) => print(value)),
      );
    case "literal":
      return form("val", [print(type.value)]);
    case "and":
      return form("and", [...type.types.map(printType), ...type.predicates.map(printPredicate)]);
    case "signature": {
      const parameters = type.parameters.map(printType);
      if (type.rest !== undefined) parameters.push("&", printType(type.rest));
      return form("fn", [`[${parameters.join(" ")}]`, printType(type.result)]);
    }
    case "resource":
      return form("resource", [quoteString(type.name)]);
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
      return form(predicate.name, [print(predicate.literal)]);
    case "in-range":
      return form(predicate.name, [printBound(predicate.low), printBound(predicate.high)]);
    case "matches-regex":
      return form(predicate.name, [quoteString(predicate.pattern)]);
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
  return typeof key === "string" ? quoteString(key) : String(key);
}
