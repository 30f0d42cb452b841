import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  getOwn,
  isJsonObject,
  nestsDeeperThan,
  parseJson,
  setOwn,
  stringifyInput,
  stringifyJson,
  type JsonValue,
} from "./index.ts";

describe("reading and writing JSON", () => {
  test.each([
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["-9007199254740993", -9007199254740993n],
    ["123456789012345678901234567890", 123456789012345678901234567890n],
    ["1.5", 1.5],
    ["1e21", 1e21],
    ["0.1234567890123456789", Number("0.1234567890123456789")],
  ])("reads %s without losing a digit of an integer", (text, value) => {
    expect(parseJson(text)).toBe(value);
  });

  test("writes what is known to be JSON as it writes anything, big integers too", () => {
    for (const value of [{ a: [1, "b", null, { c: true }] }, { n: 12345678901234567890n }, [1n, { m: [2n] }]])
      expect(stringifyInput(value)).toBe(stringifyJson(value));
  });

  test("keeps the digits of long integers anywhere inside a value, both ways", () => {
    const text = '{"id":12345678901234567890,"list":[1,-98765432109876543210],"name":"12345678901234567890"}';
    expect(parseJson(text)).toEqual({
      id: 12345678901234567890n,
      list: [1, -98765432109876543210n],
      name: "12345678901234567890",
    });
    expect(stringifyJson(parseJson(text))).toBe(text);
  });

  test("gives back every integer it was given", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 90n), max: 2n ** 90n }), (n) => BigInt(parseJson(`${n}`) as bigint) === n),
    );
  });

  test("gives back every JSON value that fast-check can think of", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value = parseJson(text);
        expect(parseJson(stringifyJson(value))).toEqual(value);
      }),
    );
  });

  test("keeps a key called __proto__ as data", () => {
    const value = parseJson('{"__proto__":{"admin":true},"n":12345678901234567890}') as object;
    expect(Object.keys(value)).toEqual(["__proto__", "n"]);
    expect((value as { admin?: boolean }).admin).toBeUndefined();
    expect(stringifyJson(value)).toBe('{"__proto__":{"admin":true},"n":12345678901234567890}');
  });

  test("throws a SyntaxError on text that is no JSON", () => {
    expect(() => parseJson("{a: 1}")).toThrow(SyntaxError);
    expect(() => parseJson("1234567890123456789012,")).toThrow(SyntaxError);
  });

  test("reads integers of a thousand digits, and refuses longer ones instead of converting them for minutes", () => {
    const digits = "9".repeat(1000);
    expect(parseJson(digits)).toBe(BigInt(digits));
    expect(() => parseJson(`[${"9".repeat(5_000_000)}]`)).toThrow(SyntaxError);
  });

  test("tells how deep a value nests, however deep that is", () => {
    const nested = (levels: number): JsonValue =>
      parseJson(`${'[{"a":'.repeat(levels / 2)}1${"}]".repeat(levels / 2)}`);
    expect(nestsDeeperThan(1, 0)).toBe(false);
    expect(nestsDeeperThan([1, 2], 0)).toBe(false);
    expect(nestsDeeperThan([[]], 0)).toBe(true);
    expect(nestsDeeperThan(nested(1000), 999)).toBe(false);
    expect(nestsDeeperThan(nested(1002), 1000)).toBe(true);
    expect(nestsDeeperThan(nested(400_000), 1000)).toBe(true);
  });

  test("refuses to write what JSON has no form for", () => {
    expect(() => stringifyJson(undefined)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    expect(() => stringifyJson({ a: () => 1 })).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });

  test.each([[Number.NaN], [Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY]])(
    "refuses to write %d as null",
    (number) => {
      expect(() => stringifyJson({ a: [number] })).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    },
  );

  test("indents on request", () => {
    expect(stringifyJson({ a: 1n }, 2)).toBe('{\n  "a": 1\n}');
  });
});

describe("own properties", () => {
  test("__proto__ is set and read as a key like any other", () => {
    const target: Record<string, unknown> = {};
    setOwn(target, "__proto__", { admin: true });
    setOwn(target, "a", 1);
    expect(Object.getPrototypeOf(target)).toBe(Object.prototype);
    expect(Object.keys(target)).toEqual(["__proto__", "a"]);
    expect(getOwn(target, "__proto__")).toEqual({ admin: true });
    expect(target["admin"]).toBeUndefined();
  });

  test.each(["constructor", "toString", "__proto__", "hasOwnProperty"])("%s is missing where nobody set it", (key) => {
    expect(getOwn({}, key)).toBeUndefined();
  });

  test("only plain objects count as JSON objects", () => {
    expect([{}, Object.create(null), [], null, "x", 1].map(isJsonObject)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
