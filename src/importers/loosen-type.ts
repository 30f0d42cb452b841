import { ANY, isAny, optionalType, primitive, type Literal, type PrimitiveName, type Type } from "../rtfs/index.ts";

/**
 * The type with what services keep least: any key may be missing or null, choices may grow, and limits of length and size
 * are not checked. What kind of value stands where is still told.
 *
 * A result that its type refuses is an error after the call was executed, and descriptions of answers are seldom exact:
 * services change, and nobody checks what they send against what they wrote.
 */
export function loosenType(type: Type): Type {
  switch (type.kind) {
    case "record":
      return {
        kind: "record",
        entries: type.entries.map((entry) => ({
          key: entry.key,
          type: nullable(loosenType(entry.type)),
          optional: true,
        })),
        rest: type.rest === undefined ? undefined : nullable(loosenType(type.rest)),
      };
    case "map-of":
      return { ...type, value: nullable(loosenType(type.value)) };
    case "optional":
      return nullable(loosenType(type.type));
    case "sequence":
      return { kind: "sequence", item: loosenType(type.item), length: undefined };
    case "tuple":
      return { kind: "sequence", item: ANY, length: undefined };
    case "union":
      return unionOf(type.types.map(loosenType));
    case "enum":
      return unionOf([type, ...kindsOf(type.values)]);
    case "literal":
      return unionOf([type, ...kindsOf([type.value])]);
    case "and": {
      const types = type.types.map(loosenType);
      const [only = ANY] = types;
      return types.length === 1 ? only : { kind: "and", types, predicates: [] };
    }
    default:
      return type;
  }
}

export function nullable(type: Type): Type {
  return isAny(type) || type.kind === "optional" ? type : optionalType(type);
}

function unionOf(types: readonly Type[]): Type {
  if (types.some(isAny)) return ANY;
  const flat = types.map((type) => (type.kind === "optional" ? type.type : type)).filter((type) => !isNil(type));
  const [only = primitive("nil")] = flat;
  const type: Type = flat.length < 2 ? only : { kind: "union", types: flat };
  const hasNil = types.some((one) => one.kind === "optional" || isNil(one));
  return hasNil && !isNil(type) ? optionalType(type) : type;
}

function isNil(type: Type): boolean {
  return type.kind === "primitive" && type.name === "nil";
}

/** The kinds of values that a choice offers. */
function kindsOf(values: readonly Literal[]): Type[] {
  const names = new Set<PrimitiveName | undefined>();
  for (const value of values) {
    if (typeof value === "string") names.add("string");
    else if (typeof value === "boolean") names.add("bool");
    else if (value === null) names.add("nil");
    else names.add(typeof value === "number" || typeof value === "bigint" ? "int" : undefined);
  }
  return [...names].map((name) => (name === undefined ? ANY : primitive(name)));
}
