import { Float, Keyword, List, RtfsError, RtfsFunction, RtfsMap, Sym, Vector, type Value } from "./values.ts";

export type TypeName =
  | "nil"
  | "boolean"
  | "integer"
  | "float"
  | "string"
  | "keyword"
  | "symbol"
  | "vector"
  | "list"
  | "map"
  | "function"
  | "error";

/** The kind of a value as `type-name` gives it. */
export function typeName(value: Value): TypeName {
  if (value === null) return "nil";
  switch (typeof value) {
    case "boolean":
      return "boolean";
    case "number":
    case "bigint":
      return "integer";
    case "string":
      return "string";
    default:
      break;
  }
  if (value instanceof Vector) return "vector";
  if (value instanceof RtfsMap) return "map";
  if (value instanceof Keyword) return "keyword";
  if (value instanceof Float) return "float";
  if (value instanceof List) return "list";
  if (value instanceof RtfsFunction) return "function";
  if (value instanceof Sym) return "symbol";
  if (value instanceof RtfsError) return "error";
  // A foreign object here is a defect of a host function; it must not pass as a value.
  throw new TypeError("This is no value of the language.");
}
