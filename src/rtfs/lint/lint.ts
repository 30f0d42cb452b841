import type { Form } from "../forms.ts";
import { Linter } from "./linter.ts";
import type { LintWarning } from "./warning.ts";

export interface LintOptions {
  /** Names that are defined where the program runs, besides the library's, such as `input`. */
  readonly defined?: Iterable<string> | undefined;
  /** Forms that are data to somebody else, and no code. */
  readonly skip?: ReadonlySet<Form> | undefined;
}

/**
 * What is probably a mistake in a program that the analyzer accepts: names that nothing defines, bindings that
 * nothing uses, clauses that nothing reaches, library functions called with too few or too many arguments, types
 * that are none. In order of their places. Nothing is evaluated; what a macro is given is not judged.
 */
export function lint(forms: readonly Form[], options: LintOptions = {}): LintWarning[] {
  try {
    return new Linter(options.defined ?? [], options.skip ?? new Set()).run(forms);
  } catch (error) {
    // Threaded calls nest as deep as there are steps; where the stack ends there is nothing to say.
    if (error instanceof RangeError) return [];
    throw error;
  }
}
