import { vm } from "../evaluator/machine.ts";
import { raise, raiseTypeError } from "../evaluator/raise.ts";
import { Float, Keyword, List, RtfsMap, Vector, type Integer, type MapKey, type Value } from "../values.ts";

// What library functions ask of their arguments; each raises in the name of the function being called.

export type Numeric = Integer | Float;
export type Sequence = Vector | List;

/** The name of the function being called, as the program wrote it. */
export function operation(): string {
  const form = vm.at;
  const head = form?.kind === "list" || form?.kind === "short-fn" ? form.items[0] : undefined;
  return head?.kind === "symbol" ? head.name : "function call";
}

export function isNumeric(value: Value): value is Numeric {
  return typeof value === "number" || typeof value === "bigint" || value instanceof Float;
}

export function isSequence(value: Value): value is Sequence {
  return value instanceof Vector || value instanceof List;
}

export function numeric(value: Value): Numeric {
  return isNumeric(value) ? value : raiseTypeError(operation(), "number", value);
}

/** An integer small enough to count with. */
export function count(value: Value): number {
  return typeof value === "number" ? value : raiseTypeError(operation(), "integer", value);
}

export function integerOf(value: Value): Integer {
  return typeof value === "number" || typeof value === "bigint" ? value : raiseTypeError(operation(), "integer", value);
}

export function text(value: Value): string {
  return typeof value === "string" ? value : raiseTypeError(operation(), "string", value);
}

export function mapOf(value: Value): RtfsMap {
  return value instanceof RtfsMap ? value : raiseTypeError(operation(), "map", value);
}

/** A vector or a list. */
export function sequence(value: Value): Sequence {
  return isSequence(value) ? value : raiseTypeError(operation(), "vector", value);
}

/** A vector, a list, or the characters of a string. */
export function items(value: Value): Sequence {
  if (isSequence(value)) return value;
  return typeof value === "string" ? new Vector(characters(value)) : raiseTypeError(operation(), "sequence", value);
}

/** By code point, so that no character is cut in half. */
export function characters(value: string): string[] {
  return Array.from(value);
}

export function keyOf(value: Value): MapKey {
  return isKey(value) ? value : raiseTypeError(operation(), "keyword, string or integer key", value);
}

export function isKey(value: Value): value is MapKey {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint" || value instanceof Keyword;
}

export function outOfBounds(index: number, length: number): never {
  return raise("IndexOutOfBounds", `Index out of bounds in ${operation()}: index ${index}, length ${length}`);
}

/** The same kind of sequence as the model. */
export function likeKind(model: Sequence, values: Value[]): Sequence {
  return model instanceof List ? new List(values) : new Vector(values);
}
