import { CcosError } from "../../kernel/index.ts";
import { isInteger, Float, Keyword, keyword, List, RtfsMap, typeName, Vector, type Value } from "../../rtfs/index.ts";

/** A row of arguments handed on as `{:args [...]}` by code that was given them. */
export function spreadArguments(args: readonly Value[]): readonly Value[] {
  const [only] = args;
  if (args.length !== 1 || !(only instanceof RtfsMap) || only.size !== 1) return args;
  const row = only.get(keyword("args")) ?? only.get("args");
  return row instanceof Vector || row instanceof List ? row.toArray() : args;
}

/** Arguments given by position, or as one map by name. */
export class NativeArguments {
  readonly #id: string;
  readonly #names: readonly string[];
  readonly #values: readonly (Value | undefined)[];

  /** Throws `invalid-argument` for more arguments than there are names. */
  constructor(id: string, names: readonly string[], given: readonly Value[]) {
    this.#id = id;
    this.#names = names;
    const args = spreadArguments(given);
    const [only] = args;
    const named = args.length === 1 && only instanceof RtfsMap ? names.map((name) => field(only, name)) : [];
    if (named.some((value) => value !== undefined)) this.#values = named;
    else {
      if (args.length > names.length)
        this.#refuse(`takes at most ${names.length} arguments, and was given ${args.length}.`);
      this.#values = args;
    }
  }

  #refuse(what: string): never {
    throw new CcosError("invalid-argument", `${this.#id} ${what}`, {
      remedy: `Its arguments are ${this.#names.map((name) => `:${name}`).join(", ")}, by position or in one map.`,
    });
  }

  /** Undefined where it is missing. */
  optional(name: string): Value | undefined {
    return this.#values[this.#names.indexOf(name)];
  }

  value(name: string): Value {
    const value = this.optional(name);
    return value === undefined ? this.#refuse(`needs :${name}.`) : value;
  }

  string(name: string): string {
    const value = this.value(name);
    return typeof value === "string" ? value : this.#wrong(name, "a string", value);
  }

  optionalString(name: string): string | undefined {
    const value = this.optional(name) ?? null;
    return value === null ? undefined : this.string(name);
  }

  /** The text of a string, keyword or integer. */
  key(name: string): string {
    const value = this.value(name);
    if (value instanceof Keyword) return value.name;
    return typeof value === "string" || isInteger(value)
      ? String(value)
      : this.#wrong(name, "a string or keyword", value);
  }

  number(name: string): number {
    const value = this.value(name);
    if (value instanceof Float) return value.value;
    return isInteger(value) ? Number(value) : this.#wrong(name, "a number", value);
  }

  optionalNumber(name: string): number | undefined {
    const value = this.optional(name) ?? null;
    return value === null ? undefined : this.number(name);
  }

  optionalMap(name: string): RtfsMap | undefined {
    const value = this.optional(name) ?? null;
    if (value === null || value instanceof RtfsMap) return value ?? undefined;
    return this.#wrong(name, "a map", value);
  }

  #wrong(name: string, expected: string, value: Value): never {
    return this.#refuse(`expects ${expected} for :${name}, and was given ${typeName(value)}.`);
  }
}

function field(map: RtfsMap, name: string): Value | undefined {
  return map.get(keyword(name)) ?? map.get(name) ?? map.get(keyword(name.replaceAll("_", "-")));
}
