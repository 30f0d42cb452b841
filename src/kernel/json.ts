import { fail } from "./errors.ts";

/**
 * A JSON value in memory. Integers beyond 2^53 are `bigint`, so that no digit is lost;
 * every other number is a JavaScript number.
 */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Sets an own property even when the key is `__proto__`, which plain assignment would take as the prototype. */
export function setOwn<T>(target: Record<string, T>, key: string, value: T): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  } else target[key] = value;
}

/** An own property, or undefined: `constructor` and the like are just missing keys. */
export function getOwn<T>(target: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(target, key) ? target[key] : undefined;
}

// Only a number of 16 or more digits can lose one; testing the text first keeps the reviver off the common path.
const LONG_NUMBER = /\d{16}/;
const INTEGER = /^-?\d+$/;
/** The time to convert digits grows faster than their number, and nothing can interrupt it. */
const MOST_DIGITS = 1000;

function reviveExactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    const source = context?.source;
    if (source === undefined || !INTEGER.test(source)) return value;
    if (source.length > MOST_DIGITS) throw new SyntaxError(`An integer of more than ${MOST_DIGITS} digits.`);
    return BigInt(source);
  }
  return value;
}

/** `JSON.parse` that keeps the digits of large integers. Throws `SyntaxError` on bad text, as `JSON.parse` does, and for an integer of more than 1000 digits. */
export function parseJson(text: string): JsonValue {
  return JSON.parse(text, LONG_NUMBER.test(text) ? reviveExactly : undefined) as JsonValue;
}

const { rawJSON } = JSON as unknown as { rawJSON(this: void, text: string): unknown };

function writeExactly(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return rawJSON(value.toString());
  if ((typeof value === "number" && !Number.isFinite(value)) || typeof value === "function") {
    fail("invalid-argument", `${typeof value === "number" ? value : "A function"} has no JSON form.`);
  }
  return value;
}

/** `JSON.stringify` that writes `bigint` as digits. A value JSON has no form for (NaN, a function) is an error, not `null`. */
export function stringifyJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, writeExactly, indent);
  if (text === undefined) fail("invalid-argument", `A ${typeof value} has no JSON form.`);
  return text;
}

/**
 * The same for what is known to be JSON, such as the input of a call: a replacer costs several times the writing, and
 * few values hold an integer that needs one.
 */
export function stringifyInput(value: object): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // Big integers have no other way to say that they are there.
    if (error instanceof TypeError) return stringifyJson(value);
    throw error;
  }
}

/** Whether a value has more levels than allowed, so that whoever goes through it by recursion may run out of stack. */
export function nestsDeeperThan(value: JsonValue, levels: number): boolean {
  // Level by level instead of by recursion.
  let level: JsonValue[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levels) return true;
    const next: JsonValue[] = [];
    for (const item of level) {
      if (typeof item !== "object" || item === null) continue;
      for (const inner of Array.isArray(item) ? item : Object.values(item)) {
        if (typeof inner === "object" && inner !== null) next.push(inner);
      }
    }
    level = next;
  }
  return false;
}
