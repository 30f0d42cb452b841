import { TooLarge, withoutMark, type HttpResponse } from "./http-response.ts";

/** What a request may say that it takes: everything that `readBytes` and `readText` undo. */
export const ACCEPT_ENCODING = "gzip, deflate, br, zstd";

const MOST_ENCODINGS = 4;

/** A body that is not what its headers say: `message` is the end of a sentence that begins with its place. */
export class BrokenBody extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "BrokenBody";
  }
}

/**
 * The whole body, decompressed where it came compressed (gzip, deflate, br, zstd, or several of them). `limit` counts
 * bytes both as they came and as they are then, so that little cannot become much: beyond it the connection is closed
 * and this rejects with `TooLarge`. Rejects with `BrokenBody` for an encoding that is unknown or broken, and with whatever
 * the connection failed with.
 */
export async function readBytes(response: HttpResponse, limit: number): Promise<Buffer> {
  const encodings = encodingsOf(response);
  if (encodings.length === 0) return response.bytes(limit);
  if (encodings.length > MOST_ENCODINGS) return refuse(response, "is compressed more often than anybody needs");
  const came = await response.bytes(limit);
  if (came.length === 0) return came;
  // Loaded with the first compressed answer.
  const { decompress } = await import("./decompress.ts");
  let bytes: Buffer | undefined = came;
  for (const encoding of encodings.reverse()) {
    try {
      bytes = await decompress(encoding, bytes, limit);
    } catch (error) {
      throw error instanceof TooLarge ? error : new BrokenBody("cannot be decompressed", error);
    }
    if (bytes === undefined) {
      const name = JSON.stringify(encoding.slice(0, 40));
      return refuse(response, `has the content encoding ${name}, which nobody asked for`);
    }
  }
  return bytes;
}

/** The same as text, in the charset that its content type names; UTF-8 where it names none, without a byte order mark. */
export function readText(response: HttpResponse, limit: number): string | Promise<string> {
  const charset = charsetOf(response);
  if (charset === undefined && encodingsOf(response).length === 0) return response.text(limit);
  return readBytes(response, limit).then((bytes) => {
    if (charset === undefined) return withoutMark(bytes.toString("utf8"));
    try {
      return new TextDecoder(charset).decode(bytes);
    } catch (error) {
      throw new BrokenBody(`is in the charset ${JSON.stringify(charset.slice(0, 40))}, which is unknown`, error);
    }
  });
}

/** The media type of an answer in lower case, without parameters; empty where none is declared. */
export function mediaTypeOf(response: Pick<HttpResponse, "header">): string {
  return (response.header("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** JSON under any of its names: `application/json`, `application/problem+json` (RFC 6839, section 3.1). */
export function isJsonType(mediaType: string): boolean {
  return mediaType === "application/json" || mediaType === "text/json" || mediaType.endsWith("+json");
}

function charsetOf(response: HttpResponse): string | undefined {
  const type = response.header("content-type");
  if (type === undefined || !/charset/i.test(type)) return undefined;
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(type)?.[1];
  return charset === undefined || /^utf-?8$/i.test(charset) ? undefined : charset;
}

function encodingsOf(response: HttpResponse): string[] {
  const header = response.header("content-encoding");
  if (header === undefined) return [];
  return header
    .toLowerCase()
    .split(",")
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== "" && encoding !== "identity");
}

function refuse(response: HttpResponse, what: string): never {
  const error = new BrokenBody(what);
  response.destroy(error);
  throw error;
}
