import { effort, PARTS_A_REPORT } from "./effort.ts";
import { Float, Keyword, List, RtfsError, RtfsFunction, RtfsMap, Sym, Vector, type Value } from "./values.ts";

/** Where a kind stands in the order of all values; integers and floats are one kind. */
function rank(value: Value): number {
  if (value === null) return 0;
  switch (typeof value) {
    case "boolean":
      return 1;
    case "number":
    case "bigint":
      return 2;
    case "string":
      return 3;
    default:
      break;
  }
  if (value instanceof Float) return 2;
  if (value instanceof Keyword) return 4;
  if (value instanceof Sym) return 5;
  if (value instanceof Vector) return 6;
  if (value instanceof List) return 7;
  if (value instanceof RtfsMap) return 8;
  if (value instanceof RtfsFunction) return 9;
  return 10;
}

/** Negative, zero or positive: the order of strings by code point, which `<` on UTF-16 is not. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x === y) continue;
    // Surrogates stand for code points above all others.
    const xs = x >= 0xd800 && x <= 0xdfff;
    const ys = y >= 0xd800 && y <= 0xdfff;
    if (xs !== ys) return xs ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}

/** Compares numbers of either kind by value, exactly; NaN comes before all others. */
export function compareNumbers(a: number | bigint | Float, b: number | bigint | Float): number {
  const x = a instanceof Float ? a.value : a;
  const y = b instanceof Float ? b.value : b;
  if (x < y) return -1;
  if (x > y) return 1;
  // A number and a bigint of one value are equal only this way.
  // oxlint-disable-next-line eqeqeq
  if (x == y) return 0;
  const xNan = Number.isNaN(x);
  return xNan === Number.isNaN(y) ? 0 : xNan ? -1 : 1;
}

/** The items of a map in the order of its keys, as one run of keys and values: two maps compare as these do. */
function sortedEntries(map: RtfsMap): Value[] {
  return [...map].sort((a, b) => compareValues(a[0], b[0])).flat();
}

function runOf(value: Value): Value[] | undefined {
  if (value instanceof Vector || value instanceof List) return value.toArray();
  return value instanceof RtfsMap ? sortedEntries(value) : undefined;
}

function compareAtoms(a: Value, b: Value): number {
  if (typeof a === "string") return compareStrings(a, b as string);
  if (a instanceof Keyword || a instanceof Sym) return compareStrings(a.name, (b as Keyword | Sym).name);
  if (typeof a === "boolean") return Number(a) - Number(b);
  if (a instanceof RtfsError) return compareStrings(a.message, (b as RtfsError).message);
  if (typeof a === "number" || typeof a === "bigint" || a instanceof Float) {
    return compareNumbers(a, b as number | bigint | Float);
  }
  return 0;
}

/**
 * The total order of `sort`: nil, booleans, numbers by value, strings by code point, keywords, symbols,
 * vectors (item by item, then the shorter first), lists, maps.
 */
export function compareValues(a: Value, b: Value): number {
  if (a === b) return 0;
  if (typeof a === "number" && typeof b === "number") return a - b;
  // What is still to be compared, the next on top: data may nest deeper than the stack.
  const open: [Value, Value][] = [[a, b]];
  let parts = 0;
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [left, right] = pair;
    if (left === right) continue;
    const difference = rank(left) - rank(right);
    if (difference !== 0) return difference;
    const x = runOf(left);
    if (x === undefined) {
      const order = compareAtoms(left, right);
      if (order !== 0) return order;
      continue;
    }
    const y = runOf(right) as Value[];
    parts += x.length + y.length;
    if (parts >= PARTS_A_REPORT) {
      effort.spend(parts >>> 1);
      parts = 0;
    }
    const shared = Math.min(x.length, y.length);
    open.push([x.length, y.length]);
    for (let index = shared - 1; index >= 0; index--) {
      if (x[index] !== y[index]) open.push([x[index] as Value, y[index] as Value]);
    }
  }
  return 0;
}
