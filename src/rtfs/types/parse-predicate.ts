import type { Form } from "../forms.ts";
import { Float, isInteger } from "../values.ts";
import { literalOfForm } from "./literal.ts";
import { compilePattern } from "./pattern.ts";
import type { TypeContext } from "./parse-type.ts";
import type { Bound, Predicate, RecordKey } from "./type.ts";

const ARGUMENTS: Readonly<Record<string, string>> = {
  ">": "a number",
  ">=": "a number",
  "<": "a number",
  "<=": "a number",
  "=": "a literal",
  "!=": "a literal",
  "in-range": "two numbers",
  "min-length": "a count",
  "max-length": "a count",
  length: "a count",
  "min-count": "a count",
  "max-count": "a count",
  count: "a count",
  "matches-regex": "a string",
  "non-empty": "nothing",
  "is-url": "nothing",
  "is-email": "nothing",
  "has-key": "a key",
  "required-keys": "a vector of keys",
};

export function isPredicateName(name: string): boolean {
  return Object.hasOwn(ARGUMENTS, name);
}

/** The predicate `[:name …rest]` of a known name; undefined, with an error reported, where its arguments are wrong. */
export function parsePredicate(
  context: TypeContext,
  form: Form,
  name: string,
  rest: readonly Form[],
): Predicate | undefined {
  const predicate = build(context, form, name, rest);
  if (predicate === undefined) context.error(form, `The predicate :${name} takes ${ARGUMENTS[name]}.`);
  return predicate;
}

function build(context: TypeContext, form: Form, name: string, rest: readonly Form[]): Predicate | undefined {
  const [first, second, ...more] = rest;
  if (more.length > 0 || (second !== undefined && name !== "in-range")) return undefined;
  switch (name) {
    case ">":
    case ">=":
    case "<":
    case "<=": {
      const bound = boundOf(first);
      return bound && { name, bound };
    }
    case "=":
    case "!=": {
      const literal = first && literalOfForm(first);
      return literal === undefined ? undefined : { name, literal };
    }
    case "in-range": {
      const low = boundOf(first);
      const high = boundOf(second);
      return low && high && { name, low, high };
    }
    case "min-length":
    case "max-length":
    case "length":
    case "min-count":
    case "max-count":
    case "count": {
      if (first?.kind !== "integer" || typeof first.value !== "number" || first.value < 0) return undefined;
      return { name, size: first.value };
    }
    case "matches-regex":
      if (first?.kind !== "string") return undefined;
      if (compilePattern(first.value) === undefined) {
        context.doubt(
          form,
          "The pattern of :matches-regex is invalid or needs look-around or back references; it is not checked.",
        );
      }
      return { name, pattern: first.value };
    case "non-empty":
    case "is-url":
    case "is-email":
      return first === undefined ? { name } : undefined;
    case "has-key": {
      const key = first && keyOf(first);
      return key === undefined ? undefined : { name: "required-keys", keys: [key] };
    }
    case "required-keys": {
      if (first?.kind !== "vector") return undefined;
      const keys = first.items.map(keyOf);
      return keys.includes(undefined) ? undefined : { name, keys: keys as RecordKey[] };
    }
    default:
      return undefined;
  }
}

function boundOf(form: Form | undefined): Bound | undefined {
  const value = form && literalOfForm(form);
  if (value === undefined || value === null) return undefined;
  if (isInteger(value)) return { value, float: false };
  return value instanceof Float && !Number.isNaN(value.value) ? { value: value.value, float: true } : undefined;
}

function keyOf(form: Form): RecordKey | undefined {
  const value = literalOfForm(form);
  if (value === undefined || value === null || typeof value === "boolean") return undefined;
  if (typeof value === "string" || isInteger(value)) return value;
  return form.kind === "keyword" ? (value as RecordKey) : undefined;
}
