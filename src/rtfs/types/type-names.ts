import type { PrimitiveName } from "./type.ts";

const NAMES: ReadonlyMap<string, PrimitiveName> = new Map([
  ["any", "any"],
  ["never", "never"],
  ["nil", "nil"],
  ["bool", "bool"],
  ["boolean", "bool"],
  ["int", "int"],
  ["integer", "int"],
  ["float", "float"],
  ["number", "float"],
  ["string", "string"],
  ["keyword", "keyword"],
  ["symbol", "symbol"],
  ["map", "map"],
  ["vector", "vector"],
  ["list", "list"],
  ["fn", "fn"],
]);

/** The kind a name stands for, in any capitalisation; undefined for a name that is no type's. */
export function primitiveNamed(name: string): PrimitiveName | undefined {
  return NAMES.get(name) ?? NAMES.get(name.toLowerCase());
}

/** Whether a name (without the colon, with or without a final `?`) is one of a known type. */
export function isTypeName(name: string): boolean {
  return primitiveNamed(name.endsWith("?") ? name.slice(0, -1) : name) !== undefined;
}

/** For "did you mean". */
export const TYPE_NAMES: readonly string[] = [...NAMES.keys()];
