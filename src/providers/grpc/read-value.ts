import {
  fromJson,
  type ScalarType,
  type DescField,
  type DescMessage,
  type Message,
  type Registry,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";

import {
  didYouMean,
  getOwn,
  isJsonObject,
  oneLine,
  setOwn,
  type JsonObject,
  type JsonValue,
} from "../../kernel/index.ts";
import { isSpecial, isWrapper } from "./map-value.ts";
import { kindOf, scalar, text, wrong } from "./read-scalar.ts";

/** Deeper than this, Protocol Buffers read no message. */
const DEEPEST = 100;

/**
 * JSON as a message: in the canonical form, or with the names of fields as they are declared, and integers of 64 bits as
 * numbers of any size. Throws `invalid-argument` with the path of what does not fit.
 */
export function readMessage(desc: DescMessage, value: JsonValue, registry: Registry, path = ""): Message {
  const canonical = new Canonical(registry).message(desc, value, path, 0);
  try {
    return fromJson(desc, canonical as never, { registry });
  } catch (error) {
    return wrong(path, oneLine(error instanceof Error ? error.message : String(error), 300));
  }
}

/** Checks where the library would not say what is wrong where, and writes what it would not read. */
class Canonical {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  message(desc: DescMessage, value: JsonValue, path: string, depth: number): JsonValue {
    if (depth > DEEPEST) wrong(path, `it nests deeper than ${DEEPEST} levels`);
    if (isWrapper(desc)) return value === null ? null : this.#value(desc.fields[0] as DescField, value, path, depth);
    switch (desc.typeName) {
      case "google.protobuf.Any":
        return this.#any(value, path, depth);
      case "google.protobuf.Timestamp":
        return text(value, path, 'a time such as "2026-01-31T12:00:00Z"', (one) => /^\d{4}-\d\d-\d\dT/i.test(one));
      case "google.protobuf.Duration":
        return typeof value === "number" || typeof value === "bigint"
          ? `${value}s`
          : text(value, path, 'a duration such as "1.5s"', (one) => /^-?\d+(?:\.\d+)?s$/.test(one));
      case "google.protobuf.FieldMask":
        return Array.isArray(value)
          ? value.map((item) => camelPath(text(item, path, "paths of fields"))).join(",")
          : text(value, path, "paths of fields, joined by commas").split(",").map(camelPath).join(",");
      case "google.protobuf.Struct":
        if (!isJsonObject(value)) wrong(path, `an object is expected, and this is ${kindOf(value)}`);
        return plain(value, path);
      case "google.protobuf.ListValue":
        if (!Array.isArray(value)) wrong(path, `a list is expected, and this is ${kindOf(value)}`);
        return plain(value, path);
      case "google.protobuf.Value":
        return plain(value, path);
      default:
        return this.#fields(desc, value, path, depth);
    }
  }

  #fields(desc: DescMessage, value: JsonValue, path: string, depth: number): JsonObject {
    if (!isJsonObject(value)) wrong(path, `an object (${desc.typeName}) is expected, and this is ${kindOf(value)}`);
    const known = fieldsOf(desc);
    const result: JsonObject = {};
    const chosen = new Map<string, string>();
    for (const [key, item] of Object.entries(value)) {
      const at = path === "" ? key : `${path}.${key}`;
      const field = known.get(key);
      if (field === undefined) {
        return wrong(
          shorten(at),
          `${desc.typeName} has no field of that name`,
          didYouMean(key, [...known.keys()]) ||
            (desc.fields.length === 0 ? "It has no fields." : `It has ${listed(desc)}.`),
        );
      }
      if (Object.hasOwn(result, field.jsonName)) wrong(shorten(at), "the field is there twice, under two spellings");
      // Not being there and being null are the same, but where null is a value.
      if (item === null && !takesNull(field)) continue;
      if (field.oneof !== undefined) {
        const other = chosen.get(field.oneof.name);
        if (other !== undefined)
          wrong(shorten(at), `only one of ${other} and ${key} may be set (oneof ${field.oneof.name})`);
        chosen.set(field.oneof.name, key);
      }
      setOwn(result, field.jsonName, this.#value(field, item, shorten(at), depth + 1));
    }
    for (const field of desc.fields) {
      if (field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED && !Object.hasOwn(result, field.jsonName))
        wrong(path, `${desc.typeName} needs the field ${field.jsonName}`);
    }
    return result;
  }

  #value(field: DescField, value: JsonValue, path: string, depth: number): JsonValue {
    switch (field.fieldKind) {
      case "list":
        if (!Array.isArray(value)) wrong(path, `a list is expected, and this is ${kindOf(value)}`);
        return value.map((item, index) => this.#single(field, item, `${path}[${index}]`, depth));
      case "map": {
        if (!isJsonObject(value)) wrong(path, `an object is expected, and this is ${kindOf(value)}`);
        const result: JsonObject = {};
        for (const [key, item] of Object.entries(value))
          setOwn(result, key, this.#single(field, item, shorten(`${path}.${key}`), depth));
        return result;
      }
      default:
        return this.#single(field, value, path, depth);
    }
  }

  #single(field: DescField, value: JsonValue, path: string, depth: number): JsonValue {
    if (field.message !== undefined) return this.message(field.message, value, path, depth);
    if (field.enum !== undefined) {
      if (field.enum.typeName === "google.protobuf.NullValue") return null;
      if (typeof value === "number" && Number.isInteger(value)) return value;
      const names = field.enum.values.map(({ name }) => name);
      const name = text(value, path, `one of ${names.slice(0, 8).join(", ")}${names.length > 8 ? ", …" : ""}`);
      if (!names.includes(name))
        wrong(
          path,
          `${field.enum.typeName} has no value ${JSON.stringify(oneLine(name, 80))}`,
          didYouMean(name, names) || undefined,
        );
      return name;
    }
    return scalar(field.scalar as ScalarType, value, path);
  }

  #any(value: JsonValue, path: string, depth: number): JsonValue {
    if (!isJsonObject(value)) wrong(path, `an object with "@type" is expected, and this is ${kindOf(value)}`);
    const { "@type": url, ...rest } = value;
    if (url === undefined && Object.keys(rest).length === 0) return {};
    if (typeof url !== "string") wrong(path, 'it needs "@type", such as "type.googleapis.com/pkg.Message"');
    const desc = this.#registry.getMessage(url.slice(url.lastIndexOf("/") + 1));
    if (desc === undefined) wrong(path, `nothing describes the message ${JSON.stringify(oneLine(url, 120))}`);
    const full = url.includes("/") ? url : `type.googleapis.com/${url}`;
    if (isSpecial(desc))
      return { "@type": full, value: this.message(desc, getOwn(rest, "value") ?? null, path, depth + 1) };
    return { "@type": full, ...this.#fields(desc, rest, path, depth + 1) };
  }
}

const known = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

/** Under both of their names. */
function fieldsOf(desc: DescMessage): ReadonlyMap<string, DescField> {
  let fields = known.get(desc);
  if (fields === undefined) {
    fields = new Map([
      ...desc.fields.map((field) => [field.name, field] as const),
      ...desc.fields.map((field) => [field.jsonName, field] as const),
    ]);
    known.set(desc, fields);
  }
  return fields;
}

function takesNull(field: DescField): boolean {
  return field.fieldKind === "message"
    ? field.message.typeName === "google.protobuf.Value"
    : field.enum?.typeName === "google.protobuf.NullValue";
}

/** JSON in JSON holds doubles: a whole number that none can hold is refused instead of changed. */
function plain(value: JsonValue, path: string, depth = 0): JsonValue {
  if (depth > DEEPEST) wrong(path, `it nests deeper than ${DEEPEST} levels`);
  if (typeof value === "bigint") {
    const number = Number(value);
    if (BigInt(number) !== value)
      wrong(path, `${value} has more digits than a number here can have`, "Send it as a text.");
    return number;
  }
  if (Array.isArray(value)) return value.map((item, index) => plain(item, `${path}[${index}]`, depth + 1));
  if (!isJsonObject(value)) return value;
  const result: JsonObject = {};
  for (const [key, item] of Object.entries(value))
    setOwn(result, key, plain(item, shorten(`${path}.${key}`), depth + 1));
  return result;
}

function camelPath(path: string): string {
  return path.trim().replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

function listed({ fields }: DescMessage): string {
  const names = fields.map(({ jsonName }) => jsonName);
  return names.length > 12 ? `${names.slice(0, 12).join(", ")} and ${names.length - 12} more` : names.join(", ");
}

function shorten(path: string): string {
  return oneLine(path, 200);
}
