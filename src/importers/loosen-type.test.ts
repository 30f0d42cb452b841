import { expect, it } from "vitest";
import type { JsonValue } from "../kernel/index.ts";
import { checkJson, jsonSchemaToType, printType } from "../rtfs/index.ts";
import { loosenType } from "./loosen-type.ts";

const loosened = (schema: object): string => printType(loosenType(jsonSchemaToType(structuredClone(schema) as never)));

it.each<[object, string]>([
  [{ type: "string", minLength: 3, pattern: "^a" }, ":string"],
  [{ type: "integer", minimum: 1 }, ":int"],
  [{ type: "string", enum: ["a", "b"] }, '[:union [:enum "a" "b"] :string]'],
  [{ enum: ["a", null] }, '[:optional [:union [:enum "a" nil] :string]]'],
  [{ enum: ["a", { b: 1 }] }, ":any"],
  [{ const: "a" }, '[:union [:val "a"] :string]'],
  [{ type: "array", items: { type: "string", maxLength: 2 }, minItems: 2 }, "[:vector :string]"],
  [{ type: "array", prefixItems: [{}, {}], minItems: 2, maxItems: 2 }, "[:vector :any]"],
  [{ type: ["string", "null"] }, ":string?"],
  [{ anyOf: [{ type: "string" }, { type: "null" }, { type: "integer" }] }, "[:optional [:union :string :int]]"],
  [{ type: "object", additionalProperties: { type: "integer" } }, "[:map-of :string :int?]"],
  [
    {
      type: "object",
      required: ["a", "b"],
      properties: { a: { type: "string" }, b: { type: "object", properties: { c: {} } }, d: { type: "integer" } },
    },
    "[:map [:a :string?] [:b [:optional [:map [:c :any ?]]]] [:d :int?]]",
  ],
])("%j keeps its kind and asks for no more: %s", (schema, type) => {
  expect(loosened(schema)).toBe(type);
});

it("takes answers that leave out, add or empty something, and none of another kind", () => {
  const schema = {
    type: "object",
    required: ["id", "state"],
    properties: { id: { type: "integer" }, state: { enum: ["open"] } },
  };
  const type = loosenType(jsonSchemaToType(schema));
  const fitting: JsonValue[] = [{}, { id: null }, { id: 1, state: "half-open", more: 1 }];
  for (const answer of fitting) expect(checkJson(type, answer)).toEqual([]);
  const wrong: JsonValue[] = [{ id: "1" }, { state: 3 }, [], "text"];
  for (const answer of wrong) expect(checkJson(type, answer)).toHaveLength(1);
});
