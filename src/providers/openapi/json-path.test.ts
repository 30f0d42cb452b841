import { parsePath, valueAt } from "../../kernel/index.ts";
import { describe, expect, it } from "vitest";
import { withValueAt } from "./json-path.ts";

describe("a path into JSON", () => {
  it("is written with points, as a pointer, or as a vector", () => {
    expect(parsePath("meta.next")).toEqual(["meta", "next"]);
    expect(parsePath("/a~1b/c~0d/0")).toEqual(["a/b", "c~d", "0"]);
    expect(parsePath(["a.b", 0])).toEqual(["a.b", "0"]);
    expect(parsePath("")).toEqual([]);
    for (const wrong of ["a..b", ".a", 7, null, true, [{}]]) expect(parsePath(wrong as never)).toBeUndefined();
    expect(parsePath("a.".repeat(50) + "a")).toBeUndefined();
  });

  it("leads to what stands there, and to nothing of what every object has", () => {
    const value = { a: [{ b: 1 }], "x.y": 2 };
    expect(valueAt(value, ["a", "0", "b"])).toBe(1);
    expect(valueAt(value, ["x.y"])).toBe(2);
    expect(valueAt(value, [])).toBe(value);
    for (const path of [
      ["a", "1"],
      ["a", "length"],
      ["a", "b"],
      ["__proto__"],
      ["constructor", "name"],
      ["a", "0", "b", "c"],
    ]) {
      expect(valueAt(value, path)).toBeUndefined();
    }
  });

  it("changes a copy", () => {
    const value = { a: { b: 1 }, c: [1] };
    expect({ ...withValueAt(value, ["a", "d"], 2) }).toMatchObject({ a: { b: 1, d: 2 }, c: [1] });
    expect(value).toEqual({ a: { b: 1 }, c: [1] });
    const hostile = withValueAt({}, ["__proto__", "x"], 1);
    expect(Object.keys(hostile)).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });
});
