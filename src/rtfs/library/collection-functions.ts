import { charge, checkSize, errorField } from "../evaluator/invoke.ts";
import { raise, raiseTypeError } from "../evaluator/raise.ts";
import { equals } from "../equality.ts";
import { Keyword, RtfsError, RtfsMap, Vector, vector, type MapKey, type Value } from "../values.ts";
import {
  characters,
  count,
  isKey,
  isSequence,
  items,
  keyOf,
  likeKind,
  mapOf,
  operation,
  outOfBounds,
  scanned,
  sequence,
  text,
  type Sequence,
} from "./arguments.ts";
import { textLength } from "./strings.ts";

export function sized(values: Value[]): Value[] {
  checkSize(values.length);
  return values;
}

export function length(value: Value): number {
  if (isSequence(value)) return value.length;
  if (value instanceof RtfsMap) return value.size;
  if (typeof value === "string") return textLength(value);
  return raiseTypeError(operation(), "collection", value);
}

/** The pairs of a call such as `(hash-map k v …)`, checked. */
export function pairs(values: readonly Value[]): [MapKey, Value][] {
  if (values.length % 2 !== 0) {
    raise(
      "ArityMismatch",
      `Arity mismatch in ${operation()}: expected an even number of keys and values, got ${values.length}`,
    );
  }
  const result: [MapKey, Value][] = [];
  for (let index = 0; index < values.length; index += 2) {
    result.push([keyOf(values[index] as Value), values[index + 1] as Value]);
  }
  return result;
}

/** The item of a collection, undefined where there is none. */
export function lookUp(collection: Value, key: Value): Value | undefined {
  if (collection === null) return undefined;
  if (collection instanceof RtfsMap) return isKey(key) ? collection.get(key) : undefined;
  if (isSequence(collection)) {
    if (typeof key !== "number") {
      if (typeof key === "bigint") return undefined;
      return raiseTypeError(operation(), "integer", key);
    }
    return key >= 0 && key < collection.length ? collection.at(key) : undefined;
  }
  if (collection instanceof RtfsError && key instanceof Keyword) return errorField(collection, key.name);
  return raiseTypeError(operation(), "map or vector", collection);
}

export function getIn(collection: Value, path: Value, fallback: Value = null): Value {
  let current: Value = collection;
  for (const key of sequence(path)) {
    const next = lookUp(current, key);
    if (next === undefined) return fallback;
    current = next;
  }
  return current;
}

export function assoc(collection: Value, ...values: Value[]): Value {
  if (collection instanceof RtfsMap) {
    const changes = pairs(values);
    const [first] = changes;
    const changed =
      changes.length === 1 && first !== undefined ? collection.set(first[0], first[1]) : collection.with(changes);
    checkSize(changed.size);
    return changed;
  }
  if (collection === null) return RtfsMap.of(pairs(values));
  if (!isSequence(collection)) return raiseTypeError("assoc", "map or vector", collection);
  let result = collection;
  for (let index = 0; index < values.length; index += 2) {
    const at = count(values[index] as Value);
    if (index + 1 >= values.length) pairs(values);
    result = setAt(result, at, values[index + 1] as Value);
  }
  return result;
}

export function setAt(collection: Sequence, at: number, value: Value): Sequence {
  if (at < 0 || at >= collection.length) outOfBounds(at, collection.length);
  checkSize(collection.length);
  return collection.set(at, value);
}

export function merge(...maps: Value[]): Value {
  const entries = new Map<MapKey, Value>();
  for (const map of maps) {
    for (const [key, value] of mapOf(map)) entries.set(key, value);
    checkSize(entries.size);
    charge(mapOf(map).size >>> 4);
  }
  return new RtfsMap(entries);
}

export function contains(collection: Value, item: Value): Value {
  if (collection instanceof RtfsMap) return isKey(item) && collection.has(item);
  if (typeof collection === "string") return collection.includes(text(item));
  if (collection === null) return false;
  for (const other of scanned(sequence(collection))) if (equals(other, item)) return true;
  return false;
}

export function nth(collection: Value, index: Value, fallback: Value | undefined): Value {
  const from = items(collection);
  const at = count(index);
  if (at >= 0 && at < from.length) return from.at(at);
  return fallback === undefined ? outOfBounds(at, from.length) : fallback;
}

export function first(collection: Value): Value {
  if (collection === null) return null;
  const from = items(collection);
  return from.length === 0 ? null : from.at(0);
}

export function last(collection: Value): Value {
  if (collection === null) return null;
  const from = items(collection);
  return from.length === 0 ? null : from.at(from.length - 1);
}

/** A part of a collection, of its own kind: of a string, a string. */
export function part(collection: Value, select: (from: Sequence) => Sequence): Value {
  if (typeof collection === "string")
    return (select(new Vector(characters(collection))).toArray() as string[]).join("");
  return select(sequence(collection));
}

export function clamp(value: Value, limit: number): number {
  return Math.min(Math.max(0, count(value)), limit);
}

export function rest(collection: Value): Value {
  if (collection === null) return Vector.EMPTY;
  return part(collection, (from) => from.slice(Math.min(1, from.length)));
}

export function cons(item: Value, collection: Value): Value {
  if (collection === null) return vector([item]);
  return vector(sized([item, ...sequence(collection).toArray()]));
}

export function conj(collection: Value, ...values: Value[]): Value {
  if (collection instanceof RtfsMap) {
    const changed = collection.with(
      values.flatMap((value): (readonly [MapKey, Value])[] => {
        if (value instanceof RtfsMap) return [...value];
        if (!isSequence(value) || value.length !== 2) return raiseTypeError("conj", "[key value]", value);
        return [[keyOf(value.at(0)), value.at(1)]];
      }),
    );
    checkSize(changed.size);
    return changed;
  }
  if (collection === null) return vector(values);
  const from = sequence(collection);
  checkLength(from.length + values.length);
  let result: Vector = from instanceof Vector ? from : new Vector(from.toArray());
  for (const value of values) result = result.append(value);
  return result;
}

// Appending costs no copy, so it counts no more steps than any call.
export function checkLength(size: number): void {
  if (size > 4096 && (size & 1023) === 0) checkSize(size);
}

export function concat(...collections: Value[]): Value {
  const result: Value[] = [];
  for (const collection of collections) {
    if (collection === null) continue;
    for (const item of items(collection)) result.push(item);
    checkSize(result.length);
  }
  return vector(result);
}

export function reverse(collection: Value): Value {
  return part(collection, (from) => likeKind(from, sized(from.toArray()).reverse()));
}

export function subvec(collection: Value, from: Value, to: Value | undefined): Value {
  const whole = sequence(collection);
  const start = count(from);
  const end = to === undefined ? whole.length : count(to);
  if (start < 0 || start > end) outOfBounds(start, whole.length);
  if (end > whole.length) outOfBounds(end, whole.length);
  return whole.slice(start, end);
}

export function partition(size: Value, collection: Value): Value {
  const by = count(size);
  if (by <= 0) raise("InvalidArgument", `Invalid argument in partition: expected a size of at least 1, got ${by}`);
  const from = items(collection);
  const chunks: Value[] = [];
  for (let start = 0; start < from.length; start += by)
    chunks.push(from.slice(start, Math.min(start + by, from.length)));
  return vector(sized(chunks));
}

export function distinct(collection: Value): Value {
  const from = items(collection);
  checkSize(from.length);
  // Keys and nil are found by hashing; only what is compared by content is searched.
  const seen = new Set<Value>();
  const others: Value[] = [];
  const result: Value[] = [];
  for (const item of from) {
    if (seen.has(item)) continue;
    if (typeof item === "object" && item !== null && !(item instanceof Keyword)) {
      charge(others.length >>> 3);
      if (others.some((other) => equals(other, item))) continue;
      others.push(item);
    }
    seen.add(item);
    result.push(item);
  }
  return likeKind(from, result);
}

export function range(a: Value, b: Value | undefined, step: Value | undefined): Value {
  const start = b === undefined ? 0 : count(a);
  const end = b === undefined ? count(a) : count(b);
  const by = step === undefined ? 1 : count(step);
  if (by === 0) raise("InvalidArgument", "Invalid argument in range: the step is 0");
  return integers(start, end, by);
}

export function integers(start: number, end: number, by: number): Value {
  const size = Math.max(0, Math.ceil((end - start) / by));
  checkSize(size);
  const result: Value[] = [];
  for (let index = 0; index < size; index++) result.push(start + index * by);
  return vector(result);
}
