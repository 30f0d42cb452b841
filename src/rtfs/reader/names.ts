import { continuesSymbol, versionLength } from "./characters.ts";

/**
 * Names recur all over a file, and in all files of a folder. A table of those read last gives the same
 * string again without making one: comparing costs less, and a name holds on to no text it was cut from.
 */
const SLOTS = 16_384;
const LONGEST = 64;
const known: string[] = new Array<string>(SLOTS).fill("");

const COLON = 0x3a;

/** The name that starts here with a character known to start one; a colon belongs to it only in `ns:v1.0/name`. */
export function readName(text: string, start: number): string {
  let hash = text.charCodeAt(start);
  let end = start + 1;
  for (;;) {
    const code = text.charCodeAt(end);
    if (continuesSymbol(code)) {
      hash = (Math.imul(hash, 31) + code) | 0;
      end++;
    } else if (code === COLON) {
      const version = versionLength(text, end);
      if (version === 0) break;
      end += version;
    } else break;
  }
  const length = end - start;
  const slot = (hash ^ (hash >>> 12)) & (SLOTS - 1);
  const candidate = known[slot] as string;
  if (candidate.length === length && text.startsWith(candidate, start)) return candidate;
  if (length > LONGEST) return text.slice(start, end);
  const name = copied(text, start, end);
  known[slot] = name;
  return name;
}

/** Not a slice, which would keep the whole text in memory. */
function copied(text: string, start: number, end: number): string {
  const codes: number[] = [];
  for (let at = start; at < end; at++) codes.push(text.charCodeAt(at));
  return String.fromCharCode(...codes);
}
