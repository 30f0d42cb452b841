import type { CcosError } from "../../kernel/index.ts";
import type { Form, FormOf } from "../forms.ts";
import type { Source } from "../source.ts";
import { Float } from "../values.ts";
import { readAtom } from "./atoms.ts";
import { endsToken, isSpace } from "./characters.ts";
import { readError } from "./read-error.ts";

// What begins with `#` or `@`, and opens nothing.

const SPECIAL_FLOATS: readonly (readonly [string, number])[] = [
  ["Inf", Number.POSITIVE_INFINITY],
  ["-Inf", Number.NEGATIVE_INFINITY],
  ["NaN", Number.NaN],
];

/** `##Inf`, `##-Inf` or `##NaN` */
export function readSpecialFloat(source: Source, at: number): FormOf<"float"> {
  for (const [name, value] of SPECIAL_FLOATS) {
    const end = at + 2 + name.length;
    if (source.text.startsWith(name, at + 2) && endsToken(source.text.charCodeAt(end))) {
      return { kind: "float", source, start: at, end, value: new Float(value) };
    }
  }
  throw readError(source, at, "Unknown number after ##.", { expected: "##Inf, ##-Inf or ##NaN", end: at + 2 });
}

export function unexpectedHash(source: Source, at: number): CcosError {
  const next = source.text.charAt(at + 1);
  return readError(source, at, "Unexpected #.", {
    expected: "#( for a short function, or #| for a comment",
    remedy:
      next === "{" ? "There are no sets; use a vector." : next === "_" ? "Use ; or #| |# to comment out." : undefined,
    end: at + 2,
  });
}

/** `@name`, or `@:name`, which is the same as the symbol `name`. */
export function readContextRef(source: Source, start: number): Form {
  const { text } = source;
  const isName = text.charAt(start + 1) === ":";
  const at = isName ? start + 2 : start + 1;
  const code = text.charCodeAt(at);
  const symbol = Number.isNaN(code) || isSpace(code) ? undefined : readAtom(source, at);
  if (symbol?.kind !== "symbol" || symbol.name === ":") {
    throw readError(source, start, "@ is followed by a name.", { expected: "a name, as in @user" });
  }
  const { end, name } = symbol;
  return isName ? { kind: "symbol", source, start, end, name } : { kind: "context-ref", source, start, end, name };
}
