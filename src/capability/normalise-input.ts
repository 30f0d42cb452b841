import { CcosError } from "../kernel/index.ts";
import {
  checkType,
  Keyword,
  printType,
  RtfsMap,
  vector,
  type RecordKey,
  type Type,
  type Value,
} from "../rtfs/index.ts";

type RecordType = Type & { readonly kind: "record" };

/**
 * The input of a capability for the arguments it was called with (the language has made one map of keyword
 * pairs already).
 *
 * With a record as schema: one map that has a required key (any map, where none is required) is the input;
 * otherwise the arguments are the required fields in their order. Without: one argument is the input,
 * several are a vector, none is an empty map. Whether the input fits the schema is checked afterwards.
 *
 * Throws `invalid-argument`, naming the fields, where arguments cannot be told apart.
 */
export function normaliseInput(id: string, schema: Type | undefined, given: readonly Value[]): Value {
  const record = recordOf(schema);
  if (record === undefined) return plainInput(schema, given);
  const required = record.entries.filter((entry) => !entry.optional);
  const [only] = given;
  if (given.length === 1 && only instanceof RtfsMap) {
    if (required.length === 0 || required.some((entry) => hasKey(only, entry.key))) return only;
    // Perhaps the map itself is the value of the only field; else its missing keys are the message.
    const [field] = required;
    if (required.length > 1 || field === undefined || checkType(field.type, only).length > 0) return only;
  }
  if (given.length === required.length && takesPositions(record)) {
    return RtfsMap.of(required.map((entry, index) => [entry.key, given[index] as Value] as const));
  }
  if (required.length === 0 && (given.length === 0 || (given.length === 1 && only === null))) return RtfsMap.EMPTY;
  throw new CcosError(
    "invalid-argument",
    `The capability ${JSON.stringify(id)} takes ${describeFields(record)}; it was called with ${countOf(given.length)}.`,
    {
      remedy: `Call it with one map: (call ${JSON.stringify(id)} {${record.entries
        .slice(0, 3)
        .map((entry) => `${keyText(entry.key)} …`)
        .join(" ")}}).`,
      details: { fields: record.entries.map((entry) => keyText(entry.key)) },
    },
  );
}

/** The record that a schema is, where conditions may have been added to it. */
function recordOf(schema: Type | undefined): RecordType | undefined {
  if (schema?.kind === "record") return schema;
  if (schema?.kind === "optional") return recordOf(schema.type);
  if (schema?.kind === "and") return schema.types.map(recordOf).find((type) => type !== undefined);
  return undefined;
}

function plainInput(schema: Type | undefined, given: readonly Value[]): Value {
  const [first] = given;
  if (first === undefined) return schema === undefined || takesMap(schema) ? RtfsMap.EMPTY : vector([]);
  if (given.length > 1) return vector([...given]);
  // `[:vector T]` called with one T.
  const wantsSequence = schema?.kind === "sequence" || schema?.kind === "tuple";
  if (wantsSequence && checkType(schema, first).length > 0) {
    const wrapped = vector([first]);
    if (checkType(schema, wrapped).length === 0) return wrapped;
  }
  return first;
}

function takesMap(schema: Type): boolean {
  return checkType(schema, RtfsMap.EMPTY).length === 0;
}

/** Positions are clear only where the required fields come first and no others are spoken of. */
function takesPositions(record: RecordType): boolean {
  const firstOptional = record.entries.findIndex((entry) => entry.optional);
  const required = record.entries.filter((entry) => !entry.optional).length;
  return record.rest === undefined && (firstOptional === -1 || firstOptional === required);
}

function hasKey(map: RtfsMap, key: RecordKey): boolean {
  return map.has(key) || (key instanceof Keyword && map.has(key.name));
}

function describeFields(record: RecordType): string {
  const fields = record.entries.slice(0, 20).map((entry) => {
    const type = printType(entry.type);
    return `${keyText(entry.key)} ${type.length > 60 ? `${type.slice(0, 59)}…` : type}${entry.optional ? " (optional)" : ""}`;
  });
  if (fields.length === 0) return "one map";
  return `a map with ${fields.join(", ")}${record.entries.length > 20 ? ", …" : ""}`;
}

function keyText(key: RecordKey): string {
  return key instanceof Keyword ? `:${key.name}` : typeof key === "string" ? JSON.stringify(key) : String(key);
}

function countOf(count: number): string {
  if (count === 0) return "no arguments";
  return count === 1 ? "one argument that is no such map" : `${count} arguments`;
}
