import {
  getOwn,
  isJsonObject,
  setOwn,
  stringifyJson,
  type JsonObject,
  type JsonValue,
  valueAt,
} from "../../kernel/index.ts";

/**
 * A message with places to fill: `{name}` or `{name.inner}` is a part of the input, `{$input}` all of it, `{$rest}` what of
 * it stands nowhere else in the template, and `{$id}` and the like what the runtime knows. `{{name}}` is the text
 * `{name}`; any other brace is itself.
 */
export interface Template {
  /** The message; undefined where it is one place that nothing fills. An entry that nothing fills is left out. */
  render(scope: Scope): JsonValue | undefined;
  /** The first segments of the places, `$id` and the like with their sign. */
  readonly names: ReadonlySet<string>;
}

/** What fills the places of a template. */
export interface Scope {
  readonly input: JsonValue;
  /** By name with the sign: `$id`, `$token`, `$cursor`, `$subscription`, `$login`, `$message`. */
  readonly values?: Readonly<Record<string, JsonValue | undefined>> | undefined;
}

/** The names that templates may use besides the input. */
export const SCOPE_NAMES: ReadonlySet<string> = new Set([
  "$cursor",
  "$id",
  "$input",
  "$login",
  "$message",
  "$rest",
  "$subscription",
  "$token",
]);

const NAME = String.raw`\$?[A-Za-z_][\w-]*(?:\.[\w-]+)*`;
const ONE_PLACE = new RegExp(String.raw`^\{(${NAME})\}$`);
const PLACES = new RegExp(String.raw`\{\{(${NAME})\}\}|\{(${NAME})\}`, "g");

type Node = (scope: Scope) => JsonValue | undefined;

/** Reads a template once, so that filling it in is cheap. */
export function parseTemplate(source: JsonValue): Template {
  const names = new Set<string>();
  const render = parseNode(source, names);
  return { render, names };
}

function parseNode(source: JsonValue, names: Set<string>): Node {
  if (typeof source === "string") return parseText(source, names);
  if (Array.isArray(source)) {
    const items = source.map((item) => parseNode(item, names));
    return (scope) => items.map((item) => item(scope)).filter((item) => item !== undefined);
  }
  if (!isJsonObject(source)) return () => source;
  const entries = Object.entries(source).map(([key, value]) => [key, parseNode(value, names)] as const);
  return (scope) => {
    const result: JsonObject = {};
    for (const [key, node] of entries) {
      const value = node(scope);
      if (value !== undefined) setOwn(result, key, value);
    }
    return result;
  };
}

function parseText(text: string, names: Set<string>): Node {
  const whole = ONE_PLACE.exec(text)?.[1];
  if (whole !== undefined) return place(whole, names);
  const parts: (string | Node)[] = [];
  let end = 0;
  for (const { 0: found, 1: literal, 2: name, index } of text.matchAll(PLACES)) {
    parts.push(text.slice(end, index));
    parts.push(name === undefined ? `{${literal}}` : place(name, names));
    end = index + found.length;
  }
  if (end === 0) return () => text;
  parts.push(text.slice(end));
  return (scope) => parts.map((part) => (typeof part === "string" ? part : asText(part(scope)))).join("");
}

function asText(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? stringifyJson(value) : String(value);
}

function place(name: string, names: Set<string>): Node {
  const [first = "", ...path] = name.split(".");
  names.add(first);
  if (first === "$input") return ({ input }) => valueAt(input, path);
  // `names` is complete by the time that anything is filled in.
  if (first === "$rest") return ({ input }) => withoutNames(input, names);
  if (first.startsWith("$")) {
    return ({ values }) => {
      const value = values && getOwn(values, first);
      return value === undefined ? undefined : valueAt(value, path);
    };
  }
  return ({ input }) => valueAt(input, [first, ...path]);
}

function withoutNames(input: JsonValue, names: ReadonlySet<string>): JsonValue {
  if (!isJsonObject(input)) return input;
  const rest: JsonObject = {};
  for (const key of Object.keys(input)) if (!names.has(key)) setOwn(rest, key, input[key] as JsonValue);
  return rest;
}
