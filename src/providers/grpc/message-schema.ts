import { ScalarType, type DescEnum, type DescField, type DescMessage, type DescMethod } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";

import { setOwn, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { isWrapper } from "./map-value.ts";

/** Who gives a value: what may be left out, and what may come, are not the same. */
type Direction = "request" | "response";

/**
 * Messages as JSON Schema, in the form in which calls take and give them. Each is made when it is looked at: a service may
 * know thousands that no method of interest needs.
 */
export class MessageSchemas {
  /** What `$ref` of every schema refers to. */
  readonly root: JsonObject = { request: {}, response: {} };
  readonly #comments: ReadonlyMap<string, string>;

  /** @param comments of messages and fields, by full name */
  constructor(comments: ReadonlyMap<string, string> = new Map()) {
    this.#comments = comments;
  }

  input({ input, methodKind }: DescMethod): JsonObject {
    const message = this.#reference(input, "request");
    if (methodKind === "unary" || methodKind === "server_streaming") return message;
    return { type: "object", properties: { messages: { type: "array", items: message } }, required: ["messages"] };
  }

  /** Of a plain call. */
  output({ output, methodKind }: DescMethod): JsonObject {
    const message = this.#reference(output, "response");
    return methodKind === "unary" || methodKind === "client_streaming" ? message : { type: "array", items: message };
  }

  #reference(desc: DescMessage, direction: Direction): JsonObject {
    const special = specialSchema(desc);
    if (special !== undefined) return special;
    const known = this.root[direction] as JsonObject;
    if (!Object.hasOwn(known, desc.typeName)) {
      Object.defineProperty(known, desc.typeName, {
        enumerable: true,
        configurable: true,
        get: () => {
          const schema = this.#message(desc, direction);
          Object.defineProperty(known, desc.typeName, { value: schema, enumerable: true });
          return schema;
        },
      });
    }
    return { $ref: `#/${direction}/${desc.typeName}` };
  }

  #message(desc: DescMessage, direction: Direction): JsonObject {
    const properties: JsonObject = {};
    const required: string[] = [];
    for (const field of desc.fields) {
      const comment = this.#comments.get(`${desc.typeName}.${field.name}`);
      const schema = this.#field(field, direction);
      setOwn(properties, field.jsonName, comment === undefined ? schema : { description: comment, ...schema });
      if (field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED) required.push(field.jsonName);
    }
    return { type: "object", properties, ...(required.length > 0 && { required }) };
  }

  #field(field: DescField, direction: Direction): JsonObject {
    if (field.fieldKind === "list") return { type: "array", items: this.#single(field, direction) };
    if (field.fieldKind === "map") return { type: "object", additionalProperties: this.#single(field, direction) };
    return this.#single(field, direction);
  }

  #single(field: DescField, direction: Direction): JsonObject {
    if (field.message !== undefined) return this.#reference(field.message, direction);
    if (field.enum !== undefined) return enumSchema(field.enum, direction);
    return scalarSchema(field.scalar as ScalarType, direction);
  }
}

function specialSchema(desc: DescMessage): JsonObject | undefined {
  if (isWrapper(desc)) return { ...scalarSchema(desc.fields[0]?.scalar as ScalarType, "request"), nullable: true };
  switch (desc.typeName) {
    case "google.protobuf.Timestamp":
    case "google.protobuf.Duration":
    case "google.protobuf.FieldMask":
      return { type: "string" };
    case "google.protobuf.Struct":
      return { type: "object" };
    case "google.protobuf.ListValue":
      return { type: "array" };
    case "google.protobuf.Value":
      return {};
    case "google.protobuf.Any":
      return { type: "object", properties: { "@type": { type: "string" } } };
    default:
      return undefined;
  }
}

const MOST_NAMES = 200;

function enumSchema(desc: DescEnum, direction: Direction): JsonObject {
  if (desc.typeName === "google.protobuf.NullValue") return { type: "null" };
  // A list of thousands tells nobody anything, and what is none of them is told when it is sent.
  const isLong = desc.values.length > MOST_NAMES;
  const names: JsonObject = isLong ? { type: "string" } : { enum: desc.values.map(({ name }) => name) };
  // A server may know values that its description does not have yet; they come as numbers.
  return direction === "response" ? { anyOf: [names, { type: "integer" }] } : names;
}

const NOT_FINITE: JsonValue = { enum: ["NaN", "Infinity", "-Infinity"] };

function scalarSchema(type: ScalarType, direction: Direction): JsonObject {
  switch (type) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return { type: "string" };
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return direction === "response" ? { anyOf: [{ type: "number" }, NOT_FINITE] } : { type: "number" };
    default:
      return { type: "integer" };
  }
}
