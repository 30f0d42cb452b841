import { ScalarType } from "@bufbuild/protobuf";

import { fail, oneLine, type JsonValue } from "../../kernel/index.ts";

/** Throws `invalid-argument`: what of an input does not fit, and where. */
export function wrong(path: string, why: string, remedy?: string): never {
  return fail("invalid-argument", `${path === "" ? "The input" : `The input at ${path}`} does not fit: ${why}.`, {
    remedy,
  });
}

/** A value of a scalar type in the form that the library reads. */
export function scalar(type: ScalarType, value: JsonValue, path: string): JsonValue {
  switch (type) {
    case ScalarType.STRING:
      return text(value, path, "a text");
    case ScalarType.BOOL:
      if (typeof value !== "boolean") wrong(path, `true or false is expected, and this is ${kindOf(value)}`);
      return value;
    case ScalarType.BYTES:
      return text(value, path, "bytes in base64", (one) => /^[A-Za-z0-9+/_-]*={0,2}$/.test(one));
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT: {
      if (typeof value === "string" && /^(?:NaN|-?Infinity)$/.test(value)) return value;
      const number =
        typeof value === "bigint"
          ? Number(value)
          : typeof value === "string" && value.trim() !== ""
            ? Number(value)
            : value;
      if (typeof number !== "number" || !Number.isFinite(number))
        wrong(path, `a number is expected, and this is ${kindOf(value)}`);
      return number;
    }
    default:
      return integer(type, value, path);
  }
}

const RANGES = new Map<ScalarType, readonly [bigint, bigint]>([
  ...[ScalarType.INT32, ScalarType.SINT32, ScalarType.SFIXED32].map(
    (type) => [type, [-(2n ** 31n), 2n ** 31n - 1n]] as const,
  ),
  ...[ScalarType.UINT32, ScalarType.FIXED32].map((type) => [type, [0n, 2n ** 32n - 1n]] as const),
  ...[ScalarType.INT64, ScalarType.SINT64, ScalarType.SFIXED64].map(
    (type) => [type, [-(2n ** 63n), 2n ** 63n - 1n]] as const,
  ),
  ...[ScalarType.UINT64, ScalarType.FIXED64].map((type) => [type, [0n, 2n ** 64n - 1n]] as const),
]);

function integer(type: ScalarType, value: JsonValue, path: string): JsonValue {
  const isWhole =
    typeof value === "bigint" ||
    (typeof value === "number" && Number.isInteger(value)) ||
    (typeof value === "string" && /^-?\d{1,20}$/.test(value));
  if (!isWhole) wrong(path, `a whole number is expected, and this is ${kindOf(value)}`);
  const exact = BigInt(value as bigint | number | string);
  const [least, most] = RANGES.get(type) ?? [exact, exact];
  if (exact < least || exact > most) wrong(path, `${exact} is not from ${least} to ${most}`);
  // Of 64 bits the library takes texts; of 32 it wants numbers.
  return most > 2n ** 32n ? exact.toString() : Number(exact);
}

export function text(
  value: JsonValue,
  path: string,
  what: string,
  fits: (text: string) => boolean = () => true,
): string {
  if (typeof value !== "string" || !fits(value)) wrong(path, `${what} is expected, and this is ${kindOf(value)}`);
  return value;
}

/** A value for people. */
export function kindOf(value: JsonValue): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  const shown = oneLine(typeof value === "string" ? JSON.stringify(value) : String(value), 60);
  return typeof value === "string" ? `the text ${shown}` : shown;
}
