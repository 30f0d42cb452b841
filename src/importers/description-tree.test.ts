import { describe, expect, it } from "vitest";
import { readTree } from "./description-tree.ts";

const read = (text: string) => readTree({ text, url: new URL("file:///x/api.yaml"), shown: "api.yaml" }, "description");
const failure = async (text: string): Promise<{ message: string; place?: unknown; code: string }> => {
  try {
    await read(text);
  } catch (error) {
    return error as { message: string; code: string };
  }
  throw new Error("It was read.");
};

describe("a description", () => {
  it("is read as JSON or as YAML, to the same", async () => {
    const json = await read('{"a": {"b": [1, null, "x"]}, "200": true}');
    const yaml = await read("a:\n  b: [1, ~, x]\n200: true\n");
    expect(json.value).toEqual({ a: { b: [1, null, "x"] }, "200": true });
    expect(yaml.value).toEqual(json.value);
    expect((await read("{a: 1, b: [x]}")).value).toEqual({ a: 1, b: ["x"] });
  });

  it("keeps every key as data", async () => {
    const { value } = await read('{"__proto__": {"x": 1}, "constructor": 2}');
    expect(Object.keys(value as object)).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it("says where a thing stands, or the nearest above it", async () => {
    for (const text of ['{\n "a": {\n  "b": [ {"c": 1} ] } }', "a:\n  b:\n   - c: 1\n"]) {
      const { lineOf } = await read(text);
      const isJson = text.startsWith("{");
      expect(await lineOf(["a", "b", "0"])).toBe(isJson ? "3:10" : "3:6");
      expect(await lineOf(["a", "b", "7", "x"])).toBe(isJson ? "3:8" : "3:4");
      expect(await lineOf([])).toBe("1:1");
    }
    expect(await (await read("x:\n  200: {a: 1}\n")).lineOf(["x", "200"])).toBe("2:8");
  });

  it.each([
    ['{\n  "a": 1\n  "b": 2\n}', /^api\.yaml:3:3 is no JSON: /],
    ['{"a": [1, 2}', /^api\.yaml:1:12 is no JSON: /],
    ['{"a": 1', /^api\.yaml.* is no JSON: /],
    ["a: 1\nb: [1, 2\nc: 3\n", /^api\.yaml:3:\d+ is no YAML or JSON: /],
    ["a:\n\t- 1\n", /^api\.yaml:2:\d+ is no YAML or JSON: /],
    ["a: 1\na: 2\n", /^api\.yaml:2:1 is no YAML or JSON: Map keys must be unique/],
    ["", /^api\.yaml is empty/],
    [" \n ", /^api\.yaml is empty/],
    ["<!doctype html><title>Docs</title>", /^api\.yaml is a page in HTML or XML and no description/],
    ["just a text", /^api\.yaml is a text and no description/],
    ["404: not found", /./],
  ])("with a mistake is refused with its place: %j", async (text, message) => {
    if (text.startsWith("404")) return expect((await read(text)).value).toEqual({ "404": "not found" });
    const error = await failure(text);
    expect(error.code).toBe("invalid-argument");
    expect(error.message).toMatch(message);
    const at = /^api\.yaml:(\d+):(\d+)/.exec(error.message);
    if (at !== null) expect(error.place).toEqual({ file: "api.yaml", line: Number(at[1]), column: Number(at[2]) });
  });

  it("may use an anchor several times, and each use is a value of its own", async () => {
    const { value } = await read("a: &x {n: [1]}\nb: *x\nc:\n  <<: *x\n  m: 2\n");
    expect(value).toEqual({ a: { n: [1] }, b: { n: [1] }, c: { n: [1], m: 2 } });
    const { a, b } = value as { a: object; b: object };
    expect(a).not.toBe(b);
  });

  it("may not unfold without end", async () => {
    const bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let level = 1; level < 10; level++) {
      const alias = `*a${level - 1}`;
      bomb.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => alias).join(", ")}]`);
    }
    expect((await failure(bomb.join("\n"))).message).toContain("unfolds to more than");
    expect((await failure("a: &a\n  b: *a\n")).message).toContain("nested deeper than");
    const merges = [
      "k0: &k0 {x: 1}",
      ...Array.from({ length: 1_500 }, (_, at) => `k${at + 1}: &k${at + 1} {<<: *k${at}, y${at}: 1}`),
    ];
    expect((await failure(merges.join("\n"))).message).toContain("merge keys");
  });

  it("may not be nested without end", async () => {
    const depth = 100_000;
    expect((await failure("[".repeat(depth) + "]".repeat(depth))).message).toMatch(/nested/);
    expect((await failure(`a: ${"[".repeat(5_000)}${"]".repeat(5_000)}`)).message).toMatch(/nested/);
    expect((await failure(`${'{"a":'.repeat(1_000)}1${"}".repeat(1_000)}`)).message).toContain("nested deeper than");
  });

  it("may not be endless YAML", async () => {
    expect((await failure(`# ${"x".repeat(17 * 1024 * 1024)}\na: 1`)).message).toContain("of YAML");
  });
});
