import type { BuiltinDeclaration } from "../evaluator/functions.ts";
import { charge, checkSize, errorField } from "../evaluator/invoke.ts";
import { raise, raiseTypeError } from "../evaluator/raise.ts";
import { equals } from "../equality.ts";
import { Keyword, list, RtfsError, RtfsMap, Vector, vector, type MapKey, type Value } from "../values.ts";
import { characters, count, isKey, isSequence, items, keyOf, likeKind, mapOf, operation, outOfBounds, scanned, sequence, text, type Sequence } from "./arguments.ts";
import { textLength } from "./strings.ts";

const MANY = Number.POSITIVE_INFINITY;

function sized(values: Value[]): Value[] {
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
function pairs(values: readonly Value[]): [MapKey, Value][] {
  if (values.length % 2 !== 0) {
    raise("ArityMismatch", `Arity mismatch in ${operation()}: expected an even number of keys and values, got ${values.length}`);
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

function getIn(collection: Value, path: Value, fallback: Value = null): Value {
  let current: Value = collection;
  for (const key of sequence(path)) {
    const next = lookUp(current, key);
    if (next === undefined) return fallback;
    current = next;
  }
  return current;
}

function assoc(collection: Value, ...values: Value[]): Value {
  if (collection instanceof RtfsMap) {
    const changes = pairs(values);
    const [first] = changes;
    const changed = changes.length === 1 && first !== undefined ? collection.set(first[0], first[1]) : collection.with(changes);
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

function merge(...maps: Value[]): Value {
  const entries = new Map<MapKey, Value>();
  for (const map of maps) {
    for (const [key, value] of mapOf(map)) entries.set(key, value);
    checkSize(entries.size);
    charge(mapOf(map).size >>> 4);
  }
  return new RtfsMap(entries);
}

function contains(collection: Value, item: Value): Value {
  if (collection instanceof RtfsMap) return isKey(item) && collection.has(item);
  if (typeof collection === "string") return collection.includes(text(item));
  if (collection === null) return false;
  for (const other of scanned(sequence(collection))) if (equals(other, item)) return true;
  return false;
}

function nth(collection: Value, index: Value, fallback: Value | undefined): Value {
  const from = items(collection);
  const at = count(index);
  if (at >= 0 && at < from.length) return from.at(at);
  return fallback === undefined ? outOfBounds(at, from.length) : fallback;
}

function first(collection: Value): Value {
  if (collection === null) return null;
  const from = items(collection);
  return from.length === 0 ? null : from.at(0);
}

function last(collection: Value): Value {
  if (collection === null) return null;
  const from = items(collection);
  return from.length === 0 ? null : from.at(from.length - 1);
}

/** A part of a collection, of its own kind: of a string, a string. */
function part(collection: Value, select: (from: Sequence) => Sequence): Value {
  if (typeof collection === "string") return (select(new Vector(characters(collection))).toArray() as string[]).join("");
  return select(sequence(collection));
}

function clamp(value: Value, limit: number): number {
  return Math.min(Math.max(0, count(value)), limit);
}

function rest(collection: Value): Value {
  if (collection === null) return Vector.EMPTY;
  return part(collection, (from) => from.slice(Math.min(1, from.length)));
}

function cons(item: Value, collection: Value): Value {
  if (collection === null) return vector([item]);
  return vector(sized([item, ...sequence(collection).toArray()]));
}

function conj(collection: Value, ...values: Value[]): Value {
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
function checkLength(size: number): void {
  if (size > 4096 && (size & 1023) === 0) checkSize(size);
}

function concat(...collections: Value[]): Value {
  const result: Value[] = [];
  for (const collection of collections) {
    if (collection === null) continue;
    for (const item of items(collection)) result.push(item);
    checkSize(result.length);
  }
  return vector(result);
}

function reverse(collection: Value): Value {
  return part(collection, (from) => likeKind(from, sized(from.toArray()).reverse()));
}

function subvec(collection: Value, from: Value, to: Value | undefined): Value {
  const whole = sequence(collection);
  const start = count(from);
  const end = to === undefined ? whole.length : count(to);
  if (start < 0 || start > end) outOfBounds(start, whole.length);
  if (end > whole.length) outOfBounds(end, whole.length);
  return whole.slice(start, end);
}

function partition(size: Value, collection: Value): Value {
  const by = count(size);
  if (by <= 0) raise("InvalidArgument", `Invalid argument in partition: expected a size of at least 1, got ${by}`);
  const from = items(collection);
  const chunks: Value[] = [];
  for (let start = 0; start < from.length; start += by) chunks.push(from.slice(start, Math.min(start + by, from.length)));
  return vector(sized(chunks));
}

function distinct(collection: Value): Value {
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

function range(a: Value, b: Value | undefined, step: Value | undefined): Value {
  const start = b === undefined ? 0 : count(a);
  const end = b === undefined ? count(a) : count(b);
  const by = step === undefined ? 1 : count(step);
  if (by === 0) raise("InvalidArgument", "Invalid argument in range: the step is 0");
  return integers(start, end, by);
}

function integers(start: number, end: number, by: number): Value {
  const size = Math.max(0, Math.ceil((end - start) / by));
  checkSize(size);
  const result: Value[] = [];
  for (let index = 0; index < size; index++) result.push(start + index * by);
  return vector(result);
}

export const collections: readonly BuiltinDeclaration[] = [
  { name: "vector", params: "[& values]", doc: "A vector of the values.", arity: [0, MANY], fn: (...values: Value[]) => vector(sized(values)) },
  { name: "list", params: "[& values]", doc: "A list of the values.", arity: [0, MANY], fn: (...values: Value[]) => list(sized(values)) },
  { name: "hash-map", params: "[& keys-and-values]", doc: "A map of the keys and values.", arity: [0, MANY], fn: (...values: Value[]) => RtfsMap.of(pairs(sized(values))) },
  { name: "count", aliases: ["length"], params: "[coll]", doc: "The number of items, entries or characters.", arity: [1, 1], fn: length },
  { name: "empty?", params: "[coll]", doc: "Whether there is nothing in it; nil is empty.", arity: [1, 1], fn: (coll: Value) => coll === null || length(coll) === 0 },
  {
    name: "get",
    params: "[coll key default?]",
    doc: "The value of a key, or the item at an index; the default, or nil, where there is none.",
    arity: [1, 3],
    fn: (coll: Value, key: Value | undefined, fallback: Value = null) => {
      if (key === undefined) return raiseTypeError("get", "keyword or symbol", coll);
      const value = lookUp(coll, key);
      return value === undefined ? fallback : value;
    },
  },
  { name: "get-in", params: "[coll path default?]", doc: "The value at the end of a path of keys; the default, or nil, where it breaks off.", arity: [2, 3], fn: getIn },
  { name: "assoc", params: "[coll key value & more]", doc: "The collection with keys, or existing indexes, set to values.", arity: [3, MANY], fn: assoc },
  { name: "dissoc", params: "[map & keys]", doc: "The map without keys.", arity: [1, MANY], fn: (map: Value, ...keys: Value[]) => mapOf(map).without(...keys.filter(isKey)) },
  { name: "merge", params: "[map & maps]", doc: "One map of all; of equal keys the last counts.", arity: [1, MANY], fn: merge },
  { name: "keys", params: "[map]", doc: "A vector of the keys.", arity: [1, 1], fn: (map: Value) => vector(sized([...mapOf(map).keys()])) },
  { name: "vals", params: "[map]", doc: "A vector of the values.", arity: [1, 1], fn: (map: Value) => vector(sized([...mapOf(map).values()])) },
  {
    name: "find",
    params: "[map key]",
    doc: "[key value], or nil where the key is missing.",
    arity: [2, 2],
    fn: (map: Value, key: Value) => {
      const value = isKey(key) ? mapOf(map).get(key) : undefined;
      return value === undefined ? null : vector([key, value]);
    },
  },
  { name: "contains?", params: "[coll item]", doc: "Whether a map has the key, a sequence the item, or a text the part.", arity: [2, 2], fn: contains },
  { name: "first", params: "[coll]", doc: "The first item, or nil.", arity: [1, 1], fn: first },
  { name: "last", params: "[coll]", doc: "The last item, or nil.", arity: [1, 1], fn: last },
  { name: "rest", params: "[coll]", doc: "All but the first item, of the same kind.", arity: [1, 1], fn: rest },
  { name: "nth", params: "[coll index default?]", doc: "The item at an index; without a default, an error where there is none.", arity: [2, 3], fn: nth },
  { name: "cons", params: "[item coll]", doc: "A vector of the item and those of the collection.", arity: [2, 2], fn: cons },
  { name: "conj", params: "[coll & items]", doc: "A vector of the collection's items and more; a map with more entries.", arity: [1, MANY], fn: conj },
  { name: "concat", params: "[& colls]", doc: "A vector of the items of all.", arity: [0, MANY], fn: concat },
  { name: "reverse", params: "[coll]", doc: "In reverse order, of the same kind.", arity: [1, 1], fn: reverse },
  { name: "take", params: "[n coll]", doc: "The first n items, of the same kind.", arity: [2, 2], fn: (n: Value, coll: Value) => part(coll, (from) => from.slice(0, clamp(n, from.length))) },
  { name: "drop", params: "[n coll]", doc: "All but the first n items, of the same kind.", arity: [2, 2], fn: (n: Value, coll: Value) => part(coll, (from) => from.slice(clamp(n, from.length))) },
  { name: "subvec", params: "[coll from to?]", doc: "The items from one index up to another, or to the end.", arity: [2, 3], fn: subvec },
  { name: "partition", params: "[n coll]", doc: "A vector of chunks of n items; the last may be shorter.", arity: [2, 2], fn: partition },
  { name: "distinct", params: "[coll]", doc: "Each item once, where it comes first.", arity: [1, 1], fn: distinct },
  { name: "range", params: "[from? to step?]", doc: "The integers from one (or 0) up to another, which is left out.", arity: [1, 3], fn: range },
  { name: "numbers", params: "[from to]", doc: "The integers from one to another, which is included.", arity: [2, 2], fn: (a: Value, b: Value) => integers(count(a), count(b) + 1, 1) },
];
