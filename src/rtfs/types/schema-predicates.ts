import { getOwn, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { INTEGER_MAX, INTEGER_MIN } from "../values.ts";
import type { Bound, Predicate } from "./type.ts";

function bound(value: JsonValue | undefined): Bound | undefined {
  if (typeof value === "bigint")
    return value >= INTEGER_MIN && value <= INTEGER_MAX ? { value, float: false } : undefined;
  if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
  return { value, float: !Number.isSafeInteger(value) };
}

export function numberPredicates(schema: JsonObject): Predicate[] {
  const predicates: Predicate[] = [];
  // In draft 4 the exclusive words are flags on the others.
  const least = bound(getOwn(schema, "minimum"));
  const most = bound(getOwn(schema, "maximum"));
  const above = getOwn(schema, "exclusiveMinimum");
  const below = getOwn(schema, "exclusiveMaximum");
  if (least !== undefined) predicates.push({ name: above === true ? ">" : ">=", bound: least });
  if (most !== undefined) predicates.push({ name: below === true ? "<" : "<=", bound: most });
  const greater = bound(above);
  const less = bound(below);
  if (greater !== undefined) predicates.push({ name: ">", bound: greater });
  if (less !== undefined) predicates.push({ name: "<", bound: less });
  return predicates;
}

export function sizePredicates(schema: JsonObject, noun: string, word: "length" | "count"): Predicate[] {
  const predicates: Predicate[] = [];
  const least = getOwn(schema, `min${noun}`);
  const most = getOwn(schema, `max${noun}`);
  if (typeof least === "number" && Number.isSafeInteger(least) && least > 0)
    predicates.push({ name: `min-${word}`, size: least });
  if (typeof most === "number" && Number.isSafeInteger(most) && most >= 0)
    predicates.push({ name: `max-${word}`, size: most });
  return predicates;
}
