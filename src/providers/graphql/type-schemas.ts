import {
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
} from "graphql";
import { setOwn, type JsonObject } from "../../kernel/index.ts";
import type { Selection } from "./selection.ts";

/** The scalars that every schema has, as JSON Schema. What others are made of, a schema does not say. */
const SCALARS: Readonly<Record<string, string>> = {
  Int: "integer",
  Float: "number",
  String: "string",
  Boolean: "boolean",
  ID: "string",
};

/** All input objects and enums of a schema, as JSON Schemas that refer to each other: `#/inputs/Name`. */
export function inputSchemas(schema: GraphQLSchema): JsonObject {
  const inputs: JsonObject = {};
  for (const type of Object.values(schema.getTypeMap())) {
    if (isEnumType(type)) setOwn(inputs, type.name, { enum: type.getValues().map(({ name }) => name) });
    if (!isInputObjectType(type)) continue;
    const fields = Object.values(type.getFields()).filter(
      (field) => field.deprecationReason == null || isRequiredInputField(field),
    );
    const properties: JsonObject = {};
    for (const field of fields) setOwn(properties, field.name, inputSchema(field.type));
    const required = fields.filter(isRequiredInputField).map(({ name }) => name);
    setOwn(inputs, type.name, { type: "object", properties, ...(required.length > 0 && { required }) });
  }
  return { inputs };
}

/** The arguments of a field as one object. */
export function argumentsSchema(args: readonly GraphQLArgument[]): JsonObject {
  const properties: JsonObject = {};
  for (const arg of args) setOwn(properties, arg.name, inputSchema(arg.type));
  return { type: "object", properties, required: args.filter(isRequiredArgument).map(({ name }) => name) };
}

function inputSchema(type: GraphQLInputType): JsonObject {
  if (isNonNullType(type)) return notNull(type.ofType as GraphQLInputType);
  const schema = notNull(type);
  return Object.keys(schema).length === 0 ? schema : { anyOf: [schema, { type: "null" }] };
}

function notNull(type: GraphQLInputType): JsonObject {
  if (isListType(type)) return { type: "array", items: inputSchema(type.ofType as GraphQLInputType) };
  const { name } = getNullableType(type) as { readonly name: string };
  if (isEnumType(type) || isInputObjectType(type)) return { $ref: `#/inputs/${name}` };
  const scalar = Object.hasOwn(SCALARS, name) ? SCALARS[name] : undefined;
  return scalar === undefined ? {} : { type: scalar };
}

/**
 * What a field gives with its selection. Enums are texts: a server may have more values than when it was asked.
 * Undefined where nothing is known of it, as with scalars of the schema's own.
 */
export function resultSchema(type: GraphQLOutputType, selection: Selection | undefined): JsonObject | undefined {
  const nullable = getNullableType(type);
  if (isListType(nullable)) {
    const items = resultSchema(nullable.ofType as GraphQLOutputType, selection);
    return { type: "array", ...(items && { items }) };
  }
  if (selection !== undefined) return selectionSchema(selection);
  if (isEnumType(nullable)) return { type: "string" };
  const { name } = nullable as { readonly name: string };
  const scalar = Object.hasOwn(SCALARS, name) ? SCALARS[name] : undefined;
  return scalar === undefined ? undefined : { type: scalar };
}

function selectionSchema(selection: Selection): JsonObject {
  const properties: JsonObject = {};
  const isPlain = isObjectType(selection.type) && selection.fields.length > 0;
  if (!isPlain) setOwn(properties, "__typename", { type: "string" });
  for (const part of [selection, ...selection.parts]) {
    for (const { field, selection: inner } of part.fields) {
      // Fields of several types with one name have one shape, but not always the same parts: then less is said.
      const schema =
        Object.hasOwn(properties, field.name) && inner !== undefined ? {} : resultSchema(field.type, inner);
      setOwn(properties, field.name, schema ?? {});
    }
  }
  return { type: "object", properties };
}
