import { RE2JS } from "re2js";
import type { BuiltinDeclaration } from "../evaluator/functions.ts";
import { charge, checkLength, checkSize } from "../evaluator/invoke.ts";
import { vm } from "../evaluator/machine.ts";
import { raise } from "../evaluator/raise.ts";
import { Vector, vector, type Value } from "../values.ts";
import { characters, count, items, outOfBounds, scanned, shown, text, tooLong } from "./arguments.ts";

const MANY = Number.POSITIVE_INFINITY;
const SURROGATE = /[\ud800-\udfff]/;

function sized(value: string): string {
  checkLength(value.length);
  return value;
}

export function textLength(value: string): number {
  return SURROGATE.test(value) ? characters(value).length : value.length;
}

// Adding, because the engine then keeps the parts by reference: a text built piece by piece stays linear.
function concatenate(...values: Value[]): Value {
  let result = "";
  for (const value of values) {
    result += typeof value === "string" ? value : shown(value);
    if (result.length > vm.maxCollectionSize) return tooLong();
  }
  return sized(result);
}

/** Indexes count characters, so a text with surrogate pairs is taken apart first. */
function substring(value: Value, from: Value, to: Value | undefined): Value {
  const whole = text(value);
  const length = textLength(whole);
  const start = count(from);
  const end = to === undefined ? length : count(to);
  if (start < 0 || start > end) outOfBounds(start, length);
  if (end > length) outOfBounds(end, length);
  return length === whole.length ? whole.slice(start, end) : characters(whole).slice(start, end).join("");
}

function split(value: Value, separator: Value): Value {
  const whole = text(value);
  const by = text(separator);
  const parts = by === "" ? characters(whole) : whole.split(by);
  checkSize(parts.length);
  return vector(parts);
}

function join(separator: Value, collection: Value): Value {
  const by = text(separator);
  const parts: string[] = [];
  let length = 0;
  for (const item of scanned(items(collection))) {
    const part = typeof item === "string" ? item : shown(item);
    parts.push(part);
    length += part.length + by.length;
    if (length - by.length > vm.maxCollectionSize) return tooLong();
  }
  return sized(parts.join(by));
}

// Compiling costs more than matching, and programs match with the same few patterns again and again.
const compiled = new Map<string, RE2JS>();
const MOST_COMPILED = 200;

/** Always by an engine whose time is linear in the text: a pattern comes from the program. */
function pattern(source: Value): RE2JS {
  const written = text(source);
  let regex = compiled.get(written);
  if (regex === undefined) {
    try {
      regex = RE2JS.compile(written);
    } catch (error) {
      return raise(
        "InvalidArgument",
        `Invalid argument: not a regular expression: ${error instanceof Error ? error.message : ""}`,
      );
    }
    if (compiled.size >= MOST_COMPILED) compiled.clear();
    compiled.set(written, regex);
  }
  return regex;
}

/** The time of a match grows with the text, so it counts as steps. */
function searched(value: Value): string {
  const whole = text(value);
  charge(whole.length >>> 5);
  return whole;
}

function find(source: Value, value: Value): Value {
  const matcher = pattern(source).matcher(searched(value));
  return matcher.find() ? matcher.group() : null;
}

function findAll(source: Value, value: Value): Value {
  const matcher = pattern(source).matcher(searched(value));
  const found: Value[] = [];
  while (matcher.find()) found.push(matcher.group());
  checkSize(found.length);
  return new Vector(found);
}

function matchWhole(source: Value, value: Value): Value {
  const whole = searched(value);
  return pattern(source).matcher(whole).matches() ? whole : null;
}

export const strings: readonly BuiltinDeclaration[] = [
  {
    name: "str",
    params: "[& values]",
    doc: "The values as one text: strings as they are, nil as `nil`, floats without `.0`.",
    arity: [0, MANY],
    fn: concatenate,
  },
  {
    name: "string-length",
    params: "[s]",
    doc: "The number of characters.",
    arity: [1, 1],
    fn: (s: Value) => textLength(text(s)),
  },
  {
    name: "substring",
    params: "[s from to?]",
    doc: "The characters from one index up to another, or to the end.",
    arity: [2, 3],
    fn: substring,
  },
  {
    name: "string-contains",
    aliases: ["string-contains?"],
    params: "[s part]",
    doc: "Whether a text contains another.",
    arity: [2, 2],
    fn: (s: Value, part: Value) => text(s).includes(text(part)),
  },
  {
    name: "starts-with?",
    params: "[s prefix]",
    doc: "Whether a text begins with another.",
    arity: [2, 2],
    fn: (s: Value, prefix: Value) => text(s).startsWith(text(prefix)),
  },
  {
    name: "ends-with?",
    params: "[s suffix]",
    doc: "Whether a text ends with another.",
    arity: [2, 2],
    fn: (s: Value, suffix: Value) => text(s).endsWith(text(suffix)),
  },
  {
    name: "split",
    params: "[s separator]",
    doc: "A vector of the parts between separators; an empty separator gives the characters.",
    arity: [2, 2],
    fn: split,
  },
  {
    name: "join",
    aliases: ["string-join"],
    params: "[separator coll]",
    doc: "The items as one text, with a separator between.",
    arity: [2, 2],
    fn: join,
  },
  {
    name: "string-upper",
    aliases: ["upper"],
    params: "[s]",
    doc: "In upper case.",
    arity: [1, 1],
    fn: (s: Value) => text(s).toUpperCase(),
  },
  {
    name: "string-lower",
    aliases: ["lower"],
    params: "[s]",
    doc: "In lower case.",
    arity: [1, 1],
    fn: (s: Value) => text(s).toLowerCase(),
  },
  {
    name: "string-trim",
    aliases: ["trim"],
    params: "[s]",
    doc: "Without white space at both ends.",
    arity: [1, 1],
    fn: (s: Value) => text(s).trim(),
  },
  {
    name: "re-find",
    params: "[pattern s]",
    doc: "The first match of a regular expression, or nil.",
    arity: [2, 2],
    fn: find,
  },
  {
    name: "re-seq",
    params: "[pattern s]",
    doc: "A vector of all matches of a regular expression.",
    arity: [2, 2],
    fn: findAll,
  },
  {
    name: "re-matches",
    params: "[pattern s]",
    doc: "The text, if a regular expression matches all of it, else nil.",
    arity: [2, 2],
    fn: matchWhole,
  },
];
