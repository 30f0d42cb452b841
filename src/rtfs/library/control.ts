import type { BuiltinDeclaration } from "../evaluator/functions.ts";
import { vm } from "../evaluator/machine.ts";
import { Raised, raise, raiseTypeError } from "../evaluator/raise.ts";
import { Keyword, keyword, RtfsError, RtfsMap, type Value } from "../values.ts";
import { text } from "./arguments.ts";

function throwValue(value: Value): Value {
  if (value instanceof RtfsError) throw new Raised(value, vm.at);
  if (typeof value === "string") return raise("ApplicationError", value);
  // A map is what programs build errors from: its :type and :message, if it has them, become the error's.
  if (value instanceof RtfsMap) {
    const type = value.get(keyword("type"));
    const message = value.get(keyword("message"));
    const kind = type instanceof Keyword ? type.name : "ApplicationError";
    throw new Raised(new RtfsError(typeof message === "string" ? message : "Error", kind, value), vm.at);
  }
  return raiseTypeError("throw", "string or error", value);
}

function message(value: Value): Value {
  return value instanceof RtfsError ? value.message : raiseTypeError("getMessage", "error", value);
}

export const control: readonly BuiltinDeclaration[] = [
  {
    name: "throw",
    params: "[error]",
    doc: "Raises an error value, or an error with a text as its message.",
    arity: [1, 1],
    fn: throwValue,
  },
  {
    name: "Exception.",
    params: "[message data?]",
    doc: "An error value, not raised.",
    arity: [1, 2],
    fn: (of: Value, data: Value = null) => new RtfsError(text(of), "ApplicationError", data),
  },
  { name: "getMessage", params: "[error]", doc: "The message of an error value.", arity: [1, 1], fn: message },
  { name: "process-data", params: "[v]", doc: "v itself.", arity: [1, 1], fn: (v: Value) => v },
];
