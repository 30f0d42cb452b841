import { setOwn, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { Float, Keyword, List, RtfsMap, Sym, Vector } from "../values.ts";
import { textOfKey } from "./literal.ts";
import type { Literal, Predicate, PrimitiveName, Type } from "./type.ts";

/**
 * The JSON Schema (2020-12) that says what the type says, as far as JSON can: keywords and symbols are
 * strings there, and functions have no form.
 */
export function typeToJsonSchema(type: Type): JsonObject {
  switch (type.kind) {
    case "primitive":
      return primitiveSchema(type.name);
    case "optional":
      return nullable(typeToJsonSchema(type.type));
    case "sequence": {
      const schema: JsonObject = { type: "array", items: typeToJsonSchema(type.item) };
      if (type.length !== undefined) Object.assign(schema, { minItems: type.length, maxItems: type.length });
      return schema;
    }
    case "tuple": {
      const size = type.items.length;
      // JSON Schema wants at least one schema in prefixItems.
      if (size === 0) return { type: "array", maxItems: 0 };
      return { type: "array", prefixItems: type.items.map(typeToJsonSchema), minItems: size, maxItems: size };
    }
    case "record": {
      const properties: JsonObject = {};
      const required: string[] = [];
      for (const entry of type.entries) {
        const name = textOfKey(entry.key);
        // A key that may be missing says so by not being required; nil need not be allowed for that.
        setOwn(properties, name, typeToJsonSchema(entry.type));
        if (!entry.optional) required.push(name);
      }
      const schema: JsonObject = { type: "object", properties };
      if (required.length > 0) schema["required"] = required;
      if (type.rest !== undefined) schema["additionalProperties"] = typeToJsonSchema(type.rest);
      return schema;
    }
    case "map-of":
      return { type: "object", additionalProperties: typeToJsonSchema(type.value) };
    case "union":
      return { anyOf: type.types.map(typeToJsonSchema) };
    case "enum":
      return { enum: type.values.map(literalJson) };
    case "literal":
      return { const: literalJson(type.value) };
    case "and":
      return conjunction(type.types, type.predicates);
    case "signature":
      return {};
    case "resource":
      return { type: "string" };
  }
}

function primitiveSchema(name: PrimitiveName): JsonObject {
  switch (name) {
    case "any":
    case "fn":
      return {};
    case "never":
      return { not: {} };
    case "nil":
      return { type: "null" };
    case "bool":
      return { type: "boolean" };
    case "int":
      return { type: "integer" };
    case "float":
      return { type: "number" };
    case "string":
    case "keyword":
    case "symbol":
      return { type: "string" };
    case "map":
      return { type: "object" };
    case "vector":
    case "list":
      return { type: "array" };
  }
}

function nullable(schema: JsonObject): JsonObject {
  const keys = Object.keys(schema);
  if (keys.length === 0) return schema;
  // Every keyword beside a single type speaks of that type alone, except these.
  if (typeof schema["type"] === "string" && !("enum" in schema) && !("const" in schema) && !("allOf" in schema)) {
    return { ...schema, type: [schema["type"], "null"] };
  }
  return { anyOf: [schema, { type: "null" }] };
}

function conjunction(types: readonly Type[], predicates: readonly Predicate[]): JsonObject {
  const parts: JsonObject[] = types.map(typeToJsonSchema);
  const [base = {}] = parts;
  for (const predicate of predicates) parts.push(predicateSchema(predicate, base["type"]));
  const merged: JsonObject = {};
  const clashing: JsonObject[] = [];
  for (const part of parts) {
    if (Object.keys(part).some((key) => key in merged)) clashing.push(part);
    else Object.assign(merged, part);
  }
  return clashing.length === 0 ? merged : { ...merged, allOf: clashing };
}

function predicateSchema(predicate: Predicate, baseType: JsonValue | undefined): JsonObject {
  switch (predicate.name) {
    case ">":
      return { exclusiveMinimum: predicate.bound.value };
    case ">=":
      return { minimum: predicate.bound.value };
    case "<":
      return { exclusiveMaximum: predicate.bound.value };
    case "<=":
      return { maximum: predicate.bound.value };
    case "in-range":
      return { minimum: predicate.low.value, maximum: predicate.high.value };
    case "=":
      return { const: literalJson(predicate.literal) };
    case "!=":
      return { not: { const: literalJson(predicate.literal) } };
    case "min-length":
      return { minLength: predicate.size };
    case "max-length":
      return { maxLength: predicate.size };
    case "length":
      return { minLength: predicate.size, maxLength: predicate.size };
    case "min-count":
      return sized(baseType, predicate.size, undefined);
    case "max-count":
      return sized(baseType, undefined, predicate.size);
    case "count":
      return sized(baseType, predicate.size, predicate.size);
    case "non-empty":
      return sized(baseType, 1, undefined);
    case "matches-regex":
      return { pattern: predicate.pattern };
    case "is-url":
      return { format: "uri" };
    case "is-email":
      return { format: "email" };
    case "required-keys":
      return { type: "object", required: predicate.keys.map(textOfKey) };
  }
}

function sized(baseType: JsonValue | undefined, least: number | undefined, most: number | undefined): JsonObject {
  const noun = baseType === "object" ? "Properties" : baseType === "string" ? "Length" : "Items";
  return {
    ...(least !== undefined && { [`min${noun}`]: least }),
    ...(most !== undefined && { [`max${noun}`]: most }),
  };
}

function literalJson(literal: Literal): JsonValue {
  if (literal instanceof Float) return Number.isFinite(literal.value) ? literal.value : null;
  if (literal instanceof Keyword || literal instanceof Sym) return literal.name;
  if (literal instanceof Vector || literal instanceof List) return literal.toArray().map(literalJson);
  if (literal instanceof RtfsMap) {
    const object: JsonObject = {};
    for (const [key, item] of literal) setOwn(object, textOfKey(key), literalJson(item));
    return object;
  }
  return typeof literal === "object" ? null : literal;
}
