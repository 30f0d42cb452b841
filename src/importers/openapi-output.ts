import { getOwn, isCcosError, isJsonObject, oneLine, type JsonObject, type JsonValue } from "../kernel/index.ts";
import type { Warn } from "./declaration.ts";
import type { OpenApiDocument } from "./openapi-document.ts";
import { contentOf, shapeOf } from "./openapi-media.ts";
import type { FoundOperation } from "./openapi-operations.ts";

/** What an operation answers. */
export interface OperationOutput {
  /** Keys of the block: `responses`, `accept`. */
  readonly keys: JsonObject;
  /** A JSON Schema of the result, which may refer to the description; undefined where nothing is known of it. */
  readonly schema: JsonValue | undefined;
}

const STATUS = /^(?:[1-5]\d\d|[1-5]XX|default)$/i;
const WITHOUT_BODY: ReadonlySet<string> = new Set(["204", "205", "304"]);

export function readOutput(
  document: OpenApiDocument,
  { operation, method }: FoundOperation,
  warn: Warn,
): OperationOutput {
  const declared = getOwn<JsonValue>(operation, "responses");
  const written: JsonObject = {};
  const successes: { readonly status: string; readonly content: [string, JsonObject][] }[] = [];
  for (const [status, given] of isJsonObject(declared) ? Object.entries(declared) : []) {
    if (!STATUS.test(status)) continue;
    const response = responseOf(document, given, status, warn);
    if (response === undefined) continue;
    const content = contentOf(response);
    const { description } = response;
    written[status] = {
      ...(typeof description === "string" && description.trim() !== "" && { description: oneLine(description, 120) }),
      ...(content.length > 0 && { content: content.map(([type]) => type) }),
    };
    if (status.startsWith("2")) successes.push({ status, content });
  }
  const keys: JsonObject = Object.keys(written).length === 0 ? {} : { responses: written };
  const types = new Set(successes.flatMap(({ content }) => content.map(([type]) => type)));
  const ofJson = [...types].filter((type) => shapeOf(type) === "json");
  // What is asked for decides what comes back, so that the schema can say it.
  if (ofJson.length > 0 && ofJson.length < types.size) keys["accept"] = ofJson;
  if (method === "HEAD" || successes.length === 0) return { keys, schema: undefined };
  const schemas: JsonValue[] = [];
  for (const { status, content } of successes) {
    const asked = ofJson.length > 0 ? content.filter(([type]) => shapeOf(type) === "json") : content;
    if (asked.length > 0) schemas.push(...asked.map(([type, media]) => resultSchema(type, media)));
    else if (WITHOUT_BODY.has(status)) schemas.push({ type: "null" });
    // Nothing is said of a body that there may well be.
    else return { keys, schema: undefined };
  }
  const [only] = schemas;
  return { keys, schema: schemas.length === 1 ? only : { anyOf: schemas } };
}

function responseOf(document: OpenApiDocument, given: JsonValue, status: string, warn: Warn): JsonObject | undefined {
  try {
    const response = document.resolve(given);
    if (isJsonObject(response)) return response;
    warn(`its response ${status} is no object.`);
  } catch (error) {
    if (!isCcosError(error)) throw error;
    warn(`its response ${status} cannot be read: ${error.message}`);
  }
  return undefined;
}

function resultSchema(mediaType: string, media: JsonObject): JsonValue {
  switch (shapeOf(mediaType)) {
    case "json":
      return getOwn<JsonValue>(media, "schema") ?? {};
    case "text":
      return { type: "string" };
    default:
      return {};
  }
}
