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
  /** Where the forms inside it begin, among all that are read and not yet inside another. */
  readonly base: number;
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
  return kind === "list" || kind === "vector" || kind === "map" || kind === "short-fn";
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

/**
 * What a prefix and the forms that followed it so far make; undefined while it still waits for more.
 * Throws `read-error` where they do not go together.
 */
export function completePrefix(source: Source, start: number, kind: Prefix, items: readonly Form[]): Form | undefined {
  const [first, second, third, fourth] = items as [Form, ...Form[]];
  const end = (items[items.length - 1] as Form).end;
  if (kind !== "annotated") return { kind, source, start, end, form: first };
  if (first.kind === "map") return second && { kind, source, start, end, annotation: first, form: second };
  if (first.kind !== "keyword" || first.name !== "delegation") {
    throw readError(source, start, "^ is followed by a map, or by :delegation.", {
      expected: "^{:key value} form, or ^:delegation :local form",
      end: first.end,
    });
  }
  if (second === undefined) return undefined;
  const where = second.kind === "keyword" ? second.name : "";
  if (where === "local") {
    if (third === undefined) return undefined;
    const annotation: Form = { kind: "vector", source, start: first.start, end: second.end, items: [first, second] };
    return { kind, source, start, end, annotation, form: third };
  }
  if (where !== "local-model" && where !== "remote") {
    throw readError(source, second.start, "A delegation is :local, :local-model or :remote.", {
      expected: ':local, :local-model "id" or :remote "id"',
      end: second.end,
    });
  }
  if (third === undefined) return undefined;
  if (third.kind !== "string") {
    throw readError(source, third.start, `:${where} needs the id of a model.`, {
      expected: "a string",
      end: third.end,
    });
  }
  if (fourth === undefined) return undefined;
  const annotation: Form = {
    kind: "vector",
    source,
    start: first.start,
    end: third.end,
    items: [first, second, third],
  };
  return { kind, source, start, end, annotation, form: fourth };
}
