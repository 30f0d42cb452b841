import type { Source } from "./source.ts";

const WIDTH = 100;

/** The line of an offset with the place marked under it, cut to a readable width. */
export function excerpt(source: Source, start: number, end: number = start + 1): string {
  const { line, column } = source.place(start);
  const text = source.line(line);
  // A minified file has one line of megabytes; only what is around the place helps.
  const from = column > WIDTH - 20 ? column - 40 : 0;
  const shown = text.slice(from, from + WIDTH).replace(/\t/g, " ");
  const prefix = from > 0 ? "…" : "";
  const suffix = from + WIDTH < text.length ? "…" : "";
  const gutter = `${line} | `;
  const room = Math.max(1, Math.min(end - start, shown.length - (column - 1 - from)));
  const pointer = " ".repeat(Math.max(0, column - 1 - from + prefix.length)) + "^".repeat(room);
  return `${gutter}${prefix}${shown}${suffix}\n${" ".repeat(gutter.length - 2)}| ${pointer}`;
}
