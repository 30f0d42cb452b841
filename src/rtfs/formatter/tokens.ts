import { endsToken, isSpace } from "../reader/characters.ts";
import { readAtom } from "../reader/atoms.ts";
import type { Source } from "../source.ts";

/** A piece of source text, white space apart. */
export interface Token {
  readonly kind:
    | "open"
    | "close"
    | "prefix"
    | "symbol"
    | "keyword"
    | "atom"
    | "line-comment"
    | "block-comment"
    | "unfinished";
  readonly start: number;
  readonly end: number;
  /** Line ends between the token before and this one. */
  readonly newlines: number;
}

/**
 * The token at an offset or after the white space there; undefined at the end of the text. What is no
 * token is a `read-error`; a string or comment without its end is `unfinished`.
 */
export function nextToken(source: Source, from: number): Token | undefined {
  const { text } = source;
  let start = from;
  let newlines = 0;
  for (let code = text.charCodeAt(start); isSpace(code); code = text.charCodeAt(++start)) if (code === 0x0a) newlines++;
  if (start >= text.length) return undefined;
  const token = (kind: Token["kind"], end: number): Token => ({ kind, start, end, newlines });
  const next = text.charCodeAt(start + 1);
  switch (text.charCodeAt(start)) {
    case 0x28:
    case 0x5b:
    case 0x7b:
      return token("open", start + 1);
    case 0x29:
    case 0x5d:
    case 0x7d:
      return token("close", start + 1);
    case 0x22: {
      const end = stringEnd(text, start);
      return end === undefined ? token("unfinished", text.length) : token("atom", end);
    }
    case 0x27:
    case 0x60:
    case 0x5e:
      return token("prefix", start + 1);
    case 0x7e:
      return token("prefix", next === 0x40 ? start + 2 : start + 1);
    case 0x3b: {
      const end = text.indexOf("\n", start);
      return token("line-comment", end === -1 ? text.length : end);
    }
    case 0x23:
      if (next === 0x28) return token("open", start + 2);
      if (next === 0x7c) {
        const end = text.indexOf("|#", start + 2);
        return end === -1 ? token("unfinished", text.length) : token("block-comment", end + 2);
      }
      return token("atom", specialEnd(text, start));
    case 0x40:
      return token("atom", readAtom(source, next === 0x3a ? start + 2 : start + 1).end);
    default: {
      const { kind, end } = readAtom(source, start);
      return token(kind === "symbol" || kind === "keyword" ? kind : "atom", end);
    }
  }
}

function stringEnd(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code === 0x5c) at++;
  }
  return undefined;
}

/** The end of `##Inf` and the like. */
function specialEnd(text: string, start: number): number {
  let end = start + 2;
  while (!endsToken(text.charCodeAt(end))) end++;
  return end;
}
