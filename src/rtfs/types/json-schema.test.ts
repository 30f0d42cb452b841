import { describe, expect, it } from "vitest";
import type { JsonObject, JsonValue } from "../../kernel/index.ts";
import { read } from "../reader/reader.ts";
import {
  checkJson,
  jsonSchemaToShallowType,
  jsonSchemaToType,
  parseType,
  printType,
  typeToJsonSchema,
} from "./index.ts";

const told = (schema: JsonValue) => printType(jsonSchemaToType(schema));

describe("a JSON Schema as a type", () => {
  it.each<[JsonValue, string]>([
    [{}, ":any"],
    [true, ":any"],
    [false, ":never"],
    ["nonsense", ":any"],
    [{ type: "string" }, ":string"],
    [{ type: "integer", minimum: 1, maximum: 100 }, "[:and :int [:>= 1] [:<= 100]]"],
    [{ type: "number", exclusiveMinimum: 0 }, "[:and :float [:> 0]]"],
    [{ type: "number", minimum: 0, exclusiveMinimum: true }, "[:and :float [:> 0]]"],
    [{ type: "number", minimum: 0.5 }, "[:and :float [:>= 0.5]]"],
    [{ type: "string", minLength: 1, maxLength: 5 }, "[:and :string [:min-length 1] [:max-length 5]]"],
    [{ type: "string", pattern: "^\\d+$" }, '[:and :string [:matches-regex "^\\\\d+$"]]'],
    [{ type: "boolean", description: "ignored" }, ":bool"],
    [{ type: "null" }, ":nil"],
    [{ type: ["string", "null"] }, ":string?"],
    [{ type: ["string", "integer"] }, "[:union :string :int]"],
    [{ type: "string", nullable: true }, ":string?"],
    [{ type: "array", items: { type: "string" }, minItems: 1 }, "[:and [:vector :string] [:min-count 1]]"],
    [{ type: "array" }, "[:vector :any]"],
    [
      { type: "array", prefixItems: [{ type: "integer" }, { type: "string" }], minItems: 2, maxItems: 2 },
      "[:tuple :int :string]",
    ],
    [{ type: "object" }, ":map"],
    [{ type: "object", additionalProperties: { type: "integer" } }, "[:map-of :string :int]"],
    [{ enum: ["OPEN", "CLOSED", null, 3] }, '[:enum "OPEN" "CLOSED" nil 3]'],
    [{ const: { a: [1] } }, '[:val {"a" [1]}]'],
    [{ anyOf: [{ type: "string" }, { type: "null" }] }, ":string?"],
    [{ oneOf: [{ type: "string" }, { type: "integer" }] }, "[:union :string :int]"],
    [{ anyOf: [{ type: "string" }, {}] }, ":any"],
    [
      { allOf: [{ type: "string" }, { type: "string", minLength: 2 }] },
      "[:and :string [:and :string [:min-length 2]]]",
    ],
  ])("%j reads as %s", (schema, type) => {
    expect(told(schema)).toBe(type);
  });

  it("keeps the order of properties, and marks those that are not required", () => {
    const schema = {
      type: "object",
      properties: { zebra: { type: "string" }, "weird key": { type: "integer" }, apple: { type: ["string", "null"] } },
      required: ["weird key"],
    };
    expect(told(schema)).toBe('[:map [:zebra :string ?] ["weird key" :int] [:apple :string?]]');
  });

  it("keeps a required key that may be null required", () => {
    expect(told({ type: "object", properties: { a: { type: ["string", "null"] } }, required: ["a"] })).toBe(
      "[:map [:a [:union :string :nil]]]",
    );
  });

  it("keeps a required name without a schema of its own", () => {
    expect(told({ type: "object", properties: {}, required: ["a"] })).toBe("[:map [:a :any]]");
  });

  it("makes one record of the parts of allOf", () => {
    const schema: JsonValue = {
      allOf: [
        { type: "object", properties: { a: { type: "string" } }, required: ["a"] },
        { properties: { b: { type: "integer" } } },
      ],
    };
    expect(told(schema)).toBe("[:map [:a :string] [:b :int ?]]");
  });

  it("follows references within the schema", () => {
    const schema = {
      type: "object",
      properties: { a: { $ref: "#/$defs/name~1x" } },
      $defs: { "name/x": { type: "string" } },
    };
    expect(told(schema)).toBe("[:map [:a :string ?]]");
  });

  it("reads as :any what refers to itself, points nowhere or elsewhere", () => {
    const tree = {
      $defs: { node: { type: "object", properties: { next: { $ref: "#/$defs/node" } } } },
      $ref: "#/$defs/node",
    };
    expect(told(tree)).toBe("[:map [:next :any ?]]");
    expect(told({ $ref: "#" })).toBe(":any");
    expect(told({ $ref: "#/nowhere" })).toBe(":any");
    expect(told({ $ref: "https://elsewhere.example/schema" })).toBe(":any");
    expect(told({ $ref: "#/__proto__/x" })).toBe(":any");
  });

  it("gives up on a schema that unfolds exponentially", () => {
    const definitions: JsonObject = { l0: { type: "string" } };
    for (let level = 1; level < 20; level++) {
      const ref = { $ref: `#/$defs/l${level - 1}` };
      definitions[`l${level}`] = { type: "object", properties: { a: ref, b: ref, c: ref } };
    }
    expect(told({ $defs: definitions, $ref: "#/$defs/l19" }).length).toBeLessThan(1_000_000);
  });

  it("survives a schema nested a hundred thousand levels deep", () => {
    let schema: JsonValue = { type: "string" };
    let data: JsonValue = 1;
    for (let level = 0; level < 100_000; level++) {
      schema = { type: "array", items: schema };
      data = [data];
    }
    expect(told(schema)).toContain(":any");
    expect(told({ enum: [data] })).toBe(":any");
  });

  it("takes __proto__ as a property like any other", () => {
    const schema = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"string"}},"required":["__proto__"]}',
    );
    expect(told(schema)).toBe("[:map [:__proto__ :string]]");
    const back = typeToJsonSchema(jsonSchemaToType(schema));
    expect(JSON.stringify(back)).toBe(JSON.stringify(schema));
  });

  it("writes a property called * so that it is not the rest", () => {
    expect(told({ properties: { "*": { type: "string" } } })).toBe('[:map ["*" :string ?]]');
  });

  it("leaves out a pattern it cannot check, and says so", () => {
    const warnings: string[] = [];
    const type = jsonSchemaToType({ type: "string", pattern: "(?!x)y" }, (message) => warnings.push(message));
    expect(printType(type)).toBe(":string");
    expect(warnings).toHaveLength(1);
  });

  it("takes a pattern in the dialect of JSON Schema", () => {
    const type = jsonSchemaToType({ type: "string", pattern: "^\\u0061\\/(?<x>b)$" });
    expect(checkJson(type, "a/b")).toEqual([]);
    expect(checkJson(type, "a/c")).toHaveLength(1);
  });
});

describe("a JSON Schema within a document", () => {
  const root: JsonObject = {
    parts: {
      id: { type: "integer" },
      pair: { type: "object", properties: { a: { $ref: "#/parts/id" }, b: { $ref: "#/parts/id" } } },
    },
  };

  it("refers to that document", () => {
    expect(printType(jsonSchemaToType({ $ref: "#/parts/pair" }, undefined, { root }))).toBe(
      "[:map [:a :int ?] [:b :int ?]]",
    );
    expect(told({ $ref: "#/parts/pair" })).toBe(":any");
  });

  it("asks nobody for what the other side gives", () => {
    const schema = {
      type: "object",
      properties: { id: { type: "integer", readOnly: true }, password: { type: "string", writeOnly: true } },
      required: ["id", "password"],
    };
    const read = (direction: "request" | "response") => printType(jsonSchemaToType(schema, undefined, { direction }));
    expect(read("request")).toBe("[:map [:id :int ?] [:password :string]]");
    expect(read("response")).toBe("[:map [:id :int] [:password :string ?]]");
    expect(told(schema)).toBe("[:map [:id :int] [:password :string]]");
  });

  it("becomes less deep where it is too large, and keeps its width", () => {
    const level = (depth: number): JsonObject => ({
      type: "object",
      properties: depth === 0 ? {} : Object.fromEntries(["a", "b", "c"].map((name) => [name, level(depth - 1)])),
    });
    const shallow = (mostNodes: number) => printType(jsonSchemaToShallowType(level(5), () => {}, { mostNodes }));
    expect(shallow(15)).toBe(
      "[:map [:a [:map [:a :map ?] [:b :map ?] [:c :map ?]] ?] [:b [:map [:a :map ?] [:b :map ?] [:c :map ?]] ?] [:c [:map [:a :map ?] [:b :map ?] [:c :map ?]] ?]]",
    );
    expect(shallow(5)).toBe("[:map [:a :map ?] [:b :map ?] [:c :map ?]]");
    expect(shallow(2)).toBe("[:map [:a :map ?] [:b :any ?] [:c :any ?]]");
    expect(shallow(5_000)).toBe(told(level(5)));
  });

  it("is warned of once, however often it is read", () => {
    const warnings: string[] = [];
    const properties = Object.fromEntries(
      Array.from({ length: 30 }, (_, at) => [`p${at}`, { type: "object", properties: { x: { type: "string" } } }]),
    );
    const schema: JsonObject = {
      type: "object",
      properties: { first: { type: "string", pattern: "(?!x)y" }, ...properties },
    };
    jsonSchemaToShallowType(schema, (message) => warnings.push(message), { mostNodes: 40 });
    expect(warnings).toHaveLength(1);
  });
});

describe("a type as a JSON Schema", () => {
  const schemaOf = (text: string) => typeToJsonSchema(parseType(read(text).forms[0]!).type);

  it.each<[string, JsonObject]>([
    [":any", {}],
    [":never", { not: {} }],
    [":string?", { type: ["string", "null"] }],
    ['[:optional [:enum "a"]]', { anyOf: [{ enum: ["a"] }, { type: "null" }] }],
    ["[:array :int [2]]", { type: "array", items: { type: "integer" }, minItems: 2, maxItems: 2 }],
    ["[:map-of :string :int]", { type: "object", additionalProperties: { type: "integer" } }],
    ["[:and :int [:in-range 1 9]]", { type: "integer", minimum: 1, maximum: 9 }],
    ["[:and :int [:> 1] [:> 2]]", { type: "integer", exclusiveMinimum: 1, allOf: [{ exclusiveMinimum: 2 }] }],
    ['[:and :string [:non-empty] [:matches-regex "a"]]', { type: "string", minLength: 1, pattern: "a" }],
    ["[:enum :open 1.5]", { enum: ["open", 1.5] }],
    [
      "[:map [:a :int] [:b :string ?] [:* :any]]",
      {
        type: "object",
        properties: { a: { type: "integer" }, b: { type: "string" } },
        required: ["a"],
        additionalProperties: {},
      },
    ],
  ])("%s is %j", (text, schema) => {
    expect(schemaOf(text)).toEqual(schema);
  });
});
