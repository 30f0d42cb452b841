import { describe, expect, it } from "vitest";
import { read } from "../reader/reader.ts";
import { isTypeName, parseAnnotationType, parseType, printType, type Type } from "./index.ts";

function formOf(text: string) {
  const { forms, errors } = read(text);
  if (errors[0] !== undefined) throw errors[0];
  return forms[0]!;
}
function parse(text: string): Type {
  const { type, problems } = parseType(formOf(text));
  expect(problems).toEqual([]);
  return type;
}
function problemsOf(text: string): string[] {
  return parseType(formOf(text)).problems.map((each) => `${each.severity}: ${each.message}`);
}

describe("parsing a type", () => {
  it.each([
    [":int", ":int"],
    ["Int", ":int"],
    ["int", ":int"],
    [":integer", ":int"],
    [":number", ":float"],
    [":boolean", ":bool"],
    ["Never", ":never"],
    ["nil", ":nil"],
    [":string?", ":string?"],
    ["Int?", ":int?"],
    [":map", ":map"],
    ["[:vector :int]", "[:vector :int]"],
    ["[:vector [:vector :int]?]", "[:vector [:optional [:vector :int]]]"],
    ["[:tuple :int :string]", "[:tuple :int :string]"],
    ["[:array :int [3]]", "[:array :int [3]]"],
    ["[:array :int [?]]", "[:vector :int]"],
    ["[:map [:a :int] [:b :string ?] [:c :bool?] [:* :any]]", "[:map [:a :int] [:b :string ?] [:c :bool?] [:* :any]]"],
    ["[:record [:tags [:vector :string]?]]", "[:map [:tags [:vector :string] ?]]"],
    ['[:map {:a :int "b c" :string}]', '[:map [:a :int] ["b c" :string]]'],
    [
      "[:map {:a [:vector :int]? :b :int ? :c :string ?}]",
      "[:map [:a [:optional [:vector :int]]] [:b :int?] [:c :string?]]",
    ],
    ['{"k" :int}', '[:map ["k" :int]]'],
    ["[:map-of :string :int]", "[:map-of :string :int]"],
    ["[:dict :keyword :any]", "[:map-of :keyword :any]"],
    ["[:union :int :nil]", "[:union :int :nil]"],
    ["[:optional :int]", ":int?"],
    ['[:enum "A" :b 3 1.5 nil true]', '[:enum "A" :b 3 1.5 nil true]'],
    ["[:val 2.0]", "[:val 2.0]"],
    ["[:and :int [:>= 0] [:< 10.5]]", "[:and :int [:>= 0] [:< 10.5]]"],
    [
      '[:and :map [:has-key :k] [:required-keys [:a "b"]]]',
      '[:and :map [:required-keys [:k]] [:required-keys [:a "b"]]]',
    ],
    ["[:fn [:int & :string] :bool]", "[:fn [:int & :string] :bool]"],
    ["[:=> [] :any]", "[:fn [] :any]"],
    ["[:resource Handle]", '[:resource "Handle"]'],
  ])("reads %s as %s", (text, printed) => {
    expect(printType(parse(text))).toBe(printed);
  });

  it("takes an entry with an optional type as an optional key", () => {
    const type = parse("[:map [:a :string?] [:b :string ?] [:c [:union :string :nil]]]");
    expect(type.kind === "record" && type.entries.map((entry) => entry.optional)).toEqual([true, true, false]);
  });

  it("keeps the last of two entries for one key", () => {
    expect(printType(parse("[:map [:a :int] [:b :int] [:a :string]]"))).toBe("[:map [:a :string] [:b :int]]");
  });

  it("reads an unknown name as :any with a warning that names the nearest type", () => {
    const { type, problems } = parseType(formOf("[:map [:a :strng]]"));
    expect(printType(type)).toBe("[:map [:a :any]]");
    expect(problems).toEqual([
      {
        severity: "warning",
        message: 'Unknown type :strng; it is read as :any. Did you mean "string"?',
        place: { file: undefined, line: 1, column: 11 },
      },
    ]);
  });

  it("makes an unknown name an error in an annotation", () => {
    const [problem] = parseAnnotationType(formOf(":strng")).problems;
    expect(problem?.severity).toBe("error");
  });

  it("reads an old call form as :any with a warning", () => {
    expect(problemsOf("(map :a :string)")).toEqual([expect.stringMatching(/^warning: A type written as a call/)]);
  });

  it("refuses an unknown predicate", () => {
    expect(problemsOf("[:and :int [:divisible-by 3]]")).toEqual(["error: Unknown predicate [:divisible-by …]."]);
  });

  it.each([
    ['[:and :int [:>= "x"]]', "error: The predicate :>= takes a number."],
    ["[:and :string [:min-length -1]]", "error: The predicate :min-length takes a count."],
    ["[:vector]", "error: Malformed type: expected exactly one type inside."],
    ["[:map :a :int]", "error: An entry of a map type is written [:key Type] or [:key Type ?]."],
    ["[]", "error: A type in brackets starts with a keyword, such as [:vector :int]."],
    ["3", "error: A type is a keyword, a symbol, a vector or a map."],
    ["[:enum (fn [x] x) foo]", "error: A value of :enum or :val is a literal"],
  ])("refuses %s", (text, message) => {
    expect(problemsOf(text)[0]).toContain(message);
  });

  it("warns of a pattern it cannot check in linear time", () => {
    expect(problemsOf('[:and :string [:matches-regex "(?=a)b"]]')).toEqual([
      expect.stringMatching(/^warning: The pattern of :matches-regex/),
    ]);
  });

  it("bounds the nesting and the number of problems", () => {
    expect(problemsOf(`${"[:vector ".repeat(80)}:int${"]".repeat(80)}`)).toEqual([
      "error: A type is nested more than 64 levels deep.",
    ]);
    expect(problemsOf(`[:union ${":nope ".repeat(500)}]`)).toHaveLength(50);
  });
});

describe("isTypeName", () => {
  it("knows names in any capitalisation, with or without the mark", () => {
    for (const name of ["int", "Int", "STRING?", "any", "Boolean", "map?"]) expect(isTypeName(name)).toBe(true);
    for (const name of ["blue", "?", "", "constructor", "__proto__"]) expect(isTypeName(name)).toBe(false);
  });
});
