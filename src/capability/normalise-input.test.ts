import { describe, expect, it } from "vitest";
import { evaluate, parseType, print, read, type Value, type Vector } from "../rtfs/index.ts";
import { normaliseInput } from "./normalise-input.ts";

function normalise(schema: string | undefined, args: string): string {
  const type = schema === undefined ? undefined : parseType(read(schema).forms[0]!).type;
  return print(normaliseInput("x", type, [...(evaluate(`[${args}]`) as Value as Vector)]));
}

describe("the input of a capability", () => {
  it.each([
    ["[:map [:w :int] [:h :int]]", "{:w 1 :h 2}", "{:w 1 :h 2}"],
    ["[:map [:w :int] [:h :int]]", "{:w 1}", "{:w 1}"],
    ["[:map [:w :int] [:h :int]]", '{"w" 1}', '{"w" 1}'],
    ["[:map [:w :int] [:h :int]]", "1 2", "{:w 1 :h 2}"],
    ["[:map [:w :int] [:h :int] [:unit :string ?]]", "1 2", "{:w 1 :h 2}"],
    ["[:map [:a :int ?]]", "{}", "{}"],
    ["[:map [:a :int ?]]", "", "{}"],
    ["[:map [:a :int ?]]", "nil", "{}"],
    ["[:map]", "", "{}"],
    ["[:map [:options :map]]", "{:x 1}", "{:options {:x 1}}"],
    ["[:map [:name :string]]", "{:nmae 1}", "{:nmae 1}"],
    ["[:and [:map [:w :int]] [:min-count 1]]", "5", "{:w 5}"],
    [undefined, "", "{}"],
    [undefined, "3", "3"],
    [undefined, "3 4", "[3 4]"],
    [":int", "3", "3"],
    [":map", "", "{}"],
    ["[:vector :int]", "", "[]"],
    ["[:vector :int]", "1", "[1]"],
    ["[:vector :int]", "1 2", "[1 2]"],
    ["[:vector :int]", "[1 2]", "[1 2]"],
    ["[:vector [:vector :int]]", "[1 2]", "[[1 2]]"],
    ["[:tuple :int :string]", '1 "a"', '[1 "a"]'],
  ])("with schema %s and arguments (%s) is %s", (schema, args, input) => {
    expect(normalise(schema, args)).toBe(input);
  });

  it.each([
    ["[:map [:w :int] [:h :int]]", "1", "takes a map with :w :int, :h :int; it was called with one argument"],
    ["[:map [:w :int] [:h :int]]", "", "it was called with no arguments"],
    ["[:map [:w :int]]", "1 2", "2 arguments"],
    ["[:map [:unit :string ?] [:w :int]]", "1", ":unit :string (optional), :w :int"],
    ["[:map [:w :int] [:* :any]]", "1", ":w :int"],
    ["[:map [:a :int ?]]", "1", ":a :int (optional)"],
  ])("cannot be told with schema %s and arguments (%s)", (schema, args, message) => {
    expect(() => normalise(schema, args)).toThrow(message);
  });
});
