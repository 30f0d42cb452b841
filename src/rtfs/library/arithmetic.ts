import type { BuiltinDeclaration } from "../evaluator/functions.ts";
import { raise, raiseTypeError } from "../evaluator/raise.ts";
import { compareStrings } from "../ordering.ts";
import { equals } from "../equality.ts";
import { Float, integer, INTEGER_MAX, INTEGER_MIN, type Value } from "../values.ts";
import { integerOf, isNumeric, numeric, operation, type Numeric } from "./arguments.ts";
import { add, divide, factorial, less, multiply, power, remainder, subtract, toNumber, truncate } from "./numbers.ts";

const MANY = Number.POSITIVE_INFINITY;

function fold(combine: (a: Numeric, b: Numeric) => Numeric) {
  return (first: Value, ...others: Value[]): Value =>
    others.reduce<Numeric>((result, other) => combine(result, numeric(other)), numeric(first));
}

function choose(better: (a: Numeric, b: Numeric) => boolean) {
  return (first: Value, ...others: Value[]): Value =>
    others.reduce<Numeric>((best, other) => (better(numeric(other), best) ? (other as Numeric) : best), numeric(first));
}

/** Holds for every neighbouring pair of numbers, or of strings. */
function chain(
  numbers: (a: Numeric, b: Numeric) => boolean,
  strings: (order: number) => boolean,
): (...values: Value[]) => Value {
  return (...values) => {
    let holds = true;
    for (let index = 1; index < values.length; index++) {
      const a = values[index - 1] as Value;
      const b = values[index] as Value;
      if (typeof a === "string" && typeof b === "string") holds = strings(compareStrings(a, b)) && holds;
      else if (!isNumeric(a)) raiseTypeError(operation(), "two numbers or two strings", a);
      else if (!isNumeric(b)) raiseTypeError(operation(), "two numbers or two strings", b);
      else holds = numbers(a, b) && holds;
    }
    return holds;
  };
}

function isNaNumber(value: Numeric): boolean {
  return value instanceof Float && Number.isNaN(value.value);
}

function atMost(a: Numeric, b: Numeric): boolean {
  return !less(b, a) && !isNaNumber(a) && !isNaNumber(b);
}

function allEqual(...values: Value[]): boolean {
  return values.every((value, index) => index === 0 || equals(values[index - 1] as Value, value));
}

function isOdd(value: Value): boolean {
  const number = numeric(value);
  if (typeof number === "bigint") return number % 2n !== 0n;
  return Math.abs(Math.trunc(toNumber(number)) % 2) === 1;
}

function parseInteger(text: string): Value {
  const trimmed = text.trim();
  if (!/^[+-]?\d{1,40}$/.test(trimmed)) return null;
  const value = BigInt(trimmed.replace(/^\+/, ""));
  return value < INTEGER_MIN || value > INTEGER_MAX ? null : integer(value);
}

function parseNumber(text: string): Value {
  const trimmed = text.trim();
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(trimmed) ? new Float(Number(trimmed)) : null;
}

function toInteger(value: Value): Value {
  if (typeof value === "string") return parseInteger(value) ?? 0;
  if (value === null || typeof value === "boolean") return value === true ? 1 : 0;
  const number = numeric(value);
  return number instanceof Float ? truncate(number.value) : number;
}

function toFloat(value: Value): Value {
  if (typeof value === "string") return parseNumber(value) ?? new Float(0);
  if (value === null || typeof value === "boolean") return new Float(value === true ? 1 : 0);
  return new Float(toNumber(numeric(value)));
}

function squareRoot(value: Value): Value {
  const number = toNumber(numeric(value));
  if (number < 0) raise("InvalidArgument", "Invalid argument in sqrt: expected a non-negative number");
  return new Float(Math.sqrt(number));
}

function absolute(value: Value): Value {
  const number = numeric(value);
  if (number instanceof Float) return new Float(Math.abs(number.value));
  return number < 0 ? subtract(0, number) : number;
}

export const arithmetic: readonly BuiltinDeclaration[] = [
  {
    name: "+",
    params: "[n & others]",
    doc: "The sum; a float if any operand is one.",
    arity: [1, MANY],
    fn: fold(add),
  },
  {
    name: "-",
    params: "[n & others]",
    doc: "The first number less the others; of one number, its negative.",
    arity: [1, MANY],
    fn: (first: Value, ...others: Value[]) =>
      others.length === 0 ? multiply(numeric(first), -1) : fold(subtract)(first, ...others),
  },
  {
    name: "*",
    params: "[n & others]",
    doc: "The product; a float if any operand is one.",
    arity: [1, MANY],
    fn: fold(multiply),
  },
  {
    name: "/",
    params: "[n & others]",
    doc: "The first number divided by the others: an integer where it comes out even, else a float. One number is returned unchanged.",
    arity: [1, MANY],
    fn: (first: Value, ...others: Value[]) => divide(numeric(first), others.map(numeric)),
  },
  {
    name: "mod",
    params: "[a b]",
    doc: "The remainder of a / b, with the sign of a.",
    arity: [2, 2],
    fn: (a: Value, b: Value) => remainder(numeric(a), numeric(b)),
  },
  { name: "inc", params: "[n]", doc: "n + 1.", arity: [1, 1], fn: (n: Value) => add(numeric(n), 1) },
  { name: "dec", params: "[n]", doc: "n - 1.", arity: [1, 1], fn: (n: Value) => subtract(numeric(n), 1) },
  { name: "abs", params: "[n]", doc: "The absolute value.", arity: [1, 1], fn: absolute },
  {
    name: "max",
    params: "[n & others]",
    doc: "The greatest number.",
    arity: [1, MANY],
    fn: choose((a, b) => less(b, a)),
  },
  { name: "min", params: "[n & others]", doc: "The least number.", arity: [1, MANY], fn: choose(less) },
  { name: "sqrt", params: "[n]", doc: "The square root, a float.", arity: [1, 1], fn: squareRoot },
  {
    name: "pow",
    params: "[base exponent]",
    doc: "A power: an integer where both are and the exponent is not negative, else a float.",
    arity: [2, 2],
    fn: (a: Value, b: Value) => power(numeric(a), numeric(b)),
  },
  { name: "factorial", params: "[n]", doc: "1 · 2 · … · n.", arity: [1, 1], fn: (n: Value) => factorial(integerOf(n)) },
  {
    name: "even?",
    params: "[n]",
    doc: "Whether n is even; a float is truncated.",
    arity: [1, 1],
    fn: (n: Value) => !isOdd(n),
  },
  { name: "odd?", params: "[n]", doc: "Whether n is odd; a float is truncated.", arity: [1, 1], fn: isOdd },
  {
    name: "zero?",
    params: "[n]",
    doc: "Whether n is zero.",
    arity: [1, 1],
    fn: (n: Value) => toNumber(numeric(n)) === 0,
  },
  {
    name: "pos?",
    params: "[n]",
    doc: "Whether n is greater than zero.",
    arity: [1, 1],
    fn: (n: Value) => toNumber(numeric(n)) > 0,
  },
  {
    name: "neg?",
    params: "[n]",
    doc: "Whether n is less than zero.",
    arity: [1, 1],
    fn: (n: Value) => toNumber(numeric(n)) < 0,
  },
  {
    name: "int",
    params: "[v]",
    doc: "As an integer: floats are cut, text that is no integer is 0, nil is 0.",
    arity: [1, 1],
    fn: toInteger,
  },
  {
    name: "float",
    params: "[v]",
    doc: "As a float: text that is no number is 0.0, nil is 0.0.",
    arity: [1, 1],
    fn: toFloat,
  },
  {
    name: "parse-int",
    params: "[v]",
    doc: "The integer that a text holds, or that a number is when cut; else nil.",
    arity: [1, 1],
    fn: (v: Value) => (typeof v === "string" ? parseInteger(v) : isNumeric(v) ? toInteger(v) : null),
  },
  {
    name: "parse-float",
    params: "[v]",
    doc: "The float that a text holds, or that a number is; else nil.",
    arity: [1, 1],
    fn: (v: Value) => (typeof v === "string" ? parseNumber(v) : isNumeric(v) ? toFloat(v) : null),
  },
  {
    name: "=",
    params: "[a & others]",
    doc: "Whether all are equal, in kind too: (= 1 1.0) is false.",
    arity: [1, MANY],
    fn: allEqual,
  },
  {
    name: "!=",
    aliases: ["not="],
    params: "[a & others]",
    doc: "Whether not all are equal.",
    arity: [1, MANY],
    fn: (...values: Value[]) => !allEqual(...values),
  },
  {
    name: "<",
    params: "[a b & others]",
    doc: "Whether numbers, or strings, ascend.",
    arity: [2, MANY],
    fn: chain(less, (order) => order < 0),
  },
  {
    name: ">",
    params: "[a b & others]",
    doc: "Whether numbers, or strings, descend.",
    arity: [2, MANY],
    fn: chain(
      (a, b) => less(b, a),
      (order) => order > 0,
    ),
  },
  {
    name: "<=",
    params: "[a b & others]",
    doc: "Whether none is less than the one before.",
    arity: [2, MANY],
    fn: chain(atMost, (order) => order <= 0),
  },
  {
    name: ">=",
    params: "[a b & others]",
    doc: "Whether none is greater than the one before.",
    arity: [2, MANY],
    fn: chain(
      (a, b) => atMost(b, a),
      (order) => order >= 0,
    ),
  },
  {
    name: "not",
    params: "[v]",
    doc: "True for nil and false, else false.",
    arity: [1, 1],
    fn: (v: Value) => v === null || v === false,
  },
  {
    name: "and",
    params: "[& values]",
    doc: "As a function: the first value that is not true, else the last.",
    arity: [0, MANY],
    fn: (...values: Value[]) =>
      values.find((value) => value === null || value === false) ??
      (values.includes(null) ? null : (values.at(-1) ?? true)),
  },
  {
    name: "or",
    params: "[& values]",
    doc: "As a function: the first value that is true, else the last.",
    arity: [0, MANY],
    fn: (...values: Value[]) =>
      values.find((value) => value !== null && value !== false) ??
      (values.length === 0 ? false : (values.at(-1) as Value)),
  },
];
