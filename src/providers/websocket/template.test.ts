import { describe, expect, test } from "vitest";

import type { JsonValue } from "../../kernel/index.ts";
import { parseTemplate } from "./template.ts";

const input = { name: "Ada", n: 3, deep: { list: [1, 2] }, none: null, yes: true };
const values = { $id: 7, $login: { session: "s-1" }, $token: "secret" };
const fill = (source: JsonValue): JsonValue | undefined => parseTemplate(source).render({ input, values });

describe("a template", () => {
  test.each<[string, JsonValue, JsonValue | undefined]>([
    ["a place alone keeps the type of what fills it", "{n}", 3],
    ["a place leads into the input", "{deep.list.1}", 2],
    ["all of the input", "{$input}", input],
    ["a part of it", "{$input.deep}", { list: [1, 2] }],
    ["what the runtime knows", { id: "{$id}", in: "{$login.session}" }, { id: 7, in: "s-1" }],
    ["a place inside a text is text", "hello {name}, {n} {yes} {none} {deep}", 'hello Ada, 3 true  {"list":[1,2]}'],
    ["a place that nothing fills is left out of a map", { a: "{missing}", b: 1 }, { b: 1 }],
    ["a place that nothing fills is left out of a vector", ["{missing}", 1], [1]],
    ["a place that nothing fills is no text", "<{missing}>", "<>"],
    ["nil that was given stays", { a: "{none}" }, { a: null }],
    ["a doubled brace is one", "{{name}} {name}", "{name} Ada"],
    ["other braces are themselves", '{"a":{"b":{}}} {} { name } {1}', '{"a":{"b":{}}} {} { name } {1}'],
    ["what has no place stays as it is", { a: [1, null, true, "x"] }, { a: [1, null, true, "x"] }],
    [
      "what does not stand elsewhere",
      { n: "{n}", d: "{deep.list.0}", rest: "{$rest}" },
      { n: 3, d: 1, rest: { name: "Ada", none: null, yes: true } },
    ],
  ])("%s", (_name, source, filled) => expect(fill(source)).toEqual(filled));

  test("fills nothing with what objects inherit", () => {
    expect(fill("{constructor}")).toBeUndefined();
    expect(fill("{deep.__proto__.x}")).toBeUndefined();
    expect(parseTemplate("{$constructor}").render({ input, values })).toBeUndefined();
  });

  test("is not filled twice: what a caller gives is no template", () => {
    expect(parseTemplate("<{text}>").render({ input: { text: "{$token}" }, values })).toBe("<{$token}>");
  });

  test("keeps a key called __proto__", () => {
    const source = JSON.parse('{"__proto__":"{n}"}') as JsonValue;
    expect(JSON.stringify(fill(source))).toBe('{"__proto__":3}');
  });

  test("names its places", () => {
    expect([...parseTemplate({ a: "{x.y} {$id}", b: ["{z}"] }).names].toSorted()).toEqual(["$id", "x", "z"]);
  });
});
