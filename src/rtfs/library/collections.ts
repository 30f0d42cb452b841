import type { BuiltinDeclaration } from "../evaluator/functions.ts";
import { raiseTypeError } from "../evaluator/raise.ts";
import { list, RtfsMap, vector, type Value } from "../values.ts";
import { count, isKey, mapOf } from "./arguments.ts";
import {
  sized,
  length,
  pairs,
  lookUp,
  getIn,
  assoc,
  merge,
  contains,
  nth,
  first,
  last,
  part,
  clamp,
  rest,
  cons,
  conj,
  concat,
  reverse,
  subvec,
  partition,
  distinct,
  range,
  integers,
} from "./collection-functions.ts";

const MANY = Number.POSITIVE_INFINITY;

export const collections: readonly BuiltinDeclaration[] = [
  {
    name: "vector",
    params: "[& values]",
    doc: "A vector of the values.",
    arity: [0, MANY],
    fn: (...values: Value[]) => vector(sized(values)),
  },
  {
    name: "list",
    params: "[& values]",
    doc: "A list of the values.",
    arity: [0, MANY],
    fn: (...values: Value[]) => list(sized(values)),
  },
  {
    name: "hash-map",
    params: "[& keys-and-values]",
    doc: "A map of the keys and values.",
    arity: [0, MANY],
    fn: (...values: Value[]) => RtfsMap.of(pairs(sized(values))),
  },
  {
    name: "count",
    aliases: ["length"],
    params: "[coll]",
    doc: "The number of items, entries or characters.",
    arity: [1, 1],
    fn: length,
  },
  {
    name: "empty?",
    params: "[coll]",
    doc: "Whether there is nothing in it; nil is empty.",
    arity: [1, 1],
    fn: (coll: Value) => coll === null || length(coll) === 0,
  },
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
  {
    name: "get-in",
    params: "[coll path default?]",
    doc: "The value at the end of a path of keys; the default, or nil, where it breaks off.",
    arity: [2, 3],
    fn: getIn,
  },
  {
    name: "assoc",
    params: "[coll key value & more]",
    doc: "The collection with keys, or existing indexes, set to values.",
    arity: [3, MANY],
    fn: assoc,
  },
  {
    name: "dissoc",
    params: "[map & keys]",
    doc: "The map without keys.",
    arity: [1, MANY],
    fn: (map: Value, ...keys: Value[]) => mapOf(map).without(...keys.filter(isKey)),
  },
  {
    name: "merge",
    params: "[map & maps]",
    doc: "One map of all; of equal keys the last counts.",
    arity: [1, MANY],
    fn: merge,
  },
  {
    name: "keys",
    params: "[map]",
    doc: "A vector of the keys.",
    arity: [1, 1],
    fn: (map: Value) => vector(sized([...mapOf(map).keys()])),
  },
  {
    name: "vals",
    params: "[map]",
    doc: "A vector of the values.",
    arity: [1, 1],
    fn: (map: Value) => vector(sized([...mapOf(map).values()])),
  },
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
  {
    name: "contains?",
    params: "[coll item]",
    doc: "Whether a map has the key, a sequence the item, or a text the part.",
    arity: [2, 2],
    fn: contains,
  },
  { name: "first", params: "[coll]", doc: "The first item, or nil.", arity: [1, 1], fn: first },
  { name: "last", params: "[coll]", doc: "The last item, or nil.", arity: [1, 1], fn: last },
  { name: "rest", params: "[coll]", doc: "All but the first item, of the same kind.", arity: [1, 1], fn: rest },
  {
    name: "nth",
    params: "[coll index default?]",
    doc: "The item at an index; without a default, an error where there is none.",
    arity: [2, 3],
    fn: nth,
  },
  {
    name: "cons",
    params: "[item coll]",
    doc: "A vector of the item and those of the collection.",
    arity: [2, 2],
    fn: cons,
  },
  {
    name: "conj",
    params: "[coll & items]",
    doc: "A vector of the collection's items and more; a map with more entries.",
    arity: [1, MANY],
    fn: conj,
  },
  { name: "concat", params: "[& colls]", doc: "A vector of the items of all.", arity: [0, MANY], fn: concat },
  { name: "reverse", params: "[coll]", doc: "In reverse order, of the same kind.", arity: [1, 1], fn: reverse },
  {
    name: "take",
    params: "[n coll]",
    doc: "The first n items, of the same kind.",
    arity: [2, 2],
    fn: (n: Value, coll: Value) => part(coll, (from) => from.slice(0, clamp(n, from.length))),
  },
  {
    name: "drop",
    params: "[n coll]",
    doc: "All but the first n items, of the same kind.",
    arity: [2, 2],
    fn: (n: Value, coll: Value) => part(coll, (from) => from.slice(clamp(n, from.length))),
  },
  {
    name: "subvec",
    params: "[coll from to?]",
    doc: "The items from one index up to another, or to the end.",
    arity: [2, 3],
    fn: subvec,
  },
  {
    name: "partition",
    params: "[n coll]",
    doc: "A vector of chunks of n items; the last may be shorter.",
    arity: [2, 2],
    fn: partition,
  },
  { name: "distinct", params: "[coll]", doc: "Each item once, where it comes first.", arity: [1, 1], fn: distinct },
  {
    name: "range",
    params: "[from? to step?]",
    doc: "The integers from one (or 0) up to another, which is left out.",
    arity: [1, 3],
    fn: range,
  },
  {
    name: "numbers",
    params: "[from to]",
    doc: "The integers from one to another, which is included.",
    arity: [2, 2],
    fn: (a: Value, b: Value) => integers(count(a), count(b) + 1, 1),
  },
];
