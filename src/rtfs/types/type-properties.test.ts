import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonValue } from "../../kernel/index.ts";
import { read } from "../reader/reader.ts";
import { Float, keyword, vector } from "../values.ts";
import {
  checkJson,
  equalTypes,
  jsonSchemaToType,
  optionalType,
  parseType,
  primitive,
  printType,
  typeToJsonSchema,
  type Bound,
  type Literal,
  type Predicate,
  type PrimitiveName,
  type RecordKey,
  type Type,
} from "./index.ts";

const names: PrimitiveName[] = [
  "any",
  "never",
  "nil",
  "bool",
  "int",
  "float",
  "string",
  "keyword",
  "symbol",
  "map",
  "vector",
  "list",
  "fn",
];
const key: fc.Arbitrary<RecordKey> = fc.oneof(
  fc.constantFrom("a", "b-c", "__proto__", "constructor", "type?").map(keyword),
  fc.string({ unit: "binary" }),
  fc.integer(),
);
const atom: fc.Arbitrary<Literal> = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.integer(),
  fc.double({ noNaN: true }).map((value) => new Float(value)),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom("x", "open").map(keyword),
);
const literal: fc.Arbitrary<Literal> = fc.oneof(atom, fc.array(atom, { maxLength: 3 }).map(vector));
const bound: fc.Arbitrary<Bound> = fc.oneof(
  fc.integer().map((value) => ({ value, float: false })),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => ({ value, float: true })),
);
const predicate: fc.Arbitrary<Predicate> = fc.oneof(
  fc.record({ name: fc.constantFrom(">" as const, "<=" as const), bound }),
  fc.record({ name: fc.constantFrom("=" as const, "!=" as const), literal }),
  fc.record({ name: fc.constant("in-range" as const), low: bound, high: bound }),
  fc.record({ name: fc.constantFrom("min-length" as const, "count" as const), size: fc.nat() }),
  fc.record({ name: fc.constant("matches-regex" as const), pattern: fc.constantFrom("^a+$", 'q"\\d\n') }),
  fc.record({ name: fc.constantFrom("non-empty" as const, "is-url" as const) }),
  fc.record({ name: fc.constant("required-keys" as const), keys: fc.array(key, { maxLength: 3 }) }),
);

const { type } = fc.letrec<{ type: Type }>((tie) => {
  const inner = tie("type");
  const list = fc.array(inner, { minLength: 1, maxLength: 3 });
  const entry = fc
    .record({ key, type: inner, optional: fc.boolean() })
    .map((each) => ({ ...each, optional: each.optional || each.type.kind === "optional" }));
  return {
    type: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(...names).map(primitive),
      inner.map(optionalType),
      fc.record({
        kind: fc.constant("sequence" as const),
        item: inner,
        length: fc.option(fc.nat(9), { nil: undefined }),
      }),
      fc.record({ kind: fc.constant("tuple" as const), items: fc.array(inner, { maxLength: 3 }) }),
      fc.record({
        kind: fc.constant("record" as const),
        entries: fc.uniqueArray(entry, { selector: (each) => each.key, maxLength: 4 }),
        rest: fc.option(inner, { nil: undefined }),
      }),
      fc.record({ kind: fc.constant("map-of" as const), key: inner, value: inner }),
      fc.record({ kind: fc.constant("union" as const), types: list }),
      fc.record({ kind: fc.constant("enum" as const), values: fc.array(literal, { minLength: 1, maxLength: 4 }) }),
      fc.record({ kind: fc.constant("literal" as const), value: literal }),
      fc.record({
        kind: fc.constant("and" as const),
        types: list,
        predicates: fc.array(predicate, { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ kind: fc.constant("resource" as const), name: fc.string() }),
    ),
  };
});

describe("types", () => {
  it("read back from their text as the same type, on one line", () => {
    fc.assert(
      fc.property(type, (each) => {
        const text = printType(each);
        expect(text).not.toMatch(/[\n\r\u2028]/);
        const { forms, errors } = read(text);
        expect(errors).toEqual([]);
        expect(forms).toHaveLength(1);
        const parsed = parseType(forms[0]!);
        expect(parsed.problems).toEqual([]);
        expect(parsed.type).toEqual(each);
        expect(equalTypes(parsed.type, each)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("of any JSON whatever taken as a schema exist, and have a text and a schema", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.jsonValue(), (schema, json) => {
        const made = jsonSchemaToType(schema as JsonValue);
        expect(parseType(read(printType(made)).forms[0]!).problems).toEqual([]);
        JSON.stringify(typeToJsonSchema(made));
        checkJson(made, json as JsonValue);
      }),
    );
  });

  it("survive the way to a JSON Schema and back where JSON can say them", () => {
    const plain = fc.letrec<{ type: Type }>((tie) => ({
      type: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom<PrimitiveName>("any", "bool", "int", "float", "string", "map").map(primitive),
        fc.record({ kind: fc.constant("sequence" as const), item: tie("type"), length: fc.constant(undefined) }),
        fc.record({
          kind: fc.constant("record" as const),
          entries: fc.uniqueArray(
            fc.record({ key: fc.constantFrom("a", "b", "c").map(keyword), type: tie("type"), optional: fc.boolean() }),
            { selector: (each) => each.key, minLength: 1, maxLength: 3 },
          ),
          rest: fc.constant(undefined),
        }),
        fc.record({
          kind: fc.constant("enum" as const),
          values: fc.array(fc.string(), { minLength: 1, maxLength: 4 }),
        }),
      ),
    })).type;
    fc.assert(
      fc.property(plain, (each) => {
        expect(printType(jsonSchemaToType(typeToJsonSchema(each)))).toBe(printType(each));
      }),
    );
  });
});
