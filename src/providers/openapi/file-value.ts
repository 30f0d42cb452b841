import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import type { FileValue } from "./operation.ts";
import type { Refuse } from "./serialize.ts";

const KEYS: ReadonlySet<string> = new Set(["data", "text", "content_type", "filename"]);

/** Whether a value is bytes with their type and name, and nothing else. */
export function isFileValue(value: JsonValue): value is FileValue & JsonObject {
  if (!isJsonObject(value)) return false;
  const hasContent =
    typeof getOwn<JsonValue>(value, "data") === "string" || typeof getOwn<JsonValue>(value, "text") === "string";
  return hasContent && Object.entries(value).every(([key, part]) => KEYS.has(key) && typeof part === "string");
}

export interface FileContent {
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
  readonly filename: string | undefined;
}

/** Throws where `:data` is no base64. */
export function fileContent(value: FileValue, refuse: Refuse): FileContent {
  const text = (key: string): string | undefined => getOwn(value as Record<string, string>, key);
  const data = text("data");
  return {
    bytes: data === undefined ? Buffer.from(text("text") ?? "", "utf8") : decodeBase64(data, refuse),
    contentType: text("content_type"),
    filename: text("filename"),
  };
}

/** Both alphabets of RFC 4648, with or without padding; line ends are passed over. */
function decodeBase64(data: string, refuse: Refuse): Buffer {
  const compact = /\s/.test(data) ? data.replace(/\s+/g, "") : data;
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(compact) || compact.replace(/=+$/, "").length % 4 === 1) {
    return refuse("has :data that is no base64; a text goes into :text");
  }
  return Buffer.from(compact, "base64");
}
