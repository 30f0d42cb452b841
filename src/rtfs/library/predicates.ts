import type { BuiltinDeclaration } from "../evaluator/functions.ts";
import { typeName, type TypeName } from "../kinds.ts";
import type { Value } from "../values.ts";

function is(
  name: string,
  kinds: readonly TypeName[],
  what: string,
  aliases: readonly string[] = [],
): BuiltinDeclaration {
  return {
    name,
    aliases,
    params: "[v]",
    doc: `Whether v is ${what}.`,
    arity: [1, 1],
    fn: (v: Value) => kinds.includes(typeName(v)),
  };
}

export const predicates: readonly BuiltinDeclaration[] = [
  is("nil?", ["nil"], "nil"),
  is("bool?", ["boolean"], "true or false"),
  is("int?", ["integer"], "an integer"),
  is("float?", ["float"], "a float"),
  is("number?", ["integer", "float"], "an integer or a float"),
  is("string?", ["string"], "a string", ["string-p"]),
  is("keyword?", ["keyword"], "a keyword"),
  is("symbol?", ["symbol"], "a symbol"),
  is("vector?", ["vector"], "a vector"),
  is("list?", ["list"], "a list"),
  is("map?", ["map"], "a map"),
  is("fn?", ["function"], "a function"),
  {
    name: "type-name",
    params: "[v]",
    doc: "The name of v's kind, such as `integer`.",
    arity: [1, 1],
    fn: (v: Value) => typeName(v),
  },
];
