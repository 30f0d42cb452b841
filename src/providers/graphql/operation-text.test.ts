import { expect, test } from "vitest";
import { outlineOf } from "./operation-text.ts";

const operations = (text: string): string[] =>
  outlineOf(text).operations.map(({ kind, name }) => `${kind} ${name ?? "-"}`);

test("operations are found with their kinds and names", () => {
  expect(operations("{ viewer { login } }")).toEqual(["query -"]);
  expect(operations("query { a } mutation M { b } subscription S($x: Int = 1) @live { c }")).toEqual([
    "query -",
    "mutation M",
    "subscription S",
  ]);
});

test("braces of default values end no definition", () => {
  expect(operations("query Q($i: I = {a: {b: [1]}}) { a } query R { b }")).toEqual(["query Q", "query R"]);
});

test("fragments, comments, strings and descriptions are no operations", () => {
  expect(
    operations(`
      # query A { a }
      "query B { b }" """ mutation "C" \\""" { c } """
      fragment mutation on T { query subscription }
      query D { mutation(text: "} query E {", block: """ } query F { """) { subscription } }
    `),
  ).toEqual(["query D"]);
});

test("a document cut short still tells what it begins with", () => {
  expect(operations("mutation")).toEqual(["mutation -"]);
  expect(operations("subscription Watch")).toEqual(["subscription Watch"]);
  expect(operations('query Q { a(text: "never ends')).toEqual(["query Q"]);
  expect(operations("")).toEqual([]);
});

test("nesting is measured", () => {
  expect(outlineOf("{ a { b(x: [1]) { c } } }").depth).toBe(4);
  expect(outlineOf("{".repeat(1_000)).depth).toBe(1_000);
});
