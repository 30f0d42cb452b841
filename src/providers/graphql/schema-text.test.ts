import { buildSchema, introspectionFromSchema, printSchema } from "graphql";
import { describe, expect, test } from "vitest";
import type { JsonValue } from "../../kernel/index.ts";
import { schemaOf } from "./introspect.ts";
import { readSchemaText } from "./schema-text.ts";

const fields = (text: string): string[] =>
  Object.keys(readSchemaText(text, "s.graphql").schema.getQueryType()?.getFields() ?? {});

describe("a schema in its own language", () => {
  test("is read with extensions, of types that stand elsewhere too", () => {
    expect(fields("type Query { a: Int } extend type Query { b: Int }")).toEqual(["a", "b"]);
    expect(fields("extend type Query { a: User } extend type Query { b: Int } extend type User { id: ID }")).toEqual([
      "a",
      "b",
    ]);
  });

  test("may use directives that nobody defines, and define things twice", () => {
    expect(fields('type Query @key(fields: "x") { a: Int @cost(n: 3) a: Int }')).toEqual(["a"]);
  });

  test("keeps what is sound, and lists what is not with its place", () => {
    const { schema, leftOut } = readSchemaText(
      `type Query {
  good(x: Int): String
  bad: Missing
  args(x: Missing): Int
  needs(x: Missing!): Int
  wrong(x: Thing): Int
}
union U = Thing | Nowhere
type Thing { id: ID }
input I { a: Missing, b: Int }`,
      "s.graphql",
    );
    expect(Object.keys(schema.getQueryType()?.getFields() ?? {})).toEqual(["good", "args", "wrong"]);
    expect(leftOut).toEqual([
      { name: "Query.bad", place: "s.graphql:3:8", reason: "Its type Missing is not defined." },
      { name: "Query.args(x)", place: "s.graphql:4:11", reason: "Its type Missing is not defined." },
      { name: "Query.needs(x)", place: "s.graphql:5:12", reason: "Its type Missing is not defined." },
      { name: "Query.needs", place: "s.graphql:5:3", reason: "An argument that it needs cannot be used." },
      { name: "Query.wrong(x)", place: "s.graphql:6:12", reason: "Its type Thing is no type for input." },
      { name: "U", place: "s.graphql:8:19", reason: "Its type Nowhere is not defined." },
      { name: "I.a", place: "s.graphql:10:14", reason: "Its type Missing is not defined." },
    ]);
  });

  test.each([
    ["type Query {\n  a: Int\n  b c\n}", "s.graphql:3:5 cannot be read"],
    ["type Mutation { a: Int }", "has no queries"],
    ["", "s.graphql:1:1 cannot be read"],
    ["<html></html>", "s.graphql:1:1 cannot be read"],
    [`type Query { a: ${"[".repeat(20_000)}Int${"]".repeat(20_000)} }`, "cannot be read"],
    ["query { a }", "has no queries"],
    ["schema { query: Nowhere }", "has no queries"],
  ])("is refused with the place: %j", (text, message) => {
    expect(() => readSchemaText(text, "s.graphql")).toThrow(message);
  });
});

describe("a schema as JSON", () => {
  const source = buildSchema(
    "type Query { a(x: E = ONE, i: In): [T!]! } enum E { ONE TWO } input In { b: Int! = 1 } type T { id: ID }",
  );
  const introspection = introspectionFromSchema(source);

  test("is read with and without the envelope of the response", () => {
    for (const value of [introspection, { data: introspection }]) {
      expect(printSchema(readSchemaText(JSON.stringify(value), "s.json").schema)).toBe(printSchema(source));
    }
  });

  test.each(['{"data": {}}', '{"__schema": {"types": []}}', '{"__schema": 7}', '{"a"', '{"__schema": {"types": "x"}}'])(
    "is refused where it is none: %s",
    (text) => {
      expect(() => readSchemaText(text, "s.json")).toThrow(/s\.json (?:holds no schema|is no JSON)/);
    },
  );

  test("is read without the parts that make no sense, and those are listed", () => {
    const named = (kind: string, name: string): JsonValue => ({ kind, name, ofType: null });
    const field = (name: JsonValue, type: JsonValue, args: JsonValue = []): JsonValue => ({ name, type, args });
    const hostile: JsonValue = {
      __schema: {
        queryType: { name: "Query" },
        mutationType: { name: "Nowhere" },
        types: [
          named("SCALAR", "Int"),
          named("SCALAR", "String"),
          named("ALIEN", "Strange"),
          named("SCALAR", "Int"),
          null,
          { kind: "OBJECT", name: "../../etc/passwd", fields: [] },
          { kind: "ENUM", name: "E", enumValues: [{ name: "OK" }, { name: "a b" }, { name: "true" }] },
          {
            kind: "OBJECT",
            name: "Query",
            interfaces: null,
            fields: [
              field("good", named("SCALAR", "Int"), [{ name: "x", type: named("SCALAR", "Int"), defaultValue: "{{{" }]),
              field("bad\u001b[31m name", named("SCALAR", "Int")),
              field("missing", named("OBJECT", "Missing")),
              field("deep", {
                kind: "NON_NULL",
                name: null,
                ofType: { kind: "NON_NULL", name: null, ofType: named("SCALAR", "Int") },
              }),
              field("needs", named("SCALAR", "Int"), [
                { name: "x", type: { kind: "NON_NULL", ofType: named("SCALAR", "Nope") } },
              ]),
              field("loop", { kind: "LIST", ofType: { kind: "LIST" } }),
              field("good", named("SCALAR", "String")),
              "no field",
            ],
          },
        ],
      },
    };
    const { schema, leftOut } = schemaOf(hostile);
    expect(Object.keys(schema.getQueryType()?.getFields() ?? {})).toEqual(["good"]);
    expect(schema.getMutationType() ?? null).toBeNull();
    expect(leftOut.map(({ name }) => name)).toEqual([
      "Strange",
      "Int",
      "(without a name)",
      "../../etc/passwd",
      "E.a b",
      "Query.bad name",
      "Query.good",
      "Query.(without a name)",
      "Query.missing",
      "Query.deep",
      "Query.needs(x)",
      "Query.needs",
      "Query.loop",
    ]);
  });
});
