import { raise, raiseTypeError } from "../evaluator/raise.ts";
import { Float, integer, INTEGER_MAX, INTEGER_MIN, type Integer } from "../values.ts";
import type { Numeric } from "./arguments.ts";

/** The number as JavaScript has it; of a large integer, the nearest. */
export function toNumber(value: Numeric): number {
  return value instanceof Float ? value.value : Number(value);
}

/** The canonical integer of an exact result, within 64 bits. */
export function exact(value: bigint): Integer {
  if (value > INTEGER_MAX || value < INTEGER_MIN)
    return raise("IntegerOverflow", "Integer overflow: the result does not fit 64 bits");
  return integer(value);
}

function small(value: number): boolean {
  return value <= Number.MAX_SAFE_INTEGER && value >= -Number.MAX_SAFE_INTEGER;
}

export function add(a: Numeric, b: Numeric): Numeric {
  if (a instanceof Float || b instanceof Float) return new Float(toNumber(a) + toNumber(b));
  if (typeof a === "number" && typeof b === "number" && small(a + b)) return a + b;
  return exact(BigInt(a) + BigInt(b));
}

export function subtract(a: Numeric, b: Numeric): Numeric {
  if (a instanceof Float || b instanceof Float) return new Float(toNumber(a) - toNumber(b));
  if (typeof a === "number" && typeof b === "number" && small(a - b)) return a - b;
  return exact(BigInt(a) - BigInt(b));
}

export function multiply(a: Numeric, b: Numeric): Numeric {
  if (a instanceof Float || b instanceof Float) return new Float(toNumber(a) * toNumber(b));
  // Adding 0 turns negative zero into zero: integers have one.
  if (typeof a === "number" && typeof b === "number" && small(a * b)) return a * b + 0;
  return exact(BigInt(a) * BigInt(b));
}

function isZero(value: Numeric): boolean {
  return toNumber(value) === 0;
}

export function divisionByZero(): never {
  return raise("DivisionByZero", "Division by zero");
}

/** Over a whole chain: an integer where the result is one and all operands are, else a float. */
export function divide(first: Numeric, others: readonly Numeric[]): Numeric {
  if (others.some(isZero)) return divisionByZero();
  if (first instanceof Float || others.some((other) => other instanceof Float)) {
    return new Float(others.reduce((result: number, other) => result / toNumber(other), toNumber(first)));
  }
  let left = BigInt(first);
  for (const other of others as Integer[]) {
    const by = BigInt(other);
    if (left % by !== 0n)
      return new Float(others.reduce((result: number, item) => result / toNumber(item), Number(first)));
    left /= by;
  }
  return exact(left);
}

/** The remainder, with the sign of the dividend. */
export function remainder(a: Numeric, b: Numeric): Numeric {
  if (isZero(b)) return divisionByZero();
  if (a instanceof Float || b instanceof Float) return new Float(toNumber(a) % toNumber(b));
  if (typeof a === "number" && typeof b === "number") return (a % b) + 0;
  return exact(BigInt(a) % BigInt(b));
}

export function power(base: Numeric, exponent: Numeric): Numeric {
  if (base instanceof Float || exponent instanceof Float || exponent < 0) {
    return new Float(toNumber(base) ** toNumber(exponent));
  }
  const b = BigInt(base);
  // Beyond this every base but these overflows; computing the digits first would take forever.
  if (exponent > 64 && b !== 0n && b !== 1n && b !== -1n) return exact(INTEGER_MAX + 1n);
  return exact(b ** (b === -1n ? BigInt(exponent) % 2n : BigInt(exponent > 64 ? 64 : exponent)));
}

export function factorial(n: Integer): Integer {
  if (n < 0)
    return raise("InvalidArgument", `Invalid argument in factorial: expected a non-negative integer, got ${n}`);
  if (n > 20) return exact(INTEGER_MAX + 1n);
  let result = 1n;
  for (let factor = 2n; factor <= BigInt(n); factor++) result *= factor;
  return exact(result);
}

/** Which of two numbers is less, by value; false where one is NaN. */
export function less(a: Numeric, b: Numeric): boolean {
  const x = a instanceof Float ? a.value : a;
  const y = b instanceof Float ? b.value : b;
  return x < y;
}

/** A float's integer part, where it fits 64 bits. */
export function truncate(value: number): Integer {
  if (!Number.isFinite(value)) return raiseTypeError("int", "finite number", new Float(value));
  const whole = Math.trunc(value) + 0;
  return Number.isSafeInteger(whole) ? whole : exact(BigInt(whole));
}
