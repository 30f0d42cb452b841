import { describe, expect, it } from "vitest";
import { parseJson } from "../../kernel/index.ts";
import { formToValue } from "../form-values.ts";
import { read } from "../reader/reader.ts";
import { list, RtfsFunction, vector, type Value } from "../values.ts";
import { checkJson, checkType, describeProblem, parseType, type Type } from "./index.ts";

const formOf = (text: string) => read(text).forms[0]!;
function type(text: string): Type {
  const parsed = parseType(formOf(text));
  expect(parsed.problems.filter((problem) => problem.severity === "error")).toEqual([]);
  return parsed.type;
}
const value = (text: string): Value => formToValue(formOf(text));
const told = (typeText: string, valueText: string) => checkType(type(typeText), value(valueText)).map(describeProblem);
const toldJson = (typeText: string, json: string) => checkJson(type(typeText), parseJson(json)).map(describeProblem);

class SomeFunction extends RtfsFunction {
  readonly name = "f";
}

describe("checking a value", () => {
  it.each([
    [":int", "3"],
    [":float", "3"],
    [":float", "3.5"],
    [":string", '"x"'],
    [":bool", "false"],
    [":nil", "nil"],
    [":keyword", ":k"],
    [":symbol", "sym"],
    [":any", "[1 {:a 2}]"],
    [":string?", "nil"],
    ["[:vector :int]", "[1 2 3]"],
    ["[:vector :int]", "(1 2 3)"],
    ["[:tuple :int :string]", '[1 "a"]'],
    ["[:array :int [2]]", "[1 2]"],
    ["[:map [:a :int]]", "{:a 1 :extra true}"],
    ["[:map [:a :int]]", '{"a" 1}'],
    ['[:map ["a" :int]]', "{:a 1}"],
    ["[:map [:a :int ?]]", "{}"],
    ["[:map [:a :int?]]", "{:a nil}"],
    ["[:map [1 :string]]", '{1 "x"}'],
    ["[:map-of :keyword :int]", "{:a 1 :b 2}"],
    ["[:map-of [:union :string :int] :int]", '{"a" 1 2 2}'],
    ["[:union :int :string]", '"x"'],
    ['[:enum "A" :b]', ":b"],
    ["[:val [1 {:a 2.0}]]", "[1 {:a 2.0}]"],
    ["[:and :int [:>= 0] [:< 1.5]]", "1"],
    ["[:and :int [:in-range 1 3]]", "3"],
    ["[:and :string [:length 2]]", '"😀é"'],
    ['[:and :string [:matches-regex "b+"]]', '"abbc"'],
    ["[:and [:vector :int] [:non-empty]]", "[1]"],
    ["[:and :map [:has-key :k] [:max-count 1]]", '{"k" 1}'],
    ["[:and :string [:is-url]]", '"https://x.example/a"'],
    ["[:and :string [:is-email]]", '"a.b@x.example"'],
    ["[:and :int [:!= 3]]", "4"],
    ["[:resource H]", '"resource://x"'],
    [":list", "(1)"],
    [":vector", "[1]"],
    [":map", "{}"],
  ])("%s accepts %s", (typeText, valueText) => {
    expect(told(typeText, valueText)).toEqual([]);
  });

  it.each([
    [":int", "1.0", "Type mismatch: expected :int, got float"],
    [":never", "nil", "Type mismatch: expected :never, got nil"],
    [":string", ":k", "Type mismatch: expected :string, got keyword"],
    ["[:vector :int]", '[1 "x"]', "Type mismatch at [1]: expected :int, got string"],
    ["[:vector :int]", "{}", "Type mismatch: expected [:vector :int], got map"],
    ["[:tuple :int]", "[]", "Type mismatch: expected 1 items, got 0"],
    ["[:array :int [2]]", "[1]", "Type mismatch: expected 2 items, got 1"],
    ["[:map [:a :int]]", "{}", "Missing required key :a"],
    ["[:map [:a :int ?]]", "{:a nil}", "Type mismatch at .a: expected :int, got nil"],
    ["[:map [:a [:map [:b :int]]]]", "{:a {}}", "Missing required key :b at .a"],
    [
      "[:map [:a [:vector [:map [:b :int]]]]]",
      "{:a [{:b 1} {:b nil}]}",
      "Type mismatch at .a[1].b: expected :int, got nil",
    ],
    ["[:map-of :keyword :int]", "{:a nil}", "Type mismatch at .a: expected :int, got nil"],
    ["[:map-of :string :int]", "{:a 1}", "Type mismatch at .a: expected :string, got keyword"],
    ["[:union :int :string]", "nil", "Type mismatch: expected [:union :int :string], got nil"],
    ["[:union :nil [:map [:a :int]]]", "{:a true}", "Type mismatch at .a: expected :int, got boolean"],
    [
      '[:enum "OPEN" "CLOSED"]',
      '"open"',
      'Type mismatch: expected one of "OPEN", "CLOSED", got "open" (did you mean "OPEN"?)',
    ],
    ["[:enum 1]", "1.0", "Type mismatch: expected one of 1, got 1"],
    ["[:and :int [:>= 0]]", "-1", "Predicate violation: expected >= 0, got -1"],
    ["[:and :int [:>= 0]]", '"x"', "Type mismatch: expected :int, got string"],
    ["[:and :string [:min-length 3]]", '"ab"', "Predicate violation: expected at least 3 characters, got 2"],
    [
      "[:and :map [:required-keys [:a :b]]]",
      "{:a 1}",
      "Predicate violation: expected the keys :a, :b, got a map without :b",
    ],
    ['[:and :string [:matches-regex "^a"]]', '"b"', 'Predicate violation: expected a text that matches "^a", got "b"'],
    ["[:and :string [:is-url]]", '"not a url"', 'Predicate violation: expected a URL, got "not a url"'],
  ])("%s refuses %s", (typeText, valueText, message) => {
    expect(told(typeText, valueText)).toEqual([message]);
  });

  it("accepts any function for a signature", () => {
    expect(checkType(type("[:fn [:int] :int]"), new SomeFunction())).toEqual([]);
    expect(checkType(type(":fn"), new SomeFunction())).toEqual([]);
    expect(checkType(type("[:fn [:int] :int]"), 3)).toHaveLength(1);
  });

  it("does not check a pattern that needs look-around", () => {
    expect(told('[:and :string [:matches-regex "(?=a)b"]]', '"zzz"')).toEqual([]);
  });

  it("finds several problems, and stops at twenty", () => {
    expect(told("[:map [:a :int] [:b :int]]", "{:a true :b true}")).toHaveLength(2);
    const items: Value[] = Array.from({ length: 1000 }, () => null);
    expect(checkType(type("[:vector :int]"), vector(items))).toHaveLength(20);
    expect(checkType(type("[:vector :int]"), list(items))).toHaveLength(20);
  });

  it("stays linear on a long text and a pattern that backtracking engines choke on", () => {
    const text = `${"a".repeat(200_000)}!`;
    expect(checkType(type('[:and :string [:matches-regex "^(a+)+$"]]'), text)).toHaveLength(1);
    const [problem] = checkType(type(":int"), "x".repeat(10_000_000));
    expect(problem?.message).toBe("expected :int, got string");
  });

  it("shows only the beginning of a long text", () => {
    const [problem] = checkType(type('[:enum "a"]'), "x".repeat(10_000_000));
    expect(problem?.message.length).toBeLessThan(150);
  });
});

describe("checking JSON", () => {
  it.each([
    [":int", "3.0"],
    [":int", "9007199254740993"],
    [":float", "3"],
    [":keyword", '"open"'],
    ["[:enum :open :closed]", '"open"'],
    ["[:enum :open :closed]", '":open"'],
    ["[:val 2.0]", "2"],
    ['[:map [:a :int] ["b" :int]]', '{"a": 1, "b": 2}'],
    ["[:map-of :int :string]", '{"1": "x"}'],
    ["[:map-of :keyword :string]", '{"k": "x"}'],
    ["[:vector :list]", "[[]]"],
    ["[:and :map [:count 1]]", '{"a": 1}'],
    ["[:map [:__proto__ :int]]", '{"__proto__": 1}'],
  ])("%s accepts %s", (typeText, json) => {
    expect(toldJson(typeText, json)).toEqual([]);
  });

  it.each([
    [":int", "3.5", "Type mismatch: expected :int, got number"],
    [":fn", "{}", "Type mismatch: expected :fn, got object"],
    ["[:map [:a :int]]", "[]", "Type mismatch: expected [:map [:a :int]], got array"],
    ["[:map [:constructor :any]]", "{}", "Missing required key :constructor"],
    ["[:map [:__proto__ :any]]", "{}", "Missing required key :__proto__"],
    ["[:map-of :int :string]", '{"x": "y"}', "Type mismatch at .x: expected :int, got string"],
  ])("%s refuses %s", (typeText, json, message) => {
    expect(toldJson(typeText, json)).toEqual([message]);
  });
});
