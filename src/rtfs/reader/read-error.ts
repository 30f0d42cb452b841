import { CcosError } from "../../kernel/index.ts";
import { excerpt } from "../excerpt.ts";
import type { Source } from "../source.ts";

export interface ReadErrorOptions {
  readonly expected?: string | undefined;
  readonly remedy?: string | undefined;
  /** Where the marked range ends; default one character after its start. */
  readonly end?: number | undefined;
}

/** A `read-error` at an offset, with the source line marked in `details.excerpt`. */
export function readError(source: Source, start: number, message: string, options: ReadErrorOptions = {}): CcosError {
  return new CcosError("read-error", message, {
    place: source.place(start),
    remedy: options.remedy,
    details: {
      ...(options.expected !== undefined && { expected: options.expected }),
      excerpt: excerpt(source, start, options.end),
    },
  });
}
