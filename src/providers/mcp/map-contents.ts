import { getOwn, isJsonObject, parseJson, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { withoutEnvelope } from "./map-value.ts";

const JSON_TYPE = /^(?:application|text)\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

/**
 * What a resource holds, as a value; undefined where the result is none. One content is its text, or the value that a
 * JSON type says it is; bytes stay what the protocol makes of them, base64 beside their type. Several are a list of all.
 */
export function readContents(result: JsonObject): JsonValue | undefined {
  const contents = getOwn(result, "contents");
  if (!Array.isArray(contents) || !contents.every(isContent)) return undefined;
  const [only, ...others] = contents;
  if (only === undefined || others.length > 0) return contents;
  if (typeof only["text"] !== "string") return only;
  const type = getOwn(only, "mimeType");
  return typeof type === "string" && JSON_TYPE.test(type) ? parsed(only["text"]) : only["text"];
}

function isContent(value: JsonValue): value is JsonObject {
  return isJsonObject(value) && (typeof value["text"] === "string" || typeof value["blob"] === "string");
}

/** A file may call itself JSON and be none; it is its text all the same. */
function parsed(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}

/** A prompt as the protocol has it: its messages, and what it says of itself. Undefined where the result is none. */
export function readPrompt(result: JsonObject): JsonValue | undefined {
  const { _meta, ...prompt } = withoutEnvelope(result);
  return Array.isArray(prompt["messages"]) && prompt["messages"].every(isJsonObject) ? prompt : undefined;
}

/** What was proposed: `values`, and perhaps `total` and `hasMore`. Undefined where the result is none. */
export function readCompletion(result: JsonObject): JsonValue | undefined {
  const completion = getOwn(result, "completion");
  return isJsonObject(completion) && Array.isArray(completion["values"]) ? completion : undefined;
}
