import { effort, PARTS_A_REPORT } from "./effort.ts";
import { Float, List, RtfsError, RtfsMap, Sym, Vector, type Value } from "./values.ts";

/** Only nil and false are not true. */
export function isTruthy(value: Value): boolean {
  return value !== null && value !== false;
}

/**
 * Structural equality, strict as to kinds: `1` is not `1.0`, a string is not a keyword. Vectors and lists
 * are compared item by item with each other. NaN equals nothing; functions equal themselves.
 */
export function equals(a: Value, b: Value): boolean {
  // Keywords are interned and integers canonical, so most comparisons end here.
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  return equalObjects(a, b);
}

type Pair = readonly [Value, Value];

// A list of pairs still to be compared instead of recursion: data may nest deeper than the stack.
function equalObjects(a: Value, b: Value): boolean {
  const open: Pair[] = [[a, b]];
  let parts = 0;
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [left, right] = pair;
    if (left === right) continue;
    parts += left instanceof Vector || left instanceof List ? left.length : left instanceof RtfsMap ? left.size : 1;
    if (parts >= PARTS_A_REPORT) {
      effort.spend(parts >>> 1);
      parts = 0;
    }
    if (left instanceof Float) {
      if (!(right instanceof Float && right.value === left.value)) return false;
    } else if (left instanceof Vector || left instanceof List) {
      if (!(right instanceof Vector || right instanceof List) || right.length !== left.length) return false;
      for (let index = 0; index < left.length; index++) {
        const x = left.at(index);
        const y = right.at(index);
        if (x === y) continue;
        if (typeof x !== "object" || typeof y !== "object") return false;
        open.push([x, y]);
      }
    } else if (left instanceof RtfsMap) {
      if (!(right instanceof RtfsMap) || right.size !== left.size) return false;
      for (const [key, x] of left) {
        const y = right.get(key);
        if (y === undefined) return false;
        if (x !== y) open.push([x, y]);
      }
    } else if (left instanceof Sym) {
      if (!(right instanceof Sym && right.name === left.name)) return false;
    } else if (left instanceof RtfsError) {
      if (!(right instanceof RtfsError) || left.message !== right.message || left.type !== right.type) return false;
      open.push([left.data, right.data]);
    } else return false;
  }
  return true;
}
