import { print } from "../printer.ts";
import { Keyword } from "../values.ts";
import type { Literal, RecordKey } from "./type.ts";
import type { View } from "./view.ts";

/** A value as messages show it: short ones whole, of long texts the beginning, of the rest the kind. */
export function shown<V>(value: V, view: View<V>): string {
  const text = view.string(value);
  if (text !== undefined) return JSON.stringify(shorten(text, 60));
  const number = view.number(value);
  if (number !== undefined) return String(number);
  if (typeof value === "boolean") return String(value);
  return value instanceof Keyword ? `:${shorten(value.name, 60)}` : view.kind(value);
}

export function listed(literals: readonly Literal[]): string {
  const some = literals.slice(0, 12).map((literal) => shorten(print(literal), 60));
  return some.join(", ") + (literals.length > some.length ? ", …" : "");
}

export function keyText(key: RecordKey): string {
  return typeof key === "object" ? `:${key.name}` : print(key);
}

export function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
