import { isCcosError } from "../../kernel/index.ts";
import type { BuiltinDeclaration } from "../evaluator/functions.ts";
import { charge } from "../evaluator/invoke.ts";
import { vm } from "../evaluator/machine.ts";
import { raise } from "../evaluator/raise.ts";
import { fromJsonText, toJsonText } from "../json.ts";
import type { Value } from "../values.ts";
import { text, tooLong } from "./arguments.ts";

function failed(error: unknown): never {
  const message = error instanceof SyntaxError || isCcosError(error) ? error.message : "the value cannot be converted";
  return raise("JsonError", `JSON error: ${message}`);
}

function parse(value: Value): Value {
  const source = text(value);
  charge(source.length >>> 5);
  try {
    return fromJsonText(source);
  } catch (error) {
    return failed(error);
  }
}

function serialize(value: Value, indent: number): Value {
  let result: string;
  try {
    result = toJsonText(value, { indent, maxLength: vm.maxCollectionSize });
  } catch (error) {
    if (isCcosError(error) && error.code === "interrupted") return tooLong();
    return failed(error);
  }
  charge(result.length >>> 5);
  return result;
}

export const json: readonly BuiltinDeclaration[] = [
  {
    name: "parse-json",
    aliases: ["tool/parse-json"],
    params: "[s]",
    doc: "The value of a JSON text; the keys of objects are strings.",
    arity: [1, 1],
    fn: parse,
  },
  {
    name: "serialize-json",
    aliases: ["tool/serialize-json"],
    params: "[v]",
    doc: "A value as JSON text, keys in order.",
    arity: [1, 1],
    fn: (v: Value) => serialize(v, 0),
  },
  {
    name: "serialize-json-pretty",
    aliases: ["tool/serialize-json-pretty"],
    params: "[v]",
    doc: "A value as JSON text over several lines.",
    arity: [1, 1],
    fn: (v: Value) => serialize(v, 2),
  },
];
