import { fail, type CcosError } from "../../kernel/index.ts";
import { read } from "../reader/reader.ts";
import { Source } from "../source.ts";
import { layOut } from "./layout.ts";
import { sameForms } from "./same-forms.ts";
import { buildTree } from "./tree.ts";

export interface FormatResult {
  /** The text in the canonical style; where there are errors, as it was given. */
  readonly text: string;
  /** Why the text cannot be read, at most 20. */
  readonly errors: readonly CcosError[];
}

/**
 * A text in the canonical style: it reads to the same forms, holds the same comments in the same order, and
 * formatting it again changes nothing. Line breaks of the author stay where they mean something.
 *
 * Throws `internal` rather than give a text that reads differently.
 */
export function format(text: string, options: { readonly file?: string | undefined } = {}): FormatResult {
  const source = new Source(text, options.file);
  const { forms, errors } = read(source);
  if (errors.length > 0) return { text, errors };
  const tree = buildTree(source);
  const laidOut = layOut(tree);
  const formatted = laidOut === "" ? "" : `${laidOut}\n`;
  const again = read(formatted);
  if (again.errors.length > 0 || !sameForms(forms, again.forms)) {
    fail("internal", "The formatter would have changed what this text means; it was left as it is.", {
      place: source.place(0),
      remedy: "Please report it, with the text.",
    });
  }
  return { text: formatted, errors: [] };
}
