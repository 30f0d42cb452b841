// C0 and C1 controls (but for tab and newline), and the bidirectional overrides and isolates: a server's
// text must not move a terminal's cursor or reorder what a person reads.
// oxlint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
// A whole escape sequence goes, not only its first byte.
// oxlint-disable-next-line no-control-regex
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

/** Text from outside, made safe to print on a terminal: no control sequences, no text reordering. */
export function stripControls(text: string): string {
  return text.replace(ESCAPES, "").replace(UNSAFE, "");
}

/** The same on one line: every run of white space becomes one space. */
export function oneLine(text: string, maxLength = 300): string {
  const line = stripControls(text).replace(/\s+/g, " ").trim();
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 1)}…`;
}

/** Damerau-Levenshtein distance (adjacent swaps count one), given up above `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? limit + 1;
}

/** The known names a mistyped one may have meant, nearest first. */
export function nearestNames(name: string, known: Iterable<string>, most = 3): string[] {
  if (name.length > 200) return [];
  const wanted = name.toLowerCase();
  const end = wanted.split(/[./]/).at(-1) ?? "";
  const limit = Math.max(1, Math.floor(name.length / 3));
  const scored: { name: string; score: number }[] = [];
  for (const candidate of known) {
    const text = candidate.toLowerCase();
    let score = distance(wanted, text, limit);
    // The last part of a dotted id is what people remember.
    if (score > limit && end.length >= 3 && text.split(/[./]/).includes(end)) score = limit;
    if (score <= limit) scored.push({ name: candidate, score });
  }
  scored.sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1));
  return scored.slice(0, most).map((entry) => entry.name);
}

/** `Did you mean "x"?`, or an empty text when nothing is near. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const names = nearestNames(name, known);
  if (names.length === 0) return "";
  return `Did you mean ${names.map((n) => JSON.stringify(n)).join(" or ")}?`;
}
