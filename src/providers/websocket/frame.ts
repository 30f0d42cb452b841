import {
  fail,
  getOwn,
  isJsonObject,
  nestsDeeperThan,
  parseJson,
  stringifyInput,
  stringifyJson,
  type JsonValue,
} from "../../kernel/index.ts";

/**
 * What frames hold: JSON; texts as they are, where a frame of bytes is `{:data "BASE64"}`; or bytes, as base64.
 */
export type Format = "json" | "text" | "binary";

/** How deep a message may nest. */
export const DEEPEST_MESSAGE = 512;

/** A frame as a value. Throws a `SyntaxError` where it is not what the format says. */
export function decodeFrame(format: Format, data: Buffer, isBinary: boolean): JsonValue {
  if (format === "binary") return data.toString("base64");
  if (format === "text") return isBinary ? { data: data.toString("base64") } : data.toString("utf8");
  const text = data.toString("utf8");
  const value = parseJson(text);
  // Each level takes two characters: most messages are too short to look through.
  if (text.length > 2 * DEEPEST_MESSAGE && nestsDeeperThan(value, DEEPEST_MESSAGE)) {
    throw new SyntaxError(`More than ${DEEPEST_MESSAGE} levels inside each other.`);
  }
  return value;
}

/** A value as a frame. Throws `invalid-argument` where the format cannot carry it. */
export function encodeFrame(format: Format, value: JsonValue, operation: string): string | Buffer {
  if (format === "json") return encodeJson(value, operation);
  const bytes = isJsonObject(value) ? getOwn(value, "data") : format === "binary" ? value : undefined;
  if (typeof bytes === "string") return decodeBase64(bytes, operation);
  if (typeof value === "string") return value;
  return fail("invalid-argument", `The message of ${operation} is no text, and its frames are ${format}.`, {
    remedy:
      format === "text"
        ? 'Give it a text, or make one with :message "…{name}…".'
        : "Give it a text in base64, or make one with :message.",
  });
}

function encodeJson(value: JsonValue, operation: string): string {
  let text: string | undefined;
  try {
    text = typeof value === "object" && value !== null ? stringifyInput(value) : stringifyJson(value);
  } catch (error) {
    // So deep that it cannot even be written.
    if (!(error instanceof RangeError)) throw error;
  }
  if (text === undefined || (text.length > 2 * DEEPEST_MESSAGE && nestsDeeperThan(value, DEEPEST_MESSAGE))) {
    return fail("invalid-argument", `The message of ${operation} nests deeper than ${DEEPEST_MESSAGE} levels.`);
  }
  return text;
}

function decodeBase64(text: string, operation: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  // Buffer skips what it does not know; what was skipped is missing from the way back.
  if (bytes.toString("base64").replace(/=+$/, "") !== text.replace(/=+$/, "")) {
    fail("invalid-argument", `The message of ${operation} is no base64.`, { remedy: "Encode its bytes in base64." });
  }
  return bytes;
}
