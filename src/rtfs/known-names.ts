import { isSpecialForm, specialForms } from "./analyzer/special-forms.ts";
import { builtinNames, findBuiltin } from "./library/index.ts";

/** Whether a name means something without being defined: a function of the library, or a special form. */
export function isKnownName(name: string): boolean {
  return findBuiltin(name) !== undefined || isSpecialForm(name);
}

/** All such names, for completion and "did you mean". */
export function knownNames(): string[] {
  return [...new Set([...specialForms().map(({ name }) => name), ...builtinNames()])];
}
