import type { ErrorPlace } from "../kernel/index.ts";

/** A text being read: its name and, found when first asked for, where its lines start. */
export class Source {
  readonly text: string;
  /** The file's path as a person gave it; undefined for text typed or passed in. */
  readonly file: string | undefined;
  #lineStarts: number[] | undefined;

  constructor(text: string, file?: string) {
    this.text = text;
    this.file = file;
  }

  /** The place of an offset (in UTF-16 units); line and column start at 1. */
  place(offset: number): ErrorPlace {
    const starts = (this.#lineStarts ??= lineStarts(this.text));
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file: this.file, line: low + 1, column: offset - (starts[low] as number) + 1 };
  }

  /** The text of a line (from 1), without its end. */
  line(number: number): string {
    const starts = (this.#lineStarts ??= lineStarts(this.text));
    const from = starts[number - 1];
    if (from === undefined) return "";
    const to = starts[number] ?? this.text.length + 1;
    return this.text.slice(from, to - 1).replace(/\r$/, "");
  }
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
