import type { FormOf } from "../forms.ts";
import type { Source } from "../source.ts";
import { readError } from "./read-error.ts";

const BACKSLASH = 0x5c;
const QUOTE = 0x22;

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["t", "\t"],
  ["r", "\r"],
  ["\\", "\\"],
  ['"', '"'],
]);

/** The string literal whose opening quote is at this offset. */
export function readString(source: Source, at: number): FormOf<"string"> {
  const { text } = source;
  let end = at + 1;
  for (let code = text.charCodeAt(end); code !== QUOTE; code = text.charCodeAt(++end)) {
    if (code === BACKSLASH) return readEscapedString(source, at, end);
    if (end >= text.length) throw unclosed(source, at);
  }
  return { kind: "string", source, start: at, end: end + 1, value: text.slice(at + 1, end) };
}

/** A string with escapes. The engine's JSON parser reads it where both grammars agree, being much faster. */
function readEscapedString(source: Source, at: number, firstEscape: number): FormOf<"string"> {
  const { text } = source;
  const end = endOfJsonString(text, firstEscape);
  if (end !== -1) {
    try {
      const value = JSON.parse(text.slice(at, end)) as string;
      return { kind: "string", source, start: at, end, value };
    } catch {
      // A bad escape: read it again to say where.
    }
  }
  return readPieces(source, at, firstEscape);
}

/** The offset behind the closing quote; -1 where a string means something else in JSON, or does not end. */
function endOfJsonString(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) {
      const letter = text.charCodeAt(++at);
      // \b \f \/
      if (letter === 0x62 || letter === 0x66 || letter === 0x2f) return -1;
    } else if (code < 0x20) return -1;
  }
  return -1;
}

function readPieces(source: Source, at: number, firstEscape: number): FormOf<"string"> {
  const { text } = source;
  const parts: string[] = [];
  let from = at + 1;
  let end = firstEscape;
  for (;;) {
    if (end >= text.length) throw unclosed(source, at);
    const code = text.charCodeAt(end);
    if (code === QUOTE) {
      parts.push(text.slice(from, end));
      return { kind: "string", source, start: at, end: end + 1, value: parts.join("") };
    }
    if (code !== BACKSLASH) {
      end++;
      continue;
    }
    parts.push(text.slice(from, end));
    const letter = text.charAt(end + 1);
    const plain = ESCAPES.get(letter);
    if (plain !== undefined) {
      parts.push(plain);
      end += 2;
    } else if (letter === "u") {
      parts.push(readUnicodeEscape(source, end));
      end += 6;
    } else if (letter === "") throw unclosed(source, at);
    else {
      throw readError(source, end, `\\${letter} is no escape.`, {
        expected: '\\n, \\t, \\r, \\\\, \\" or \\uXXXX',
        remedy: "A backslash itself is written \\\\.",
        end: end + 2,
      });
    }
    from = end;
  }
}

function readUnicodeEscape(source: Source, at: number): string {
  const digits = source.text.slice(at + 2, at + 6);
  if (!/^[0-9a-fA-F]{4}$/.test(digits)) {
    throw readError(source, at, "\\u needs four hexadecimal digits.", { expected: "\\uXXXX", end: at + 2 });
  }
  return String.fromCharCode(Number.parseInt(digits, 16));
}

function unclosed(source: Source, at: number): Error {
  return readError(source, at, "This string is not closed.", { expected: 'a closing "' });
}
