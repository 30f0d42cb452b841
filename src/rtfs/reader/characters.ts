/** What a character may be part of; a table, because the reader asks for every character of a file. */
const SYMBOL_START = 1;
const SYMBOL_REST = 2;
const DIGIT = 4;
const DELIMITER = 8;
const SPACE = 16;

const classes = new Uint8Array(128);

function mark(characters: string, flag: number): void {
  for (let index = 0; index < characters.length; index++) {
    const code = characters.charCodeAt(index);
    classes[code] = (classes[code] as number) | flag;
  }
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
mark(`${LETTERS}_$+-*/=<>!?%`, SYMBOL_START | SYMBOL_REST);
mark("0123456789.@", SYMBOL_REST);
mark("0123456789", DIGIT);
mark("()[]{}\";'`~^", DELIMITER);
// JSON-minded authors write commas; they mean nothing.
mark(" \t\r\n,", DELIMITER | SPACE);

const LAMBDA = 0x3bb;

export function isSpace(code: number): boolean {
  return code < 128 && ((classes[code] as number) & SPACE) !== 0;
}

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

export function startsSymbol(code: number): boolean {
  return code < 128 ? ((classes[code] as number) & SYMBOL_START) !== 0 : code === LAMBDA;
}

export function continuesSymbol(code: number): boolean {
  return code < 128 ? ((classes[code] as number) & SYMBOL_REST) !== 0 : code === LAMBDA;
}

/** Whether a token ends before this character; NaN is the end of the text. */
export function endsToken(code: number): boolean {
  return Number.isNaN(code) || (code < 128 && ((classes[code] as number) & DELIMITER) !== 0) || code === 0x3a;
}

/** The name of a keyword reads back as one: what may stand after the colon. */
export function isKeywordName(name: string): boolean {
  if (name.length === 0 || !startsSymbol(name.charCodeAt(0))) return false;
  for (let index = 1; index < name.length; index++) {
    const code = name.charCodeAt(index);
    if (continuesSymbol(code)) continue;
    if (code === 0x3a) {
      const length = versionLength(name, index);
      if (length === 0) return false;
      index += length - 1;
      continue;
    }
    return false;
  }
  return true;
}

/**
 * The length of `:v1.2` at this offset when a slash follows it, as in `ns:v1.2/name`; else 0. Only so may
 * a colon stand inside a name.
 */
export function versionLength(text: string, at: number): number {
  if (text.charCodeAt(at + 1) !== 0x76 || !isDigit(text.charCodeAt(at + 2))) return 0;
  let end = at + 3;
  for (let code = text.charCodeAt(end); isDigit(code) || code === 0x2e; code = text.charCodeAt(end)) end++;
  return text.charCodeAt(end) === 0x2f && startsSymbol(text.charCodeAt(end + 1)) ? end - at : 0;
}
