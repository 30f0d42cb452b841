import { charge, checkLength, checkSize } from "../evaluator/invoke.ts";
import { vm } from "../evaluator/machine.ts";
import { interrupt } from "../evaluator/interrupt.ts";
import { raise, raiseTypeError } from "../evaluator/raise.ts";
import { displayWithin } from "../printer.ts";
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

/** A string; nearly all that is done with one takes time in proportion to its length. */
export function text(value: Value): string {
  if (typeof value !== "string") return raiseTypeError(operation(), "string", value);
  checkLength(value.length);
  return value;
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
  checkSize(value.length);
  return Array.from(value);
}

/** A collection that is looked through from its beginning, as far as it goes. */
export function scanned<T extends Sequence>(collection: T): T {
  charge(collection.length >>> 3);
  return collection;
}

/** How a value shows in a text; ends the run where that would be longer than any text may be. */
export function shown(value: Value): string {
  const result = displayWithin(value, vm.maxCollectionSize);
  if (result === undefined) return tooLong();
  checkLength(result.length);
  return result;
}

export function tooLong(): never {
  throw interrupt(
    "maxCollectionSize",
    `The program builds a text of more than ${vm.maxCollectionSize} characters.`,
    vm.at,
  );
}

export function keyOf(value: Value): MapKey {
  return isKey(value) ? value : raiseTypeError(operation(), "keyword, string or integer key", value);
}

export function isKey(value: Value): value is MapKey {
  return (
    typeof value === "string" || typeof value === "number" || typeof value === "bigint" || value instanceof Keyword
  );
}

export function outOfBounds(index: number, length: number): never {
  return raise("IndexOutOfBounds", `Index out of bounds in ${operation()}: index ${index}, length ${length}`);
}

/** The same kind of sequence as the model. */
export function likeKind(model: Sequence, values: Value[]): Sequence {
  return model instanceof List ? new List(values) : new Vector(values);
}
