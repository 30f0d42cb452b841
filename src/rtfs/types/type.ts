import type { Keyword, Value } from "../values.ts";

/** What the language's own values are made of, and the two ends of the order of types. */
export type PrimitiveName =
  | "any"
  | "never"
  | "nil"
  | "bool"
  | "int"
  | "float"
  | "string"
  | "keyword"
  | "symbol"
  | "map"
  | "vector"
  | "list"
  | "fn";

/** Data written in a type: never a function or an error. */
export type Literal = Value;

/** A key of a record: `*` as a keyword stands for the rest and is therefore always a string here. */
export type RecordKey = Keyword | string | number | bigint;

export interface RecordEntry {
  readonly key: RecordKey;
  readonly type: Type;
  /** The key may be missing. Whether nil is accepted where it is present is up to the type. */
  readonly optional: boolean;
}

/** A further condition of `[:and T …]`. */
export type Predicate =
  | { readonly name: ">" | ">=" | "<" | "<="; readonly bound: Bound }
  | { readonly name: "=" | "!="; readonly literal: Literal }
  | { readonly name: "in-range"; readonly low: Bound; readonly high: Bound }
  | {
      readonly name: "min-length" | "max-length" | "length" | "min-count" | "max-count" | "count";
      readonly size: number;
    }
  | { readonly name: "matches-regex"; readonly pattern: string }
  | { readonly name: "non-empty" | "is-url" | "is-email" }
  | { readonly name: "required-keys"; readonly keys: readonly RecordKey[] };

/** A number as written: a float keeps being one when it is printed. */
export type Bound = { readonly value: number | bigint; readonly float: boolean };

export type Type =
  | { readonly kind: "primitive"; readonly name: PrimitiveName }
  /** T or nil. */
  | { readonly kind: "optional"; readonly type: Type }
  | { readonly kind: "sequence"; readonly item: Type; readonly length: number | undefined }
  | { readonly kind: "tuple"; readonly items: readonly Type[] }
  /** Further keys are always allowed; `rest` says what they are meant to be and is not enforced. */
  | { readonly kind: "record"; readonly entries: readonly RecordEntry[]; readonly rest: Type | undefined }
  | { readonly kind: "map-of"; readonly key: Type; readonly value: Type }
  | { readonly kind: "union"; readonly types: readonly Type[] }
  | { readonly kind: "enum"; readonly values: readonly Literal[] }
  | { readonly kind: "literal"; readonly value: Literal }
  | { readonly kind: "and"; readonly types: readonly Type[]; readonly predicates: readonly Predicate[] }
  | {
      readonly kind: "signature";
      readonly parameters: readonly Type[];
      readonly rest: Type | undefined;
      readonly result: Type;
    }
  | { readonly kind: "resource"; readonly name: string };

const primitives = new Map<PrimitiveName, Type>();

export function primitive(name: PrimitiveName): Type {
  let type = primitives.get(name);
  if (type === undefined) primitives.set(name, (type = { kind: "primitive", name }));
  return type;
}

export const ANY: Type = primitive("any");

const optionals = new Map<Type, Type>();
const sequences = new Map<Type, Type>();

/** T or nil; an optional type stays as it is. */
export function optionalType(type: Type): Type {
  if (type.kind === "optional") return type;
  if (type.kind !== "primitive") return { kind: "optional", type };
  // Most types of a schema are of these few kinds: one object for each keeps thousands of schemas small.
  let optional = optionals.get(type);
  if (optional === undefined) optionals.set(type, (optional = { kind: "optional", type }));
  return optional;
}

/** A vector or list of any length. */
export function sequenceType(item: Type): Type {
  if (item.kind !== "primitive") return { kind: "sequence", item, length: undefined };
  let sequence = sequences.get(item);
  if (sequence === undefined) sequences.set(item, (sequence = { kind: "sequence", item, length: undefined }));
  return sequence;
}

export function isAny(type: Type | undefined): boolean {
  return type === undefined || (type.kind === "primitive" && type.name === "any");
}

/** Nesting beyond this is an error in a type, or reads as `:any` where the type comes from a schema. */
export const DEEPEST_TYPE = 64;
