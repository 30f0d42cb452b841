import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isCcosError, parseJson, stringifyJson, type JsonValue } from "../kernel/index.ts";
import { equals } from "./equality.ts";
import { fromJson, fromJsonText, toJson, toJsonText } from "./json.ts";
import { print } from "./printer.ts";
import { Float, keyword, list, RtfsError, RtfsMap, Sym, vector, type Value } from "./values.ts";

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isCcosError(error)) return error.code;
    throw error;
  }
  return "none";
}

describe("from JSON", () => {
  test("keys become keywords only where they read back as one", () => {
    const value = fromJson(parseJson('{"items": [1], "with space": 2, "ns/a.b": 3, "1": 4, "": 5, "a:b": 6}'), {
      keys: "keywords",
    });
    expect(print(value)).toBe('{"1" 4 :items [1] "with space" 2 :ns/a.b 3 "" 5 "a:b" 6}');
  });

  test("numbers keep their kind and their digits", () => {
    expect(print(fromJson(parseJson("[1, 1.5, 9007199254740993, 99999999999999999999]")))).toBe(
      "[1 1.5 9007199254740993 100000000000000000000.0]",
    );
    expect(print(fromJsonText("[1.0, 1e2, -0, 9007199254740993]"))).toBe("[1.0 100.0 0 9007199254740993]");
  });

  test("__proto__ is a key like any other", () => {
    expect(print(fromJson(parseJson('{"__proto__": {"x": 1}}')))).toBe('{"__proto__" {"x" 1}}');
  });
});

describe("to JSON", () => {
  test("keywords and symbols are their text, keys are sorted, and __proto__ survives", () => {
    const value = RtfsMap.of([
      [keyword("b"), keyword("k")],
      ["__proto__", list([new Sym("s"), null])],
      ["a", new Float(2)],
    ]);
    expect(stringifyJson(toJson(value))).toBe('{"__proto__":["s",null],"a":2,"b":"k"}');
    expect(toJsonText(value)).toBe('{"__proto__":["s",null],"a":2.0,"b":"k"}');
  });

  test.each<[string, Value]>([
    ["NaN", new Float(Number.NaN)],
    ["an error", new RtfsError("m")],
    ["an error within", vector([new RtfsError("m")])],
  ])("%s has no form", (_name, value) => {
    expect(codeOf(() => toJson(value))).toBe("invalid-argument");
    expect(codeOf(() => toJsonText(value))).toBe("invalid-argument");
  });

  test("what nests too deep is refused in both directions", () => {
    let value: Value = null;
    let json: JsonValue = null;
    for (let level = 0; level < 100_000; level++) {
      value = vector([value]);
      json = [json];
    }
    expect(codeOf(() => toJson(value))).toBe("invalid-argument");
    expect(codeOf(() => fromJson(json))).toBe("invalid-argument");
  });
});

test("JSON as a value and back is the same JSON", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      const text = JSON.stringify(json);
      const value = fromJson(parseJson(text));
      expect(parseJson(stringifyJson(toJson(value)))).toEqual(parseJson(text));
      expect(equals(fromJsonText(toJsonText(value)), value)).toBe(true);
    }),
  );
});
