import { randomBytes } from "node:crypto";

import { isJsonObject, stringifyJson, type JsonValue } from "../../kernel/index.ts";
import { fileContent, isFileValue } from "./file-value.ts";
import { kindOf } from "./media-type.ts";
import type { Encoding, MediaType } from "./operation.ts";
import { contentText, pairsOf, scalarText, type Refuse } from "./serialize.ts";

export interface MultipartBody {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

interface Part {
  readonly name: string | undefined;
  readonly filename: string | undefined;
  readonly contentType: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
}

/**
 * A multipart body. A map is one part a property (RFC 7578), a list in it one part an item; a list is one part an item,
 * without names (RFC 2046). Files are `{:data …}` or `{:text …}`; other maps are JSON.
 */
export function writeMultipart(value: JsonValue, mediaType: string, media: MediaType, refuse: Refuse): MultipartBody {
  const parts = Array.isArray(value)
    ? value.map((item) => partOf(undefined, item, undefined, refuse))
    : isJsonObject(value)
      ? Object.entries(value).flatMap(([name, inner]) => partsOf(name, inner, media.encoding.get(name), refuse))
      : refuse("is neither a map nor a list, and so no multipart body");
  const boundary = `ccos-${randomBytes(18).toString("base64url")}`;
  const chunks: Uint8Array[] = [];
  for (const part of parts) {
    chunks.push(Buffer.from(`--${boundary}\r\n${headOf(part, refuse)}\r\n`, "utf8"), part.bytes, Buffer.from("\r\n"));
  }
  chunks.push(Buffer.from(`--${boundary}--\r\n`));
  return { contentType: `${mediaType}; boundary=${boundary}`, bytes: Buffer.concat(chunks) };
}

function partsOf(name: string, value: JsonValue, encoding: Encoding | undefined, refuse: Refuse): Part[] {
  if (value === null) return [];
  const within: Refuse = (what) => refuse(`has ${JSON.stringify(name.slice(0, 80))}, which ${what}`);
  if (encoding?.style !== undefined && encoding.contentType === undefined) {
    const form = { name, style: encoding.style, explode: encoding.explode ?? encoding.style === "form" };
    const pairs = pairsOf(value, { ...form, encode: (text) => text, refuse: within });
    return pairs.map(([field, text]) => textPart(field, text, encoding));
  }
  const isWhole =
    !Array.isArray(value) || (encoding?.contentType !== undefined && kindOf(encoding.contentType) === "json");
  if (isWhole) return [partOf(name, value, encoding, within)];
  return value.filter((item) => item !== null).map((item) => partOf(name, item, encoding, within));
}

function partOf(name: string | undefined, value: JsonValue, encoding: Encoding | undefined, refuse: Refuse): Part {
  const declared = encoding?.contentType;
  // Several types, separated by commas, are a choice: a file says which.
  const only = declared === undefined || /[,*]/.test(declared) ? undefined : declared;
  const headers = encoding?.headers ?? {};
  if (isFileValue(value) && !(only !== undefined && kindOf(only) === "json")) {
    const { bytes, contentType, filename } = fileContent(value, refuse);
    const type = contentType ?? only ?? "application/octet-stream";
    return { name, filename: filename ?? name, contentType: type, headers, bytes };
  }
  const isJson = only !== undefined && kindOf(only) === "json";
  if (isJson || typeof value === "object") {
    const text = isJson ? contentText(value, true) : stringifyJson(value);
    return {
      name,
      filename: undefined,
      contentType: only ?? "application/json",
      headers,
      bytes: Buffer.from(text, "utf8"),
    };
  }
  return { ...textPart(name, scalarText(value, refuse), encoding), contentType: only };
}

function textPart(name: string | undefined, text: string, encoding: Encoding | undefined): Part {
  return {
    name,
    filename: undefined,
    contentType: undefined,
    headers: encoding?.headers ?? {},
    bytes: Buffer.from(text, "utf8"),
  };
}

function headOf({ name, filename, contentType, headers }: Part, refuse: Refuse): string {
  const lines: string[] = [];
  if (name !== undefined) {
    const file = filename === undefined ? "" : `; filename="${quoted(filename)}"`;
    lines.push(`Content-Disposition: form-data; name="${quoted(name)}"${file}`);
  }
  if (contentType !== undefined) {
    if (!/^[\t\x20-\x7e]+$/.test(contentType)) refuse("has a :content_type that no header can carry");
    lines.push(`Content-Type: ${contentType}`);
  }
  for (const [header, text] of Object.entries(headers)) lines.push(`${header}: ${text}`);
  return lines.map((line) => `${line}\r\n`).join("");
}

/** https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data */
function quoted(text: string): string {
  return text.toWellFormed().replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
