import { RE2JS } from "re2js";

/** Says whether a text contains a match. */
export type Pattern = (text: string) => boolean;

const LONGEST = 10_000;
const MOST_KEPT = 500;
const known = new Map<string, Pattern | undefined>();

/**
 * A pattern whose matching takes time linear in the text, whatever the pattern. Undefined where it does
 * not parse or needs what such an engine cannot do (look-around, back references).
 */
export function compilePattern(text: string): Pattern | undefined {
  if (known.has(text)) return known.get(text);
  let pattern: Pattern | undefined;
  if (text.length <= LONGEST) {
    try {
      const compiled = RE2JS.compile(RE2JS.translateRegExp(text));
      pattern = (subject) => compiled.matcher(subject).find();
    } catch {
      pattern = undefined;
    }
  }
  // Schemas come from servers, and each may bring new patterns.
  if (known.size >= MOST_KEPT) known.clear();
  known.set(text, pattern);
  return pattern;
}
