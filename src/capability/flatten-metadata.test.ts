import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson, type JsonObject, type JsonValue } from "../kernel/index.ts";
import { DEEPEST_METADATA, flattenMetadata } from "./flatten-metadata.ts";

const flat = (json: string): Record<string, string> => ({ ...flattenMetadata(parseJson(json) as JsonObject) });

describe("flattening metadata", () => {
  it("joins the path of an entry with underscores, at any depth", () => {
    expect(flat('{"line": {"server_url": "U", "auth": {"env_var": "T", "deep": {"er": "x"}}}, "top": "y"}')).toEqual({
      line_server_url: "U",
      line_auth_env_var: "T",
      line_auth_deep_er: "x",
      top: "y",
    });
  });

  it("writes scalars as text, a whole float without a point, vectors as JSON, and drops nil", () => {
    expect(
      flat('{"a": 30, "b": 2.0, "c": 1.5, "d": true, "e": null, "f": [1, {"g": "h"}], "i": 9007199254740993, "j": {}}'),
    ).toEqual({
      a: "30",
      b: "2",
      c: "1.5",
      d: "true",
      f: '[1,{"g":"h"}]',
      i: "9007199254740993",
    });
  });

  it("also stores a hyphenated key with underscores, unless that is taken", () => {
    expect(flat('{"line": {"server-url": "U"}}')).toEqual({ "line_server-url": "U", line_server_url: "U" });
    expect(flat('{"line": {"server-url": "U", "server_url": "V"}}')).toEqual({
      "line_server-url": "U",
      line_server_url: "V",
    });
  });

  it("lets a nested entry win over a flat one, whichever comes first", () => {
    expect(flat('{"line_url": "flat", "line": {"url": "nested"}}')).toEqual({ line_url: "nested" });
    expect(flat('{"line": {"url": "nested"}, "line_url": "flat"}')).toEqual({ line_url: "nested" });
  });

  it("takes keys from outside as data", () => {
    const result = flattenMetadata(parseJson('{"__proto__": {"polluted": "yes"}, "constructor": "c"}') as JsonObject);
    expect(Object.getPrototypeOf(result)).toBeNull();
    expect(Object.entries(result)).toEqual([
      ["constructor", "c"],
      ["__proto___polluted", "yes"],
    ]);
    expect(Object.entries(flattenMetadata(parseJson('{"__proto__": "p"}') as JsonObject))).toEqual([
      ["__proto__", "p"],
    ]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("refuses what is too deep, too much or too long", () => {
    let deep: JsonValue = "x";
    for (let level = 0; level < DEEPEST_METADATA + 1; level++) deep = { k: deep };
    expect(() => flattenMetadata(deep as JsonObject)).toThrow(/nests deeper/);
    let abyss: JsonValue = "x";
    for (let level = 0; level < 100_000; level++) abyss = { k: abyss };
    expect(() => flattenMetadata(abyss as JsonObject)).toThrow(/nests deeper/);
    expect(() => flattenMetadata(Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`k${i}`, "v"])))).toThrow(
      /entries/,
    );
    expect(() => flattenMetadata({ big: "x".repeat(10_000_000) })).toThrow(/characters/);
  });

  it("keeps every scalar reachable by its path, for any data", () => {
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean());
    const name = fc.stringMatching(/^[a-z]{1,4}$/);
    const tree = fc.letrec<{ node: JsonObject }>((tie) => ({
      node: fc.dictionary(name, fc.oneof({ maxDepth: 4 }, leaf, tie("node")), {
        maxKeys: 4,
      }) as fc.Arbitrary<JsonObject>,
    })).node;
    fc.assert(
      fc.property(tree, (data) => {
        const result = flattenMetadata(data);
        const walk = (value: JsonValue, path: string[]): void => {
          if (typeof value === "object" && value !== null) {
            for (const [key, item] of Object.entries(value)) walk(item as JsonValue, [...path, key]);
          } else expect(result[path.join("_")]).toBe(String(value));
        };
        walk(data, []);
      }),
    );
  });
});
