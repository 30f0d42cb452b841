import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "../kernel/index.ts";
import type { OpenApiDocument } from "./openapi-document.ts";

/** What the importer has to know of a media type: how its values look in JSON. */
export type MediaShape = "json" | "form" | "text" | "bytes" | "any";

const MEDIA_TYPE =
  /^[\w!#$&^.+*-]+\/[\w!#$&^.+*-]+(?:\s*;\s*[\w!#$&^.+*-]+=(?:[\w!#$&^.+*/:-]+|"[\x20-\x21\x23-\x7e]*"))*$/;

export function isMediaType(text: string): boolean {
  return text.length <= 300 && MEDIA_TYPE.test(text);
}

export function shapeOf(mediaType: string): MediaShape {
  const type = (mediaType.split(";", 1)[0] as string).trim().toLowerCase();
  if (type.includes("*")) return "any";
  if (type === "application/json" || type.endsWith("+json") || type === "text/json") return "json";
  if (type === "application/x-www-form-urlencoded" || type.startsWith("multipart/")) return "form";
  if (/^application\/(?:x-)?(?:ndjson|jsonl|json-seq|json-lines|jsonlines)$/.test(type)) return "any";
  if (type === "text/event-stream") return "any";
  return /^text\/|[+/](?:xml|yaml|x-yaml|javascript|csv)$/.test(type) ? "text" : "bytes";
}

/** The media types of a `content` with what is said of each; what is no media type is left out. */
export function contentOf(holder: JsonObject): [mediaType: string, media: JsonObject][] {
  const content = getOwn<JsonValue>(holder, "content");
  if (!isJsonObject(content)) return [];
  return Object.entries(content)
    .map(([type, media]): [string, JsonObject] => [type.trim(), isJsonObject(media) ? media : {}])
    .filter(([type]) => isMediaType(type));
}

/** Bytes, as the provider takes and gives them: in base64 with their type and name, or a text. */
const FILE: JsonObject = {
  anyOf: [
    { type: "string" },
    {
      type: "object",
      properties: {
        data: { type: "string" },
        text: { type: "string" },
        content_type: { type: "string" },
        filename: { type: "string" },
      },
    },
  ],
};

/** The JSON Schema of a body in this media type, as it stands in an input. */
export function bodySchema(document: OpenApiDocument, mediaType: string, media: JsonObject): JsonValue {
  const schema = getOwn<JsonValue>(media, "schema") ?? {};
  switch (shapeOf(mediaType)) {
    case "json":
      return schema;
    case "form":
      return withFiles(document, schema);
    case "text":
    case "bytes":
      return FILE;
    default:
      return {};
  }
}

/** The parts of a form that are bytes are files. */
function withFiles(document: OpenApiDocument, schema: JsonValue): JsonValue {
  const target = quietly(document, schema);
  const properties = isJsonObject(target) ? getOwn<JsonValue>(target, "properties") : undefined;
  if (!isJsonObject(target) || !isJsonObject(properties)) return schema;
  const parts = Object.entries(properties).map(([name, part]): [string, JsonValue] => {
    const own = quietly(document, part);
    if (isBytes(own)) return [name, FILE];
    const items = isJsonObject(own) ? quietly(document, own["items"]) : undefined;
    return [name, isBytes(items) ? { type: "array", items: FILE } : part];
  });
  return { ...target, properties: Object.fromEntries(parts) };
}

function isBytes(schema: JsonValue | undefined): boolean {
  if (!isJsonObject(schema)) return false;
  return schema["format"] === "binary" || (schema["contentMediaType"] !== undefined && schema["type"] === undefined);
}

/** What a schema refers to; one that leads nowhere says nothing. */
function quietly(document: OpenApiDocument, value: JsonValue | undefined): JsonValue | undefined {
  try {
    return document.resolve(value);
  } catch {
    return undefined;
  }
}
