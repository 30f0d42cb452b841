import { isJsonObject, setOwn, type JsonObject, type JsonValue } from "../kernel/index.ts";
import { Float, toJson, type RecordEntry, type Type, type Value } from "../rtfs/index.ts";
import { parseJsonText, readJsonArgument, type InputContext } from "./read-input.ts";
import { UsageError } from "./usage-error.ts";

/** The words after a call's id, read but not yet typed: what a schema says of them is not known before it is loaded. */
export interface GivenInput {
  /** The input itself: pairs go by the schema, and are strings where that says nothing. */
  typedBy(schema: Type | undefined): JsonValue;
}

/**
 * Reads the words after a call's id: at most one JSON value (`{…}`, `@FILE`, `-`), and `key=value` pairs
 * that are added to it. `key:=JSON` takes the value as JSON.
 */
export async function readCallInput(words: readonly string[], context: InputContext): Promise<GivenInput> {
  const [first] = words;
  const isPair = first !== undefined && pairOf(first) !== undefined;
  const base = first === undefined || isPair ? {} : await readJsonArgument(first, context);
  const pairs = (first === undefined || isPair ? words : words.slice(1)).map(expectPair);
  if (pairs.length > 0 && !isJsonObject(base)) {
    throw new UsageError(
      "Pairs of key=value can only be added to a JSON object.",
      "Give an object first, or only pairs.",
    );
  }
  return { typedBy: (schema) => (isJsonObject(base) && pairs.length > 0 ? addPairs(base, pairs, schema) : base) };
}

interface Pair {
  readonly key: string;
  readonly text: string;
  /** The value of `key:=JSON`. */
  readonly json: JsonValue | undefined;
}

// A JSON text may hold an equals sign too, so what begins like JSON is JSON.
function pairOf(word: string): Pair | undefined {
  if (/^\s*[[{"@]/.test(word) || word === "-") return undefined;
  const at = word.indexOf("=");
  if (at < 1) return undefined;
  const json = word[at - 1] === ":";
  const key = word.slice(0, json ? at - 1 : at);
  if (key === "") return undefined;
  const text = word.slice(at + 1);
  return { key, text, json: json ? parseJsonText(text, `of ${key}`) : undefined };
}

function expectPair(word: string): Pair {
  const pair = pairOf(word);
  if (pair !== undefined) return pair;
  throw new UsageError(
    `${JSON.stringify(word)} is no key=value pair.`,
    "Pairs are key=value, or key:=JSON; one JSON value may come before them.",
  );
}

function addPairs(base: JsonObject, pairs: readonly Pair[], schema: Type | undefined): JsonObject {
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(base)) setOwn(result, key, value);
  const repeated = new Set<string>();
  for (const pair of pairs) {
    const type = schema === undefined ? undefined : typeOfKey(schema, pair.key);
    const value = pair.json === undefined ? typed(pair.text, type) : pair.json;
    const known = repeated.has(pair.key) ? result[pair.key] : undefined;
    // A list is given item by item by naming its key again.
    if (Array.isArray(known) && Array.isArray(value)) known.push(...value);
    else setOwn(result, pair.key, value);
    repeated.add(pair.key);
  }
  return result;
}

function typeOfKey(schema: Type, key: string): Type | undefined {
  switch (schema.kind) {
    case "record":
      return schema.entries.find((entry) => keyText(entry.key) === key)?.type ?? schema.rest;
    case "map-of":
      return schema.value;
    case "optional":
      return typeOfKey(schema.type, key);
    case "and":
    case "union":
      for (const type of schema.types) {
        const found = typeOfKey(type, key);
        if (found !== undefined) return found;
      }
      return undefined;
    default:
      return undefined;
  }
}

function keyText(key: RecordEntry["key"]): string {
  return typeof key === "object" ? key.name : String(key);
}

/** A word as the type wants it; where it does not fit, the word itself: the schema's own check says what is wrong. */
function typed(text: string, type: Type | undefined): JsonValue {
  const value = type === undefined ? undefined : fitting(text, type);
  return value === undefined ? text : value;
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Undefined where the text spells nothing of this type, or nothing but a string. */
function fitting(text: string, type: Type): JsonValue | undefined {
  switch (type.kind) {
    case "primitive":
      if (type.name === "int" || type.name === "float")
        return NUMBER.test(text) ? parseJsonText(text, "given") : undefined;
      if (type.name === "bool") return text === "true" || text === "false" ? text === "true" : undefined;
      if (type.name === "vector" || type.name === "list") return listOf(text, undefined);
      if (type.name === "map") return jsonIf(text, "{");
      return type.name === "nil" && text === "null" ? null : undefined;
    case "optional":
      // Where a text would do, it is one: `null` may be somebody's name.
      return text === "null" && !takesText(type.type) ? null : fitting(text, type.type);
    case "sequence":
      return listOf(text, type.item);
    case "tuple":
      return jsonIf(text, "[");
    case "record":
    case "map-of":
      return jsonIf(text, "{");
    case "and":
      return firstFitting(text, type.types);
    case "union":
      // `[:union :string :int]` takes a word as a string: nothing else would let one be given.
      return takesText(type) ? undefined : firstFitting(text, type.types);
    case "enum":
      return literal(text, type.values);
    case "literal":
      return literal(text, [type.value]);
    default:
      return undefined;
  }
}

function firstFitting(text: string, types: readonly Type[]): JsonValue | undefined {
  for (const type of types) {
    const value = fitting(text, type);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** What the word spells, if that is one of the literals; undefined where a text is, which the word then is itself. */
function literal(text: string, values: readonly Value[]): JsonValue | undefined {
  if (!/^(?:true|false|null)$/.test(text) && !NUMBER.test(text)) return undefined;
  const spelled = parseJsonText(text, "given");
  const literals = values.flatMap((value) =>
    value instanceof Float && !Number.isFinite(value.value) ? [] : [toJson(value)],
  );
  return !literals.includes(text) && literals.includes(spelled) ? spelled : undefined;
}

const TEXTS: ReadonlySet<string> = new Set(["string", "keyword", "symbol", "any"]);

function takesText(type: Type): boolean {
  switch (type.kind) {
    case "primitive":
      return TEXTS.has(type.name);
    case "enum":
      return type.values.some((value) => typeof toJson(value) === "string");
    case "optional":
      return takesText(type.type);
    case "and":
      return type.types.every(takesText);
    case "union":
      return type.types.some(takesText);
    case "literal":
      return typeof toJson(type.value) === "string";
    default:
      return false;
  }
}

function jsonIf(text: string, start: string): JsonValue | undefined {
  return text.trimStart().startsWith(start) ? parseJsonText(text, "given") : undefined;
}

function listOf(text: string, item: Type | undefined): JsonValue {
  return jsonIf(text, "[") ?? [typed(text, item)];
}
