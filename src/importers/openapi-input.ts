import { fail, getOwn, isJsonObject, oneLine, setOwn, type JsonObject, type JsonValue } from "../kernel/index.ts";
import type { Warn } from "./declaration.ts";
import { isDecidedHeader } from "../providers/openapi/index.ts";
import type { OpenApiDocument } from "./openapi-document.ts";
import { bodySchema, contentOf, isMediaType } from "./openapi-media.ts";
import type { FoundOperation } from "./openapi-operations.ts";

/** What an operation takes: how it is sent, and what it looks like as one map. */
export interface OperationInput {
  /** Keys of the block: `parameters`, `request_body`, `idempotency_key`. */
  readonly keys: JsonObject;
  /** A JSON Schema that may refer to the description. */
  readonly schema: JsonObject;
  /** Parameters of the path whose slashes are sent as they are. */
  readonly wholePaths: ReadonlySet<string>;
  /** What the description says of each key of the input, where it says anything. */
  readonly notes: readonly (readonly [key: string, text: string])[];
}

const MOST_PARAMETERS = 500;
const PLACES = ["path", "query", "header", "cookie"] as const;
type Place = (typeof PLACES)[number];
const STYLES: Readonly<Record<Place, readonly string[]>> = {
  path: ["simple", "label", "matrix"],
  query: ["form", "spaceDelimited", "pipeDelimited", "deepObject"],
  header: ["simple"],
  cookie: ["form"],
};
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}$/;

/** Throws `invalid-argument` where an operation cannot be called as it is described. */
export function readInput(document: OpenApiDocument, found: FoundOperation, warn: Warn): OperationInput {
  const taken = new Keys();
  const written: JsonObject[] = [];
  const properties: JsonObject = {};
  const required: string[] = [];
  const notes: [string, string][] = [];
  const keys: JsonObject = {};
  const wholePaths = new Set<string>();
  const note = (key: string, text: JsonValue | undefined): void => {
    if (typeof text === "string" && text.trim() !== "") notes.push([key, text]);
  };

  for (const { name, place, parameter } of parametersOf(document, found, warn)) {
    const as = taken.take(name, place);
    // The first is how GitHub says it, the second how OpenAPI 3.2 does.
    const isWhole = parameter["x-multi-segment"] === true || parameter["allowReserved"] === true;
    if (place === "path" && isWhole) wholePaths.add(name);
    const isKey = place === "header" && /^(?:x-)?idempotency-key$/i.test(name);
    // One is made for each call that brings none of its own.
    if (isKey) keys["idempotency_key"] = name;
    const isNeeded = place === "path" || (parameter["required"] === true && !isKey);
    const { declared, schema } = wayOf(name, place, parameter, warn);
    written.push({
      name,
      in: place,
      ...(as !== name && { as }),
      ...(isNeeded && place !== "path" && { required: true }),
      ...declared,
    });
    setOwn(properties, as, schema);
    if (isNeeded) required.push(as);
    if (as !== name) warn(`the ${place} parameter ${quoted(name)} is the key ${quoted(as)}: the name is taken.`);
    note(as, parameter["description"]);
  }
  keys["parameters"] = written;

  const body = bodyOf(document, found);
  if (body !== undefined) {
    const as = taken.has("body") ? taken.take("request_body", "body") : taken.take("body", "body");
    const isNeeded = body["required"] === true;
    const content = contentOf(body);
    const choice = content.length > 1 ? taken.take("content_type", "body") : undefined;
    keys["request_body"] = {
      ...(as !== "body" && { as }),
      ...(isNeeded && { required: true }),
      content: Object.fromEntries(content.map(([type, media]) => [type, encodingOf(media)])),
      ...(choice !== undefined && { content_type_as: choice }),
    };
    const schemas = distinct(content.map(([type, media]) => bodySchema(document, type, media)));
    const [first = {}] = schemas;
    setOwn(properties, as, schemas.length === 1 ? first : { anyOf: schemas });
    if (isNeeded) required.push(as);
    note(as, body["description"]);
    if (choice !== undefined) {
      const types = content.map(([type]) => type);
      setOwn(properties, choice, types.some((type) => type.includes("*")) ? { type: "string" } : { enum: types });
    }
  }
  // Of forms, the schema is one of ours: a reference inside of it still leads into the description.
  return { keys, schema: { type: "object", properties, required }, wholePaths, notes };
}

interface FoundParameter {
  readonly name: string;
  readonly place: Place;
  readonly parameter: JsonObject;
}

/** Those of the operation in place of those of its path that have the same name and place. */
function parametersOf(
  document: OpenApiDocument,
  { operation, item, path }: FoundOperation,
  warn: Warn,
): FoundParameter[] {
  const byKey = new Map<string, FoundParameter>();
  for (const given of [item, operation]) {
    const list = getOwn<JsonValue>(given, "parameters");
    if (list === undefined || list === null) continue;
    if (!Array.isArray(list)) return fail("invalid-argument", "Its parameters are no list.");
    for (const [index, each] of list.entries()) {
      const parameter = document.resolve(each);
      const found = isJsonObject(parameter) ? parameterOf(parameter, index + 1, warn) : undefined;
      if (!isJsonObject(parameter)) fail("invalid-argument", `Its parameter ${index + 1} is no object.`);
      if (found !== undefined) byKey.set(JSON.stringify([found.place, found.name]), found);
    }
    if (byKey.size > MOST_PARAMETERS) fail("invalid-argument", `It has more than ${MOST_PARAMETERS} parameters.`);
  }
  const wanted = new Set([...path.matchAll(/\{([^{}]+)\}/g)].map(([, name]) => name as string));
  for (const found of [...byKey.values()]) {
    if (found.place !== "path" || wanted.delete(found.name)) continue;
    warn(`the path has no place for its parameter ${quoted(found.name)}, which is left out.`);
    byKey.delete(JSON.stringify(["path", found.name]));
  }
  const missing = [...wanted].map((name): FoundParameter => {
    warn(`the parameter ${quoted(name)} of the path is not declared; it is taken for a text.`);
    return { name, place: "path", parameter: { schema: { type: "string" } } };
  });
  return [...missing, ...byKey.values()];
}

/** Undefined where a parameter is not sent. */
function parameterOf(parameter: JsonObject, number: number, warn: Warn): FoundParameter | undefined {
  const { name, in: given } = parameter;
  if (typeof name !== "string" || name === "") fail("invalid-argument", `Its parameter ${number} has no name.`);
  const place = PLACES.find((known) => known === given);
  if (place === undefined) {
    return fail("invalid-argument", `Its parameter ${quoted(name)} does not say where it goes.`);
  }
  if (place === "header" && isDecidedHeader(name)) return undefined;
  if ((place === "header" || place === "cookie") && !TOKEN.test(name)) {
    const what = `the parameter ${quoted(name)} can be no ${place}`;
    if (parameter["required"] === true) fail("invalid-argument", `Needed, but ${what}.`);
    warn(`${what}; it is left out.`);
    return undefined;
  }
  return { name: name.toWellFormed(), place, parameter };
}

/** How a parameter is written, where that is not the usual way of its place, and its schema. */
function wayOf(
  name: string,
  place: Place,
  parameter: JsonObject,
  warn: Warn,
): { declared: JsonObject; schema: JsonValue } {
  const [content] = contentOf(parameter);
  if (content !== undefined) {
    return { declared: { content: content[0] }, schema: getOwn<JsonValue>(content[1], "schema") ?? {} };
  }
  const declared: JsonObject = {};
  const usual = STYLES[place][0] as string;
  let style = usual;
  const said = getOwn<JsonValue>(parameter, "style") ?? usual;
  if (typeof said === "string" && STYLES[place].includes(said)) style = said;
  else warn(`the parameter ${quoted(name)} has no possible style; it is written as ${usual}.`);
  if (style !== usual) declared["style"] = style;
  const explode = getOwn<JsonValue>(parameter, "explode");
  if (typeof explode === "boolean" && explode !== (style === "form")) declared["explode"] = explode;
  if (place === "query" && parameter["allowReserved"] === true) declared["allow_reserved"] = true;
  return { declared, schema: getOwn<JsonValue>(parameter, "schema") ?? {} };
}

/** Undefined where the operation has none, or one of no media type. */
function bodyOf(document: OpenApiDocument, { operation }: FoundOperation): JsonObject | undefined {
  const given = getOwn<JsonValue>(operation, "requestBody");
  if (given === undefined || given === null) return undefined;
  const body = document.resolve(given);
  if (!isJsonObject(body)) return fail("invalid-argument", "Its request body is no object.");
  if (contentOf(body).length > 0) return body;
  if (body["required"] === true) fail("invalid-argument", "Its request body has no media type.");
  return undefined;
}

function encodingOf(media: JsonObject): JsonObject {
  const given = getOwn<JsonValue>(media, "encoding");
  if (!isJsonObject(given)) return {};
  const encoding: JsonObject = {};
  for (const [property, each] of Object.entries(given)) {
    if (!isJsonObject(each)) continue;
    const { contentType, style, explode, allowReserved } = each;
    const told: JsonObject = {
      // Of several types, or of a range, each value has to choose for itself.
      ...(typeof contentType === "string" &&
        isMediaType(contentType) &&
        !contentType.includes("*") && { content_type: contentType }),
      ...(typeof style === "string" && STYLES.query.includes(style) && { style }),
      ...(typeof explode === "boolean" && { explode }),
      ...(allowReserved === true && { allow_reserved: true }),
    };
    if (Object.keys(told).length > 0) setOwn(encoding, property, told);
  }
  return Object.keys(encoding).length === 0 ? {} : { encoding };
}

function distinct(schemas: readonly JsonValue[]): JsonValue[] {
  const seen = new Set<string>();
  return schemas.filter((schema) => {
    // Long ones are rarely the same, and to compare them takes as long as to read them.
    const text = JSON.stringify(schema);
    return !seen.has(text) && seen.add(text);
  });
}

/** The keys of an input. */
class Keys {
  private readonly taken = new Set<string>();

  has(name: string): boolean {
    return this.taken.has(name);
  }

  /** The name, or one that says where it goes as well. */
  take(name: string, place: string): string {
    let key = name;
    if (this.taken.has(key)) key = `${name}_${place}`;
    for (let number = 2; this.taken.has(key); number++) key = `${name}_${place}_${number}`;
    this.taken.add(key);
    return key;
  }
}

function quoted(text: string): string {
  return JSON.stringify(oneLine(text, 100));
}
