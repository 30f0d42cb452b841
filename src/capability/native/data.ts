import { CcosError, oneLine } from "../../kernel/index.ts";
import {
  Float,
  fromJsonText,
  INTEGER_MAX,
  INTEGER_MIN,
  integer,
  isInteger,
  keyword,
  List,
  RtfsMap,
  toJsonText,
  typeName,
  Vector,
  vector,
  type Value,
} from "../../rtfs/index.ts";
import type { Manifest } from "../manifest.ts";
import { NativeArguments, spreadArguments } from "./arguments.ts";
import { nativeCapability } from "./native.ts";

export function dataCapabilities(): Manifest[] {
  const parse = (id: string) => (args: readonly Value[]) =>
    parseText(id, new NativeArguments(id, ["text"], args).string("text"));
  const write = (indent: number) => (args: readonly Value[]) => {
    const given = spreadArguments(args);
    if (given.length !== 1)
      throw new CcosError("invalid-argument", `Writing JSON takes one value, and was given ${given.length}.`);
    return toJsonText(given[0] as Value, { indent });
  };
  const pair = (id: string, description: string, run: (args: readonly Value[]) => Value): Manifest =>
    nativeCapability({ id, description, run });
  return [
    pair("ccos.data.parse-json", "The value of a JSON text; keys are strings.", parse("ccos.data.parse-json")),
    pair("ccos.json.parse", "The value of a JSON text; keys are strings.", parse("ccos.json.parse")),
    pair("ccos.data.serialize-json", "A value as JSON text.", write(0)),
    pair("ccos.json.stringify", "A value as JSON text.", write(0)),
    pair("ccos.json.stringify-pretty", "A value as JSON text, indented.", write(2)),
    pair("ccos.echo", "Gives back what it is given; several arguments as a vector.", echo),
    pair("ccos.math.add", "The sum of numbers, given one by one, as a vector, or as :a and :b.", add),
  ];
}

function parseText(id: string, text: string): Value {
  try {
    return fromJsonText(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CcosError("invalid-argument", `${id}: the text is not JSON: ${oneLine(error.message, 120)}`, {
      cause: error,
    });
  }
}

function echo(args: readonly Value[]): Value {
  const given = spreadArguments(args);
  return given.length === 1 ? (given[0] as Value) : given.length === 0 ? null : vector([...given]);
}

function add(args: readonly Value[]): Value {
  const given = spreadArguments(args);
  const [only] = given;
  let numbers: readonly Value[] = given;
  if (given.length === 1 && (only instanceof Vector || only instanceof List)) numbers = only.toArray();
  else if (given.length === 1 && only instanceof RtfsMap) {
    numbers = ["a", "b"].map((name) => only.get(keyword(name)) ?? only.get(name) ?? null);
  }
  let whole = 0n;
  let fraction: number | undefined;
  for (const each of numbers) {
    if (each instanceof Float) fraction = (fraction ?? Number(whole)) + each.value;
    else if (!isInteger(each))
      throw new CcosError("invalid-argument", `ccos.math.add adds numbers, and was given ${typeName(each)}.`);
    else if (fraction === undefined) whole += BigInt(each);
    else fraction += Number(each);
  }
  if (fraction !== undefined) return new Float(fraction);
  if (whole < INTEGER_MIN || whole > INTEGER_MAX)
    throw new CcosError("invalid-argument", "ccos.math.add: the sum does not fit 64 bits.");
  return integer(whole);
}
