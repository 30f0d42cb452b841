import {
  isFieldSet,
  ScalarType,
  toJson,
  fromBinary,
  type DescEnum,
  type DescField,
  type DescMessage,
  type Message,
  type Registry,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, type Any } from "@bufbuild/protobuf/wkt";

import { setOwn, type JsonObject, type JsonValue } from "../../kernel/index.ts";

export interface ValueOptions {
  /** Knows what is packed into `google.protobuf.Any`. */
  readonly registry: Registry;
  /** Fields without presence are there when they hold their default, too. */
  readonly emitDefaults: boolean;
}

type Fields = Readonly<Record<string, unknown>>;
type Write = (value: never, options: ValueOptions) => JsonValue;

/**
 * A message as JSON in its canonical form (https://protobuf.dev/programming-guides/json), with one difference: integers
 * of 64 bits are numbers, exact at any size.
 */
export function writeMessage(desc: DescMessage, message: Message, options: ValueOptions): JsonValue {
  const special = SPECIAL[desc.typeName];
  if (special !== undefined) return special(desc, message, options);
  const result: JsonObject = {};
  const fields = message as unknown as Fields;
  for (const { field, name, write, implicit } of planOf(desc)) {
    const member = field.oneof;
    if (member !== undefined) {
      const chosen = fields[member.localName] as { case?: string; value?: unknown };
      if (chosen.case === field.localName) setOwn(result, name, write(chosen.value as never, options));
      continue;
    }
    const value = fields[field.localName];
    if (implicit ? options.emitDefaults || isFieldSet(message, field as never) : isFieldSet(message, field as never))
      setOwn(result, name, write(value as never, options));
  }
  return result;
}

interface FieldPlan {
  readonly field: DescField;
  readonly name: string;
  readonly write: Write;
  /** It has no presence: not being there and holding its default are the same. */
  readonly implicit: boolean;
}

const plans = new WeakMap<DescMessage, readonly FieldPlan[]>();

function planOf(desc: DescMessage): readonly FieldPlan[] {
  let plan = plans.get(desc);
  if (plan === undefined) {
    plan = desc.fields.map((field) => ({
      field,
      name: field.jsonName,
      write: writerOf(field),
      implicit: field.fieldKind === "list" || field.fieldKind === "map" || isImplicit(field),
    }));
    plans.set(desc, plan);
  }
  return plan;
}

/** Whether a field has no presence of its own. */
export function isImplicit(field: DescField): boolean {
  if (field.fieldKind === "list" || field.fieldKind === "map") return true;
  return (
    field.fieldKind !== "message" && field.oneof === undefined && field.presence === FeatureSet_FieldPresence.IMPLICIT
  );
}

function writerOf(field: DescField): Write {
  switch (field.fieldKind) {
    case "scalar":
      return scalarWriter(field.scalar);
    case "enum":
      return enumWriter(field.enum);
    case "message":
      return messageWriter(field.message, field);
    case "list": {
      const write =
        field.listKind === "scalar"
          ? scalarWriter(field.scalar)
          : field.listKind === "enum"
            ? enumWriter(field.enum)
            : messageWriter(field.message, undefined);
      return ((items: readonly never[], options: ValueOptions) => items.map((item) => write(item, options))) as Write;
    }
    case "map": {
      const write =
        field.mapKind === "scalar"
          ? scalarWriter(field.scalar)
          : field.mapKind === "enum"
            ? enumWriter(field.enum)
            : messageWriter(field.message, undefined);
      return ((entries: Readonly<Record<string, never>>, options: ValueOptions) => {
        const result: JsonObject = {};
        for (const [key, value] of Object.entries(entries)) setOwn(result, key, write(value, options));
        return result;
      }) as Write;
    }
  }
}

function scalarWriter(type: ScalarType): Write {
  switch (type) {
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return ((value: bigint | string) => exact(BigInt(value))) as Write;
    case ScalarType.BYTES:
      return ((value: Uint8Array) =>
        Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64")) as Write;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return ((value: number) => (Number.isFinite(value) ? value : String(value))) as Write;
    default:
      return ((value: JsonValue) => value) as Write;
  }
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function enumWriter(desc: DescEnum): Write {
  if (desc.typeName === "google.protobuf.NullValue") return (() => null) as Write;
  return ((value: number) => desc.value[value]?.name ?? value) as Write;
}

const WRAPPER = /^google\.protobuf\.(?:Double|Float|U?Int(?:64|32)|Bool|String|Bytes)Value$/;

export function isWrapper({ typeName }: DescMessage): boolean {
  return WRAPPER.test(typeName);
}

function messageWriter(desc: DescMessage, field: DescField | undefined): Write {
  // In a field of its own the library holds the value instead of the message around it.
  if (field !== undefined && field.oneof === undefined && isWrapper(desc)) {
    const [value] = desc.fields;
    if (value?.fieldKind === "scalar") return scalarWriter(value.scalar);
  }
  if (
    field !== undefined &&
    desc.typeName === "google.protobuf.Struct" &&
    field.parent.typeName !== "google.protobuf.Value"
  )
    return ((value: JsonValue) => value) as Write;
  return ((value: Message, options: ValueOptions) => writeMessage(desc, value, options)) as Write;
}

type Special = (desc: DescMessage, message: Message, options: ValueOptions) => JsonValue;

const canonical: Special = (desc, message) => toJson(desc, message) as JsonValue;

const wrapped: Special = (desc, message) => {
  const [value] = desc.fields;
  if (value?.fieldKind !== "scalar") return null;
  return scalarWriter(value.scalar)((message as unknown as { value: never }).value, undefined as never);
};

const SPECIAL: Readonly<Record<string, Special | undefined>> = Object.assign(Object.create(null) as object, {
  "google.protobuf.Timestamp": canonical,
  "google.protobuf.Duration": canonical,
  "google.protobuf.FieldMask": canonical,
  "google.protobuf.Struct": canonical,
  "google.protobuf.Value": canonical,
  "google.protobuf.ListValue": canonical,
  "google.protobuf.Any": writeAny as Special,
  ...Object.fromEntries(
    ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"].map((name) => [
      `google.protobuf.${name}Value`,
      wrapped,
    ]),
  ),
});

/** Whether the JSON of a type is something of its own, and not an object of its fields. */
export function isSpecial({ typeName }: DescMessage): boolean {
  return SPECIAL[typeName] !== undefined;
}

function writeAny(_desc: DescMessage, message: Any, options: ValueOptions): JsonValue {
  const { typeUrl, value } = message;
  if (typeUrl === "") return {};
  const inner = options.registry.getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
  // What nobody described is given as it came, so that nothing is lost.
  if (inner === undefined) return { "@type": typeUrl, "@value": Buffer.from(value).toString("base64") };
  const json = writeMessage(inner, fromBinary(inner, value), options);
  if (isSpecial(inner)) return { "@type": typeUrl, value: json };
  return { "@type": typeUrl, ...(json as JsonObject) };
}
