import type { Form } from "../forms.ts";
import type { Source } from "../source.ts";
import { Float, INTEGER_MAX, INTEGER_MIN, integer } from "../values.ts";
import { continuesSymbol, endsToken, isDigit, startsSymbol } from "./characters.ts";
import { readName } from "./names.ts";
import { readError } from "./read-error.ts";

const UUID = /[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}/y;
const TIMESTAMP = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[._]\d+)?Z/y;
const NUMBER = /[+-]?\d+(\.\d+)?([eE][+-]?\d+)?/y;
const RESOURCE = /resource:\/\/[^\s()[\]{}]+/y;
const RESOURCE_REF = "resource:ref";

const COLON = 0x3a;
const DASH = 0x2d;
const AMPERSAND = 0x26;
const SLASH = 0x2f;

/**
 * The atom at an offset: its form, whose `end` is where reading goes on. The caller has made sure that
 * the character is no bracket, quote, comment or reader prefix.
 */
export function readAtom(source: Source, at: number): Form {
  const { text } = source;
  const code = text.charCodeAt(at);
  if (code === COLON) return readKeyword(source, at);
  const uuid = readUuid(source, at);
  if (uuid !== undefined) return uuid;
  if (isDigit(code)) return readTimestamp(source, at) ?? readNumber(source, at);
  if ((code === DASH || code === 0x2b) && isDigit(text.charCodeAt(at + 1))) return readNumber(source, at);
  if (startsSymbol(code)) return readSymbol(source, at);
  if (code === AMPERSAND && endsToken(text.charCodeAt(at + 1))) {
    return { kind: "symbol", source, start: at, end: at + 1, name: "&" };
  }
  if (code === 0x2e) {
    if (startsSymbol(text.charCodeAt(at + 1))) return readSymbol(source, at);
    throw readError(source, at, "A float needs digits on both sides of its point.", {
      expected: "a number such as 0.5, or a method name such as .getMessage",
    });
  }
  throw unexpectedCharacter(source, at);
}

function unexpectedCharacter(source: Source, at: number): Error {
  const character = String.fromCodePoint(source.text.codePointAt(at) as number);
  const shown = /[\p{L}\p{N}\p{P}\p{S}]/u.test(character)
    ? character
    : `U+${(character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, "0")}`;
  return readError(source, at, `Unexpected character ${shown}.`, {
    expected: "a form",
    ...(character === "\\" && { remedy: "There are no character literals; write a string of one character." }),
    ...(character === "&" && { remedy: "Write & and the name apart, as in [a & others]." }),
    ...(character === "|" && { remedy: "A block comment begins with #| and ends with |#." }),
    ...(/\p{L}/u.test(character) && { remedy: "Names are written in ASCII; other letters belong in strings." }),
  });
}

function readKeyword(source: Source, at: number): Form {
  const { text } = source;
  const first = text.charCodeAt(at + 1);
  if (startsSymbol(first)) {
    const name = readName(text, at + 1);
    const end = checkedEnd(source, at, at + 1 + name.length);
    return { kind: "keyword", source, start: at, end, name };
  }
  // A colon by itself announces a type, as in `x : Int` and `x :[:vector :int]`; no name holds a colon, so
  // a symbol of this name is nothing else.
  if (Number.isNaN(first) || endsToken(first)) {
    if (first === COLON)
      throw readError(source, at, "A keyword has one colon.", { expected: "a name after the colon" });
    return { kind: "symbol", source, start: at, end: at + 1, name: ":" };
  }
  throw readError(source, at, "A keyword is a colon and a name that starts with a letter.", {
    expected: "a letter or one of _ $ + - * / = < > ! ? % after the colon",
    end: at + 2,
  });
}

function readSymbol(source: Source, at: number): Form {
  const { text } = source;
  const name = readName(text, at);
  let end = at + name.length;
  if (text.charCodeAt(end) === COLON && text.startsWith("resource", at) && end === at + 8) {
    RESOURCE.lastIndex = at;
    const match = RESOURCE.exec(text);
    if (match !== null) {
      const value = match[0];
      return { kind: "text-literal", literal: "resource", source, start: at, end: at + value.length, value };
    }
    if (text.startsWith(RESOURCE_REF, at) && !continuesSymbol(text.charCodeAt(at + RESOURCE_REF.length))) {
      end = at + RESOURCE_REF.length;
      return { kind: "symbol", source, start: at, end, name: RESOURCE_REF };
    }
  }
  checkedEnd(source, at, end);
  switch (name) {
    case "nil":
      return { kind: "nil", source, start: at, end };
    case "true":
      return { kind: "boolean", source, start: at, end, value: true };
    case "false":
      return { kind: "boolean", source, start: at, end, value: false };
    default:
      return { kind: "symbol", source, start: at, end, name };
  }
}

/** A token must end where its characters do: `ab|c` or `café` is no name followed by something else. */
function checkedEnd(source: Source, at: number, end: number): number {
  const code = source.text.charCodeAt(end);
  if (endsToken(code) || code === 0x23) return end;
  throw unexpectedCharacter(source, end > at ? end : at);
}

function readUuid(source: Source, at: number): Form | undefined {
  const { text } = source;
  if (text.charCodeAt(at + 8) !== DASH) return undefined;
  UUID.lastIndex = at;
  const match = UUID.exec(text);
  if (match === null || !endsToken(text.charCodeAt(at + 36))) return undefined;
  return { kind: "text-literal", literal: "uuid", source, start: at, end: at + 36, value: match[0] };
}

function readTimestamp(source: Source, at: number): Form | undefined {
  const { text } = source;
  if (text.charCodeAt(at + 4) !== DASH || text.charCodeAt(at + 7) !== DASH) return undefined;
  TIMESTAMP.lastIndex = at;
  const match = TIMESTAMP.exec(text);
  if (match === null) return undefined;
  const value = match[0];
  return { kind: "text-literal", literal: "timestamp", source, start: at, end: at + value.length, value };
}

function readNumber(source: Source, at: number): Form {
  const { text } = source;
  const short = readShortInteger(source, at);
  if (short !== undefined) return short;
  NUMBER.lastIndex = at;
  const match = NUMBER.exec(text) as RegExpExecArray;
  const digits = match[0];
  const end = at + digits.length;
  const next = text.charCodeAt(end);
  if (!endsToken(next) && next !== 0x23) throw badNumber(source, at, end);
  if (match[1] === undefined && match[2] === undefined) {
    const value = exactInteger(digits);
    if (value === undefined) {
      throw readError(source, at, `The integer ${clip(digits)} does not fit 64 bits.`, {
        expected: `an integer from ${INTEGER_MIN} to ${INTEGER_MAX}`,
        remedy: `Write it as a float, such as ${clip(digits)}.0, or as a string.`,
        end,
      });
    }
    return { kind: "integer", source, start: at, end, value: integer(value) };
  }
  return { kind: "float", source, start: at, end, value: new Float(Number(digits)) };
}

/** Undefined where it does not fit 64 bits; found out by counting, since making a very long one takes very long. */
function exactInteger(digits: string): bigint | undefined {
  const significant = digits.replace(/^[+-]?0*/, "");
  if (significant.length > 19) return undefined;
  const value = digits.startsWith("-") ? -BigInt(significant) : BigInt(significant);
  return value < INTEGER_MIN || value > INTEGER_MAX ? undefined : value;
}

/** The common case without a regular expression: up to 15 digits and then the end of the token. */
function readShortInteger(source: Source, at: number): Form | undefined {
  const { text } = source;
  const sign = text.charCodeAt(at);
  let end = sign === DASH || sign === 0x2b ? at + 1 : at;
  const first = end;
  let value = 0;
  let code = text.charCodeAt(end);
  while (code >= 48 && code <= 57) {
    value = value * 10 + (code - 48);
    code = text.charCodeAt(++end);
  }
  if (end - first > 15 || !endsToken(code)) return undefined;
  // Adding 0 turns the negative zero of `-0` into the one integer zero.
  return { kind: "integer", source, start: at, end, value: sign === DASH ? -value + 0 : value };
}

function badNumber(source: Source, at: number, end: number): Error {
  const { text } = source;
  let stop = end;
  while (continuesSymbol(text.charCodeAt(stop))) stop++;
  const token = text.slice(at, Math.max(stop, end + 1));
  const remedies: readonly [RegExp, string][] = [
    [/^[+-]?\d+\.$/, `Digits are needed after the point: ${clip(token)}0.`],
    [/^[+-]?0[xXbBoO]/, "Integers are written in decimal digits only."],
    [/^[+-]?\d+\/\d/, "There are no ratios; write (/ a b)."],
    [/_/, "Digits are written without separators."],
  ];
  const remedy = remedies.find(([pattern]) => pattern.test(token))?.[1];
  return readError(source, at, `${clip(token)} is no number.`, {
    expected: "an integer such as 42, or a float such as 4.2 or 1e3",
    remedy: remedy ?? (text.charCodeAt(end) === SLASH ? undefined : "A name cannot start with a digit."),
    end: at + token.length,
  });
}

function clip(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 39)}…`;
}
