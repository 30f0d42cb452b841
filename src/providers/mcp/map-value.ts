import {
  CcosError,
  getOwn,
  isJsonObject,
  parseJson,
  stripControls,
  type JsonObject,
  type JsonValue,
} from "../../kernel/index.ts";
import type { Target } from "../../session/handler.ts";

const QUOTED_MESSAGE = 2000;

/** A tool's result as a value, or its error thrown. `input` helps to say what was wrong with it. */
export function readToolResult(result: JsonObject, target: Target, input: JsonValue): JsonValue {
  if (getOwn(result, "isError") === true) throw toolError(result, target, input);
  const structured = getOwn(result, "structuredContent");
  if (structured !== undefined && structured !== null) return structured;
  const text = onlyText(result);
  if (text === undefined) return withoutEnvelope(result);
  return parsedText(text);
}

/** The text, where the content is one text block and nothing else. */
function onlyText(result: JsonObject): string | undefined {
  const content = getOwn(result, "content");
  const block = Array.isArray(content) && content.length === 1 ? content[0] : undefined;
  if (!isJsonObject(block) || block["type"] !== "text") return undefined;
  return typeof block["text"] === "string" ? block["text"] : undefined;
}

/** Objects and arrays are often sent as text. Any other JSON stays the text it was: "42" may be a name. */
function parsedText(text: string): JsonValue {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    const value = parseJson(text);
    return typeof value === "object" && value !== null ? value : text;
  } catch {
    return text;
  }
}

/** The whole result, without what the protocol adds to every one. */
export function withoutEnvelope(result: JsonObject): JsonObject {
  if (!("resultType" in result)) return result;
  const { resultType: _, ...rest } = result;
  return rest;
}

function toolError(result: JsonObject, target: Target, input: JsonValue): CcosError {
  const message = stripControls(errorText(result)).trim().slice(0, QUOTED_MESSAGE);
  const said = `${target.operation} at ${target.endpoint} failed: ${message === "" ? "the tool reported an error without a text." : message}`;
  if (isRateLimit(message)) {
    return new CcosError("rate-limited", said, {
      retryAfterMs: retryAfterIn(message),
      remedy: "Wait, or set :rate_limit to stay below the server's limit.",
    });
  }
  return new CcosError("rejected", said, { remedy: remedyFor(message, target, input) });
}

function errorText(result: JsonObject): string {
  const content = getOwn(result, "content");
  const texts: string[] = [];
  for (const block of Array.isArray(content) ? content : []) {
    if (isJsonObject(block) && typeof block["text"] === "string") texts.push(block["text"]);
  }
  return texts.join("\n");
}

/** Servers behind a rate-limited API say so in the text of a tool's error. */
export function isRateLimit(text: string): boolean {
  return /\b(?:rate[ -]?limit(?:ed|s)?\b.{0,40}\b(?:exceeded|reached|hit)|(?:exceeded|reached|hit)\b.{0,40}\brate[ -]?limit|secondary rate limit|rate[ -]limited|too many requests)\b/is.test(
    text,
  );
}

/** Milliseconds of a unit as texts write it; undefined for a word that is none. No word means seconds. */
function unitMs(word: string): number | undefined {
  if (word === "" || /^s(?:ec(?:ond)?s?)?$/.test(word)) return 1000;
  if (/^(?:ms|millis(?:econds?)?|milliseconds?)$/.test(word)) return 1;
  if (/^m(?:in(?:ute)?s?)?$/.test(word)) return 60_000;
  return /^h(?:(?:ou)?rs?)?$/.test(word) ? 3_600_000 : undefined;
}

/** The time to wait that a text names: `retry after 30s`, `try again in 2 minutes`, `Retry after 1m30s`. */
export function retryAfterIn(text: string): number | undefined {
  const found = /\b(?:re)?try(?:ing)?(?: again)?[ -]?(?:after|in)\b:?\s*((?:\d+(?:\.\d+)?\s*[a-z]*\s*){1,3})/i.exec(
    text,
  )?.[1];
  if (found === undefined) return undefined;
  let total = 0;
  for (const [, amount, word = ""] of found.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]*)/gi)) {
    const factor = unitMs(word.toLowerCase());
    // A word that is no unit belongs to the rest of the sentence.
    total += Number(amount) * (factor ?? 1000);
    if (factor === undefined) break;
  }
  return Math.round(total);
}

function remedyFor(message: string, target: Target, input: JsonValue): string | undefined {
  const value = miswritten(message, input);
  if (value !== undefined) {
    return `Write ${JSON.stringify(value.expected)} instead of ${JSON.stringify(value.given)}: the server tells upper from lower case.`;
  }
  if (/\b(?:unknown tool|tool\b.*\bnot found|no such tool)\b/i.test(message)) {
    return `Check :tool_name (${JSON.stringify(target.operation)}); ccos import lists what the server offers.`;
  }
  const unsent = Object.keys(target.credentials).length === 0;
  if (
    unsent &&
    target.credentialSource !== undefined &&
    /\b(?:unauthori[sz]ed|authenticat|credentials?|api key|access token|bad token|401)\b/i.test(message)
  ) {
    return `No token was sent. Set ${target.credentialSource}, or name another variable with :auth_env_var.`;
  }
  return undefined;
}

/** An argument that the server expects in another case, as with `Expected OPEN, got open`. */
function miswritten(
  message: string,
  input: JsonValue,
): { readonly given: string; readonly expected: string } | undefined {
  if (
    !isJsonObject(input) ||
    !/\b(?:expected|invalid|must be|one of|allowed|enum|valid (?:values|options))\b/i.test(message)
  )
    return undefined;
  const words = new Map<string, string>();
  for (const [word] of message.matchAll(/[A-Za-z][\w-]*/g)) {
    const lower = word.toLowerCase();
    // The value as given is in the text too; the other spelling is the expected one.
    const before = words.get(lower);
    if (before === undefined || Object.values(input).includes(before)) words.set(lower, word);
  }
  for (const given of Object.values(input)) {
    if (typeof given !== "string" || given.length < 2 || given.length > 64) continue;
    const expected = words.get(given.toLowerCase());
    if (expected !== undefined && expected !== given) return { given, expected };
  }
  return undefined;
}
