import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./index.ts";

test("equal values have one text, whatever the order of their keys", () => {
  expect(canonicalJson({ b: [1, { d: null, c: true }], a: "x" })).toBe(
    canonicalJson({ a: "x", b: [1, { c: true, d: null }] }),
  );
  expect(canonicalJson({ a: undefined, b: 1 })).toBe(canonicalJson({ b: 1 }));
  expect(canonicalJson(-0)).toBe(canonicalJson(0));
});

test("different values have different texts", () => {
  const json = fc.jsonValue();
  fc.assert(
    fc.property(json, json, (one, other) => {
      const same = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
      expect(canonicalJson(one) === canonicalJson(other)).toBe(same);
    }),
  );
  expect(canonicalJson({ a: "1" })).not.toBe(canonicalJson({ a: 1 }));
  expect(canonicalJson([[1], 2])).not.toBe(canonicalJson([[1, 2]]));
  expect(canonicalJson(JSON.parse('{"__proto__": 1}'))).not.toBe(canonicalJson({}));
  expect(canonicalJson(9007199254740993n)).toBe("9007199254740993");
});

test("what is no JSON has no text", () => {
  for (const value of [
    Number.NaN,
    Infinity,
    undefined,
    () => 1,
    new Date(0),
    new Map(),
    [undefined],
    { a: new Date(0) },
  ]) {
    expect(canonicalJson(value)).toBeUndefined();
  }
});

test("what is nested too deep, or contains itself, has no text", () => {
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  expect(canonicalJson(deep)).toBeUndefined();
  const ring: Record<string, unknown> = {};
  ring["self"] = ring;
  expect(canonicalJson(ring)).toBeUndefined();
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return { entries: entries.map(([key, item]) => [key, sorted(item)]) };
}
