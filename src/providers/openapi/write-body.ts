import { isJsonObject, stringifyJson, type JsonValue } from "../../kernel/index.ts";
import { fileContent, isFileValue } from "./file-value.ts";
import { covers, kindOf } from "./media-type.ts";
import type { Encoding, MediaType, RequestBody } from "./operation.ts";
import { writeMultipart } from "./multipart.ts";
import { contentText, encodeAll, encodeReserved, pairsOf, type Refuse } from "./serialize.ts";

export interface WrittenBody {
  readonly contentType: string;
  readonly body: string | Uint8Array;
}

/** Writes a body in the media type that the caller asks for, that the value says, or that comes first. */
export function writeBody(
  declared: RequestBody,
  value: JsonValue,
  wanted: string | undefined,
  refuse: Refuse,
): WrittenBody {
  const [key, mediaType] = chooseType(declared, value, wanted, refuse);
  const media = declared.content.get(key) as MediaType;
  switch (kindOf(mediaType)) {
    case "json":
      return { contentType: mediaType, body: stringifyJson(value) };
    case "json-lines":
      if (!Array.isArray(value)) return refuse(`is no list, and ${mediaType} is one value a line`);
      return { contentType: mediaType, body: value.map((line) => `${stringifyJson(line)}\n`).join("") };
    case "form":
      return { contentType: mediaType, body: writeForm(value, media, refuse) };
    case "multipart": {
      const { contentType, bytes } = writeMultipart(value, mediaType, media, refuse);
      return { contentType, body: bytes };
    }
    default:
      return writeRaw(value, mediaType, refuse);
  }
}

/** The declared type, and the one that is sent: they differ where a range is declared. */
function chooseType(
  { content, contentTypeAs }: RequestBody,
  value: JsonValue,
  wanted: string | undefined,
  refuse: Refuse,
): [string, string] {
  const types = [...content.keys()];
  const own = isFileValue(value) && typeof value["content_type"] === "string" ? value["content_type"] : undefined;
  if (wanted !== undefined) {
    const key = types.find((type) => covers(type, wanted));
    return key === undefined
      ? refuse(
          `cannot be sent as ${JSON.stringify(wanted.slice(0, 100))}: :${contentTypeAs} is one of ${types.join(", ")}`,
        )
      : [key, concrete(key, wanted)];
  }
  const ofFile = own === undefined ? undefined : types.find((type) => covers(type, own));
  if (ofFile !== undefined) return [ofFile, concrete(ofFile, own as string)];
  const key = types.find((type) => kindOf(type) === "json") ?? (types[0] as string);
  return [key, concrete(key, key.includes("*") ? (own ?? rangeDefault(key, value)) : key)];
}

function concrete(declared: string, chosen: string): string {
  return declared.includes("*") ? chosen : declared;
}

function rangeDefault(range: string, value: JsonValue): string {
  if (isFileValue(value)) return "application/octet-stream";
  if (range.startsWith("text/")) return "text/plain";
  return typeof value === "string" && !range.startsWith("application/") ? "text/plain" : "application/json";
}

/** https://spec.openapis.org/oas/v3.1.1.html#encoding-the-x-www-form-urlencoded-media-type */
export function writeForm(value: JsonValue, { encoding }: MediaType, refuse: Refuse): string {
  if (typeof value === "string") return value;
  if (!isJsonObject(value)) return refuse("is no map, and so no form");
  return Object.entries(value)
    .filter(([, field]) => field !== null)
    .flatMap(([name, field]) => {
      const within: Refuse = (what) => refuse(`has ${JSON.stringify(name.slice(0, 80))}, which ${what}`);
      return fieldPairs(name, field, encoding.get(name), within);
    })
    .map(([name, text]) => `${name}=${text}`)
    .join("&");
}

function fieldPairs(
  name: string,
  value: JsonValue,
  encoding: Encoding | undefined,
  refuse: Refuse,
): [string, string][] {
  const encode = encoding?.allowReserved === true ? (text: string) => encodeReserved(text, "&=+#%") : encodeAll;
  const { style, explode, contentType } = encoding ?? {};
  if (style !== undefined || explode !== undefined || encoding?.allowReserved === true) {
    const chosen = style ?? "form";
    return pairsOf(value, {
      name,
      style: chosen,
      explode: explode ?? chosen === "form",
      encode,
      encodeName: encodeAll,
      refuse,
    });
  }
  if (contentType !== undefined && kindOf(contentType) === "json")
    return [[encodeAll(name), encode(contentText(value, true))]];
  const items = Array.isArray(value) ? value.filter((item) => item !== null) : [value];
  return items.map((item) => [encodeAll(name), encode(typeof item === "string" ? item : stringifyJson(item))]);
}

function writeRaw(value: JsonValue, mediaType: string, refuse: Refuse): WrittenBody {
  if (isFileValue(value)) return { contentType: mediaType, body: fileContent(value, refuse).bytes };
  if (typeof value === "object")
    return refuse(`is a value of several parts, and ${mediaType} is sent as text or as {:data "BASE64"}`);
  const text = String(value);
  // oxlint-disable-next-line no-control-regex
  const isPlain = /^[\u0000-\u007f]*$/.test(text) || !mediaType.startsWith("text/") || mediaType.includes(";");
  return { contentType: isPlain ? mediaType : `${mediaType}; charset=utf-8`, body: text };
}
