import { fail, getOwn, parseJson, setOwn, stripControls, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import {
  BrokenBody,
  contentFailure,
  isJsonType,
  mediaTypeOf,
  readBytes,
  readEvents,
  readText,
  type HttpFailureContext,
  type HttpResponse,
} from "../../http/index.ts";
import { covers, kindOf, type MediaKind } from "./media-type.ts";

export interface AnswerRules {
  /** Media types that the operation declares, or the caller asked for; empty: any but a page for people. */
  readonly accepted: readonly string[];
  readonly maxResponseBytes: number;
  readonly where: HttpFailureContext;
}

const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
const PAGES: ReadonlySet<string> = new Set(["text/html", "application/xhtml+xml"]);
const SAME_KIND_OF_TEXT: ReadonlySet<string> = new Set(["text/plain", "application/octet-stream", ""]);

/**
 * What an answer says: JSON as its value, texts as text, one value a line (or an event) as a list, anything else as
 * `{:content_type … :data "BASE64"}`, and nil where there is nothing.
 *
 * Throws `protocol-error` for a page for people that nobody asked for, for another kind of answer than the operation
 * declares, and for JSON that is none.
 */
export async function readAnswer(response: HttpResponse, method: string, rules: AnswerRules): Promise<JsonValue> {
  if (method === "HEAD" || WITHOUT_BODY.has(response.status) || response.header("content-length") === "0") {
    await response.discard();
    return null;
  }
  const mediaType = mediaTypeOf(response);
  const { maxResponseBytes } = rules;
  switch (expectedKind(mediaType, rules, response)) {
    case "json":
      return readJson(await readText(response, maxResponseBytes), mediaType, rules);
    case "json-lines":
      return readLines(await readText(response, maxResponseBytes));
    case "events":
      return readAllEvents(response, maxResponseBytes);
    case "text":
    case "form":
      return readText(response, maxResponseBytes);
    default: {
      const bytes = await readBytes(response, maxResponseBytes);
      return bytes.length === 0 && mediaType === "" ? null : fileOf(response, mediaType, bytes);
    }
  }
}

/** How a body is to be read; throws where it is none that the operation can give. */
function expectedKind(mediaType: string, { accepted, where }: AnswerRules, response: HttpResponse): MediaKind {
  const kind = kindOf(mediaType);
  const refuse = (expected: string): never => {
    const failure = contentFailure(mediaType, expected, where);
    response.destroy(failure);
    throw failure;
  };
  const named = accepted.some((type) => covers(type, mediaType) && !(type.startsWith("*") && PAGES.has(mediaType)));
  if (PAGES.has(mediaType) && !named) return refuse(accepted.length === 0 ? "data" : accepted.slice(0, 4).join(" or "));
  if (accepted.length === 0) return mediaType === "" ? "json" : kind;
  if (named || accepted.some((type) => kindOf(type) === kind && kind !== "binary")) return kind;
  // Many servers give JSON under the name of whatever their file system or framework takes it for.
  if (accepted.some(isJsonType) && SAME_KIND_OF_TEXT.has(mediaType)) return "json";
  return refuse(accepted.slice(0, 4).join(" or "));
}

function readJson(text: string, mediaType: string, { accepted, where }: AnswerRules): JsonValue {
  if (text.trim() === "") return null;
  try {
    return parseJson(text);
  } catch (error) {
    // Nothing was said of its kind, and it is none of the usual one.
    if (mediaType === "" && accepted.length === 0 && !text.trimStart().startsWith("<")) return text;
    if (SAME_KIND_OF_TEXT.has(mediaType)) throw contentFailure(mediaType, "JSON", where);
    throw new BrokenBody("is no JSON, although it says so", error);
  }
}

/** RFC 7464 puts it before each text. */
export const RECORD_SEPARATOR = "\u001e";

export function readLines(text: string): JsonValue[] {
  const lines = text
    .replaceAll(RECORD_SEPARATOR, "\n")
    .split("\n")
    .filter((line) => line.trim() !== "");
  return lines.map((line) => {
    try {
      return parseJson(line);
    } catch (error) {
      throw new BrokenBody("has a line that is no JSON", error);
    }
  });
}

async function readAllEvents(response: HttpResponse, limit: number): Promise<JsonValue> {
  const events: JsonValue[] = [];
  let size = 0;
  await readEvents(response, {
    limit,
    onEvent({ data }) {
      size += data.length;
      if (size > limit)
        fail("protocol-error", `The events of the answer have more than ${limit} bytes.`, {
          remedy: "Take them as a stream, or raise :max_response_bytes.",
        });
      events.push(eventData(data));
    },
  });
  return events;
}

/** The data of a server-sent event: JSON as its value, else the text. */
export function eventData(data: string): JsonValue {
  try {
    return parseJson(data);
  } catch {
    return data;
  }
}

function fileOf(response: HttpResponse, mediaType: string, bytes: Buffer): JsonObject {
  const filename = filenameIn(response.header("content-disposition"));
  return {
    content_type: mediaType === "" ? "application/octet-stream" : mediaType,
    data: bytes.toString("base64"),
    ...(filename !== undefined && { filename }),
  };
}

/** RFC 6266. A name, and never a path. */
export function filenameIn(header: string | undefined): string | undefined {
  if (header === undefined || header.length > 2_000) return undefined;
  const extended = /filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(header)?.[1];
  let name = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(header);
  let text = (name?.[1] ?? name?.[2])?.replace(/\\(.)/g, "$1");
  if (extended !== undefined) {
    try {
      text = decodeURIComponent(extended);
    } catch {
      name = null;
    }
  }
  const last =
    stripControls(text ?? "")
      .split(/[\\/]/)
      .at(-1)
      ?.trim() ?? "";
  return last === "" || last === "." || last === ".." ? undefined : last.slice(0, 255);
}

/** The whole answer: `{status, headers, content_type, body}`; cookies are the session's, and left out. */
export function wholeAnswer(response: HttpResponse, body: JsonValue): JsonObject {
  const headers: JsonObject = {};
  for (const name of response.headerNames()) {
    if (name !== "set-cookie") setOwn(headers, name, response.header(name) ?? "");
  }
  const type = getOwn<JsonValue>(headers, "content-type");
  return { status: response.status, headers, ...(type !== undefined && { content_type: type }), body };
}
