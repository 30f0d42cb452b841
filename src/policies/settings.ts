import {
  didYouMean,
  fail,
  getOwn,
  isJsonObject,
  stringifyJson,
  type JsonObject,
  type JsonValue,
} from "../kernel/index.ts";

/**
 * How settings are declared and put together: one table a block, read by the runtime, by `ccos describe` and
 * by the test that compares it with the schema of the configuration.
 */

/** Where a setting comes from, strongest first. */
export type SettingSource = "call" | "capability" | "endpoint" | "configuration" | "default";

export interface SettingLayer {
  readonly source: SettingSource;
  /** All settings from there, in the words of the metadata: `{"retry": {"max_attempts": 2}, "timeout_ms": 500}`. */
  readonly values: JsonObject;
}

/** One setting: its range in words, and what applies where nobody says anything. */
export interface Setting<T> {
  readonly fallback: T;
  readonly expected: string;
  /** The value in range, or undefined. Texts count for what they spell, as flattening leaves them. */
  parse(value: JsonValue): T | undefined;
}

/** The settings of one block by their key. */
export type SettingTable = Readonly<Record<string, Setting<unknown>>>;

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;

/** The values of a table, `max_attempts` as `maxAttempts`. */
export type ValuesOf<Table extends SettingTable> = {
  readonly [Key in keyof Table & string as Camel<Key>]: Table[Key] extends Setting<infer T> ? T : never;
};

export interface SettingInForce {
  readonly value: JsonValue;
  readonly source: SettingSource;
}

export interface ResolvedBlock<Table extends SettingTable> {
  /**
   * Whether anybody speaks of the block: `on` by a map or `true`, `off` by `false`, and `silent`. A weaker layer
   * than one that says `false` is not heard.
   */
  readonly mode: "on" | "off" | "silent";
  /** Who said `on` or `off`. */
  readonly source: SettingSource;
  readonly values: ValuesOf<Table>;
  /** By key: the value in force and where it comes from. Keys without a value are left out. */
  readonly explained: Readonly<Record<string, SettingInForce>>;
}

/**
 * One block from several layers, strongest first; for each key the first layer that sets it decides.
 * Throws `invalid-argument` for a value out of range and for a key that does not exist.
 */
export function resolveBlock<Table extends SettingTable>(
  name: string,
  table: Table,
  layers: readonly SettingLayer[],
): ResolvedBlock<Table> {
  const heard: SettingLayer[] = [];
  let decided: { readonly mode: "on" | "off"; readonly source: SettingSource } | undefined;
  for (const { source, values } of layers) {
    const block = getOwn(values, name);
    if (block === undefined || block === null) continue;
    if (block === false || block === "false") {
      decided ??= { mode: "off", source };
      break;
    }
    decided ??= { mode: "on", source };
    if (block === true || block === "true") continue;
    if (!isJsonObject(block)) {
      fail(
        "invalid-argument",
        `The setting :${name} (${source}) is a map, or false to switch it off, not ${shown(block)}.`,
        {
          remedy: `Its settings are ${Object.keys(table).join(", ")}.`,
        },
      );
    }
    requireKnownKeys(name, table, block, source);
    heard.push({ source, values: block });
  }
  const values: Record<string, unknown> = {};
  const explained: Record<string, SettingInForce> = {};
  for (const [key, setting] of Object.entries(table)) {
    const { value, source } = resolveSetting(key, setting, heard, `${name} setting`);
    values[camel(key)] = value;
    if (value !== undefined) explained[key] = { value: value as JsonValue, source };
  }
  return {
    mode: decided?.mode ?? "silent",
    source: decided?.source ?? "default",
    values: values as ValuesOf<Table>,
    explained,
  };
}

/** One setting that stands for itself. Throws `invalid-argument` for a value out of range. */
export function resolveSetting<T>(
  key: string,
  setting: Setting<T>,
  layers: readonly SettingLayer[],
  what = "setting",
): { readonly value: T; readonly source: SettingSource } {
  for (const { source, values } of layers) {
    const given = getOwn(values, key);
    if (given === undefined || given === null) continue;
    const value = setting.parse(given);
    if (value === undefined) {
      fail("invalid-argument", `The ${what} :${key} (${source}) must be ${setting.expected}, not ${shown(given)}.`, {
        remedy: `Set :${key} to ${setting.expected}.`,
      });
    }
    return { value, source };
  }
  return { value: setting.fallback, source: "default" };
}

function requireKnownKeys(name: string, table: SettingTable, block: JsonObject, source: SettingSource): void {
  for (const key of Object.keys(block)) {
    if (Object.hasOwn(table, key)) continue;
    fail("invalid-argument", `Unknown ${name} setting :${key.slice(0, 100)} (${source}).`, {
      remedy: didYouMean(key, Object.keys(table)) || `The settings are ${Object.keys(table).join(", ")}.`,
    });
  }
}

function shown(value: JsonValue): string {
  const text = stringifyJson(value);
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}

function camel(key: string): string {
  return key.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
}

function numeric(value: JsonValue): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
}

/** The longest time a setting may name, in milliseconds: what a timer of the platform can wait. */
export const LONGEST_MS = 2_147_483_647;

/** A whole number from `least` to `most`. */
export function whole<F extends number | undefined>(least: number, most: number, fallback: F): Setting<number | F> {
  return {
    fallback,
    expected:
      most === Number.MAX_SAFE_INTEGER
        ? `a whole number of at least ${least}`
        : `a whole number from ${least} to ${most}`,
    parse(value) {
      const number = numeric(value);
      return Number.isSafeInteger(number) && number >= least && number <= most ? number : undefined;
    },
  };
}

/** Any number from `least` to `most`. */
export function fraction(least: number, most: number, fallback: number): Setting<number> {
  return {
    fallback,
    expected: `a number from ${least} to ${most}`,
    parse(value) {
      const number = numeric(value);
      return number >= least && number <= most ? number : undefined;
    },
  };
}

/** Any number above 0. */
export function positive(fallback: number): Setting<number> {
  return {
    fallback,
    expected: "a number above 0",
    parse(value) {
      const number = numeric(value);
      return number > 0 && Number.isFinite(number) ? number : undefined;
    },
  };
}

export function flag(fallback: boolean): Setting<boolean> {
  return {
    fallback,
    expected: "true or false",
    parse: (value) =>
      value === true || value === "true" ? true : value === false || value === "false" ? false : undefined,
  };
}

export function oneOf<T extends string>(names: readonly T[], fallback: T): Setting<T> {
  return {
    fallback,
    expected: `one of ${names.join(", ")}`,
    parse: (value) => names.find((name) => name === value),
  };
}
