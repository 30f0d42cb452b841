import type { CcosError } from "../../kernel/index.ts";
import type { Form } from "../forms.ts";
import type { Source } from "../source.ts";
import { readError } from "./read-error.ts";

export type Bracket = "list" | "vector" | "map" | "short-fn";
export type Prefix = "quote" | "quasiquote" | "unquote" | "unquote-splicing" | "annotated";

/** A form begun and not ended. A prefix ends with the form that follows it, a bracket with its partner. */
export interface Open {
  readonly kind: Bracket | Prefix;
  readonly start: number;
  readonly items: Form[];
  readonly outer: Open | undefined;
}

export const CLOSING: Readonly<Record<Bracket, string>> = { list: ")", "short-fn": ")", vector: "]", map: "}" };
export const OPENING: Readonly<Record<Bracket, string>> = { list: "(", "short-fn": "#(", vector: "[", map: "{" };
export const PREFIX_TEXT: Readonly<Record<Prefix, string>> = {
  quote: "'",
  quasiquote: "`",
  unquote: "~",
  "unquote-splicing": "~@",
  annotated: "^",
};

export function isBracket(kind: Open["kind"]): kind is Bracket {
  return Object.hasOwn(CLOSING, kind);
}

/** The mistake of a form that the end of the text, or a wrong bracket, found open. */
export function unclosed(source: Source, open: Open): CcosError {
  if (!isBracket(open.kind)) {
    return readError(source, open.start, `${PREFIX_TEXT[open.kind]} stands before a form, and none follows.`, {
      expected: "a form",
    });
  }
  return readError(source, open.start, `This ${OPENING[open.kind]} is not closed.`, { expected: CLOSING[open.kind] });
}
