import type { BuiltinDeclaration } from "../evaluator/functions.ts";
import { apply, call1, call2, checkSize, step } from "../evaluator/invoke.ts";
import { resumeWith, SUSPEND, suspend, vm } from "../evaluator/machine.ts";
import { raise, raiseTypeError } from "../evaluator/raise.ts";
import { isTruthy } from "../equality.ts";
import type { Form } from "../forms.ts";
import { findBuiltin } from "./find.ts";
import type { List, Vector } from "../values.ts";
import { Keyword, RtfsMap, RtfsFunction, vector, type MapKey, type Value } from "../values.ts";
import {
  count,
  isKey,
  isSequence,
  items,
  likeKind,
  mapOf,
  operation,
  outOfBounds,
  sequence,
  shown,
} from "./arguments.ts";
import { lookUp, setAt } from "./collection-functions.ts";

const MANY = Number.POSITIVE_INFINITY;

/** A function, or a keyword, which looks itself up. */
function callable(value: Value): Value {
  return value instanceof RtfsFunction || value instanceof Keyword
    ? value
    : raiseTypeError(operation(), "function", value);
}

/**
 * Calls a function for each index and hands over what it gives, until `take` says that it has seen
 * enough. Everything that loops over a program's function goes through here (or is written like it), so
 * that the function may wait for the host or nest deep.
 */
function forEach(
  size: number,
  call: (index: number) => Value,
  take: (value: Value, index: number) => boolean,
  finish: () => Value,
): Value {
  const site = vm.at;
  const from = (start: number): Value => {
    for (let index = start; index < size; index++) {
      // Library functions as callbacks count no steps themselves.
      if (step(site)) return suspend({ kind: "yield", start: () => once(index) });
      const value = call(index);
      if (value === SUSPEND) return later(index);
      if (take(value, index)) return finish();
    }
    return finish();
  };
  const later = (index: number): Value => resumeWith((value) => (take(value, index) ? finish() : from(index + 1)));
  const once = (index: number): Value => {
    const value = call(index);
    if (value === SUSPEND) return later(index);
    return take(value, index) ? finish() : from(index + 1);
  };
  return from(0);
}

function map(fn: Value, collection: Value): Value {
  callable(fn);
  const from = items(collection);
  const site = vm.at;
  const results: Value[] = [];
  return forEach(
    from.length,
    (index) => call1(fn, from.at(index), site),
    (value) => {
      results.push(value);
      return false;
    },
    () => vector(results),
  );
}

function mapIndexed(fn: Value, collection: Value): Value {
  callable(fn);
  const from = items(collection);
  const site = vm.at;
  const results: Value[] = [];
  return forEach(
    from.length,
    (index) => call2(fn, index, from.at(index), site),
    (value) => {
      results.push(value);
      return false;
    },
    () => vector(results),
  );
}

function select(wanted: boolean) {
  return (predicate: Value, collection: Value): Value => {
    callable(predicate);
    const from = items(collection);
    const site = vm.at;
    const results: Value[] = [];
    return forEach(
      from.length,
      (index) => call1(predicate, from.at(index), site),
      (verdict, index) => {
        if (isTruthy(verdict) === wanted) results.push(from.at(index));
        return false;
      },
      () => likeKind(from, results),
    );
  };
}

function reduce(fn: Value, second: Value, third: Value | undefined): Value {
  callable(fn);
  const from = items(third === undefined ? second : third);
  const site = vm.at;
  let result = second;
  let offset = 0;
  if (third === undefined) {
    if (from.length === 0)
      raise("InvalidArgument", "Invalid argument in reduce: nothing to reduce, and no initial value");
    result = from.at(0);
    offset = 1;
  }
  return forEach(
    from.length - offset,
    (index) => call2(fn, result, from.at(index + offset), site),
    (value) => {
      result = value;
      return false;
    },
    () => result,
  );
}

/** Whether some item (or every one, when `wanted` is false) settles the question at once. */
function search(wanted: boolean) {
  return (predicate: Value, collection: Value): Value => {
    callable(predicate);
    if (collection === null) return !wanted;
    const from = items(collection);
    const site = vm.at;
    let found = !wanted;
    return forEach(
      from.length,
      (index) => call1(predicate, from.at(index), site),
      (verdict) => {
        if (isTruthy(verdict) !== wanted) return false;
        found = wanted;
        return true;
      },
      () => found,
    );
  };
}

function applyTo(fn: Value, ...values: Value[]): Value {
  callable(fn);
  const last = values.pop() as Value;
  if (last !== null) {
    const spread = sequence(last);
    // Arguments travel on the JavaScript stack.
    if (spread.length > 10_000)
      raise("ResourceError", `apply passes at most 10000 arguments, and was given ${spread.length}`);
    values.push(...spread.toArray());
  }
  return apply(fn, values, vm.at);
}

function groupKey(value: Value): MapKey {
  return isKey(value) ? value : shown(value);
}

function groupBy(fn: Value, collection: Value): Value {
  callable(fn);
  const from = items(collection);
  const site = vm.at;
  const groups = new Map<MapKey, Value[]>();
  return forEach(
    from.length,
    (index) => call1(fn, from.at(index), site),
    (value, index) => {
      const key = groupKey(value);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [from.at(index)]);
      else group.push(from.at(index));
      return false;
    },
    () => RtfsMap.of([...groups].map(([key, group]) => [key, vector(group)] as const)),
  );
}

function frequencies(collection: Value): Value {
  const counts = new Map<MapKey, number>();
  const from = items(collection);
  checkSize(from.length);
  for (const item of from) {
    const key = groupKey(item);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return new RtfsMap(counts);
}

/** `(update coll key f arg …)`; the function may be given by its name. */
function update(collection: Value, key: Value, fn: Value, ...args: Value[]): Value {
  const named = typeof fn === "string" ? functionNamed(fn) : callable(fn);
  const isMap = collection instanceof RtfsMap || collection === null;
  if (!isMap && !isSequence(collection)) raiseTypeError("update", "map or vector", collection);
  if (isMap && !isKey(key)) raiseTypeError("update", "keyword, string or integer key", key);
  if (isSequence(collection) && lookUp(collection, key) === undefined) outOfBounds(count(key), collection.length);
  const old = lookUp(collection, key) ?? null;
  const store = (value: Value): Value => {
    if (isSequence(collection)) return setAt(collection, count(key), value);
    return (collection === null ? RtfsMap.EMPTY : mapOf(collection)).set(key as MapKey, value);
  };
  const value = apply(named, [old, ...args], vm.at);
  return value === SUSPEND ? resumeWith(store) : store(value);
}

function functionNamed(name: string): Value {
  const settings = vm.run?.settings;
  const index = settings?.names.find(name);
  const defined = index === undefined ? undefined : settings?.globals[index];
  const fn = defined ?? findBuiltin(name);
  return fn === undefined ? raise("UndefinedSymbol", `Undefined symbol: ${name}`) : callable(fn);
}

export function eachCall(
  fn: Value,
  from: Vector | List,
  site: Form | undefined,
  then: (values: Value[]) => Value,
): Value {
  const results: Value[] = [];
  return forEach(
    from.length,
    (index) => call1(fn, from.at(index), site),
    (value) => {
      results.push(value);
      return false;
    },
    () => then(results),
  );
}

export const higherOrder: readonly BuiltinDeclaration[] = [
  { name: "map", params: "[f coll]", doc: "A vector of what f gives for each item.", arity: [2, 2], fn: map },
  {
    name: "map-indexed",
    params: "[f coll]",
    doc: "A vector of what f gives for each index and item.",
    arity: [2, 2],
    fn: mapIndexed,
  },
  {
    name: "filter",
    params: "[pred coll]",
    doc: "The items for which pred is true, of the same kind.",
    arity: [2, 2],
    fn: select(true),
  },
  {
    name: "remove",
    params: "[pred coll]",
    doc: "The items for which pred is not true, of the same kind.",
    arity: [2, 2],
    fn: select(false),
  },
  {
    name: "reduce",
    params: "[f init? coll]",
    doc: "Combines all items, from the left: (f (f init a) b) and so on.",
    arity: [2, 3],
    fn: reduce,
  },
  { name: "some?", params: "[pred coll]", doc: "Whether pred is true for some item.", arity: [2, 2], fn: search(true) },
  {
    name: "every?",
    params: "[pred coll]",
    doc: "Whether pred is true for every item.",
    arity: [2, 2],
    fn: search(false),
  },
  {
    name: "apply",
    params: "[f & args coll]",
    doc: "Calls f with the arguments and the items of a sequence.",
    arity: [2, MANY],
    fn: applyTo,
  },
  {
    name: "group-by",
    params: "[f coll]",
    doc: "A map from what f gives to a vector of the items it gives that for.",
    arity: [2, 2],
    fn: groupBy,
  },
  {
    name: "frequencies",
    params: "[coll]",
    doc: "A map from each item to how often it occurs.",
    arity: [1, 1],
    fn: frequencies,
  },
  {
    name: "update",
    params: "[coll key f & args]",
    doc: "The collection with what f gives for a key's value (nil where it is missing) and the arguments.",
    arity: [3, MANY],
    fn: update,
  },
];
