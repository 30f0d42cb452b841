import { describe, expect, it } from "vitest";
import { Float, keyword, primitive, type RecordEntry, type Type } from "../rtfs/index.ts";
import { readCallInput } from "./call-input.ts";

const stdin = (text: string) =>
  (async function* () {
    yield Buffer.from(text);
  })();

const entry = (name: string, type: Type): RecordEntry => ({ key: keyword(name), type, optional: false });
const int = primitive("int");
const string = primitive("string");

const schema: Type = {
  kind: "record",
  rest: undefined,
  entries: [
    entry("n", int),
    entry("f", primitive("float")),
    entry("b", primitive("bool")),
    entry("s", string),
    entry("maybe", { kind: "optional", type: int }),
    entry("labels", { kind: "sequence", item: string, length: undefined }),
    entry("counts", { kind: "sequence", item: int, length: undefined }),
    entry("either", { kind: "union", types: [int, primitive("bool")] }),
    entry("loose", { kind: "union", types: [string, int] }),
    entry("state", { kind: "enum", values: ["OPEN", "CLOSED"] }),
    entry("level", { kind: "enum", values: [1, 2] }),
    entry("mixed", { kind: "enum", values: [new Float(0.5), new Float(Number.NaN), true, null, "1", 1, 2n ** 60n] }),
    entry("nothing", primitive("nil")),
    entry("nick", { kind: "optional", type: string }),
    entry("positive", { kind: "and", types: [int], predicates: [] }),
    { key: "plain key", type: int, optional: false },
  ],
};

const read = async (words: string[], type: Type | "none" = schema, input = "") =>
  (await readCallInput(words, { cwd: "/", stdin: stdin(input) })).typedBy(type === "none" ? undefined : type);

describe("the input of a call", () => {
  it("is an empty object where nothing is given", async () => {
    expect(await read([])).toEqual({});
  });

  it("is any JSON value, from the argument or from stdin", async () => {
    expect(await read(['{"a": [1, "x=y"]}'])).toEqual({ a: [1, "x=y"] });
    expect(await read(["-5"])).toBe(-5);
    expect(await read(['"a=b"'])).toBe("a=b");
    expect(await read(["-"], schema, '{"from": "stdin"}')).toEqual({ from: "stdin" });
    expect(await read(["12345678901234567890"])).toBe(12345678901234567890n);
  });

  it.each([
    ["n=3", { n: 3 }],
    ["n=-3", { n: -3 }],
    ["n=9007199254740993", { n: 9007199254740993n }],
    ["n=007", { n: "007" }],
    ["n=three", { n: "three" }],
    ["f=1.5", { f: 1.5 }],
    ["b=true", { b: true }],
    ["b=yes", { b: "yes" }],
    ["s=3", { s: "3" }],
    ["s=", { s: "" }],
    ["s=a=b", { s: "a=b" }],
    ['s={"not": "parsed"}', { s: '{"not": "parsed"}' }],
    ["maybe=4", { maybe: 4 }],
    ["either=false", { either: false }],
    ["loose=4", { loose: "4" }],
    ["state=OPEN", { state: "OPEN" }],
    ["level=2", { level: 2 }],
    ["mixed=0.50", { mixed: 0.5 }],
    ["mixed=true", { mixed: true }],
    ["mixed=null", { mixed: null }],
    ["mixed=1", { mixed: "1" }],
    ["mixed=1152921504606846976", { mixed: 2n ** 60n }],
    ["mixed=other", { mixed: "other" }],
    ["maybe=null", { maybe: null }],
    ["nothing=null", { nothing: null }],
    ["nick=null", { nick: "null" }],
    ["positive=7", { positive: 7 }],
    ["plain key=5", { "plain key": 5 }],
    ["unknown=3", { unknown: "3" }],
    ["unknown:=3", { unknown: 3 }],
    ["s:=null", { s: null }],
    ["labels=bug", { labels: ["bug"] }],
    ['labels=["a","b"]', { labels: ["a", "b"] }],
    ["counts=1", { counts: [1] }],
  ])("%s goes by the schema", async (word, expected) => {
    expect(await read([word])).toEqual(expected);
  });

  it("takes every word as a string where there is no schema", async () => {
    expect(await read(["n=3", "b=true"], "none")).toEqual({ n: "3", b: "true" });
  });

  it("adds pairs to an object, the later one winning, and collects a list item by item", async () => {
    expect(await read(['{"n": 1, "s": "x"}', "n=2"])).toEqual({ n: 2, s: "x" });
    expect(await read(["labels=a", "labels=b"])).toEqual({ labels: ["a", "b"] });
    expect(await read(['{"labels": ["old"]}', "labels=a"])).toEqual({ labels: ["a"] });
    expect(await read(["s=a", "s=b"])).toEqual({ s: "b" });
  });

  it("keeps __proto__ a key like any other", async () => {
    const input = (await read(["__proto__=x", 'constructor:={"a":1}'], "none")) as object;
    expect(Object.entries(input)).toEqual([
      ["__proto__", "x"],
      ["constructor", { a: 1 }],
    ]);
    expect(Object.getPrototypeOf(input)).toBe(Object.prototype);
  });

  it.each([
    [["{bad"], /not JSON/],
    [["word"], /not JSON/],
    [["a:={bad"], /of a is not JSON/],
    [["[1]", "a=b"], /only be added to a JSON object/],
    [["{}", "word"], /no key=value pair/],
    [["a=b", "{}"], /no key=value pair/],
    [["=b"], /not JSON/],
    [["@/no/such/file"], /does not exist/],
    [["@/tmp"], /is a folder/],
  ])("%j is a mistake of usage", async (words, message) => {
    await expect(read(words)).rejects.toMatchObject({ name: "UsageError", message: expect.stringMatching(message) });
  });
});
