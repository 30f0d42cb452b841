import { describe, expect, test } from "vitest";

import { parseJson, type JsonObject, parsePath, valueAt } from "../../kernel/index.ts";
import { writePath } from "./path.ts";

describe("a path", () => {
  test.each([
    ["", []],
    ["a", ["a"]],
    ["a.b.0", ["a", "b", "0"]],
    ["/a.b/0", ["a.b", "0"]],
    ["/a~1b/c~0d", ["a/b", "c~d"]],
    [
      ["a.b", 0],
      ["a.b", "0"],
    ],
  ])("%j is %j", (text, path) => expect(parsePath(text)).toEqual(path));

  test.each([["a..b"], [".a"], [7], [{ a: 1 }], [[{}]], [Array.from({ length: 33 }, () => "a").join(".")]])(
    "%j is none",
    (text) => expect(parsePath(text)).toBeUndefined(),
  );

  test("leads into maps and vectors, and nowhere where nothing is", () => {
    const value = { a: [{ b: null }, 7] };
    expect(valueAt(value, [])).toBe(value);
    expect(valueAt(value, ["a", "0", "b"])).toBeNull();
    expect(valueAt(value, ["a", "1"])).toBe(7);
    for (const path of ["a.2", "a.-1", "a.x", "a.1.b", "b", "a.length", "a.0.b.c"]) {
      expect(valueAt(value, path.split("."))).toBeUndefined();
    }
  });

  test("does not see what every object inherits", () => {
    for (const path of ["constructor", "__proto__", "toString", "a.__proto__.x"]) {
      expect(valueAt({ a: {} }, path.split("."))).toBeUndefined();
    }
    expect(valueAt(parseJson('{"__proto__":{"x":1}}'), ["__proto__", "x"])).toBe(1);
  });

  test("takes a value where one is written, and copies what it goes through", () => {
    const shared = { kept: 1 };
    const object: JsonObject = { head: shared };
    writePath(object, ["head", "id"], 7);
    writePath(object, ["more", "deep"], 8);
    expect(object).toEqual({ head: { kept: 1, id: 7 }, more: { deep: 8 } });
    expect(shared).toEqual({ kept: 1 });
  });

  test("writes no prototype", () => {
    const object: JsonObject = {};
    writePath(object, ["__proto__", "polluted"], true);
    expect(JSON.stringify(object)).toBe('{"__proto__":{"polluted":true}}');
    expect(({} as JsonObject)["polluted"]).toBeUndefined();
  });
});
