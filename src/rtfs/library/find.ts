import { Builtin, type BuiltinDeclaration } from "../evaluator/functions.ts";

// The table is filled by the library's index; functions that look others up by name read it here, so
// that no topic needs to know all the others.
const byName = new Map<string, Builtin>();

export function register(declarations: readonly BuiltinDeclaration[]): void {
  for (const declaration of declarations) {
    const builtin = new Builtin(declaration);
    for (const name of [declaration.name, ...(declaration.aliases ?? [])]) {
      if (byName.has(name)) throw new Error(`The library declares ${name} twice.`);
      byName.set(name, builtin);
    }
  }
}

/** The library's function of this name or alias. */
export function findBuiltin(name: string): Builtin | undefined {
  return byName.get(name);
}

export function allBuiltins(): ReadonlyMap<string, Builtin> {
  return byName;
}
