import { fail } from "../kernel/index.ts";

/**
 * A command line as its words: separated by white space, `'…'` taken as it stands, `"…"` and bare text with
 * `\` before a character that is meant literally. No shell is involved: nothing is expanded.
 */
export function splitCommandLine(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const character = line[at] as string;
    if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else if (quote === '"' && character === "\\" && /["\\]/.test(line[at + 1] ?? "")) word += line[++at] as string;
      else word += character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "\\" && at + 1 < line.length) {
      word = (word ?? "") + (line[++at] as string);
    } else word = (word ?? "") + character;
  }
  if (quote !== undefined) {
    fail("invalid-argument", `The command line has a ${quote} that is never closed.`, {
      remedy: "Close the quote, or write a backslash before it.",
    });
  }
  if (word !== undefined) words.push(word);
  return words;
}
