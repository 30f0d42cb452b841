import { isTypeKeyword } from "../analyzer/annotations.ts";
import { mapParts, vectorParts } from "../analyzer/patterns.ts";
import { isNamed, isSymbol } from "../analyzer/scope.ts";
import type { Form, FormOf } from "../forms.ts";
import { isOptionalMark } from "../types/index.ts";

/** A pattern that is given a value, perhaps of a declared type. */
export interface Bound {
  readonly pattern: Form;
  readonly type: Form | undefined;
}

export interface LetBound extends Bound {
  readonly init: Form | undefined;
}

/** The parameters of a function, the one after `&` too. */
export function parametersOf(params: FormOf<"vector">): Bound[] {
  const { items } = params;
  const found: Bound[] = [];
  for (let at = 0; at < items.length;) {
    if (isNamed(items[at], "&")) at++;
    const pattern = items[at];
    if (pattern === undefined) break;
    const annotation = typeAt(items, at + 1, pattern) ?? looseType(items, at + 1);
    found.push({ pattern, type: annotation?.type });
    at = annotation?.next ?? at + 1;
  }
  return found;
}

/** The return type that a function declares, and the index of its body, both after the parameters. */
export function returnTypeOf(
  after: readonly Form[],
  params: Form,
): { readonly type: Form | undefined; readonly body: number } {
  const annotation = typeAt(after, 0, params) ?? (after.length > 1 ? looseType(after, 0) : undefined);
  return { type: annotation?.type, body: annotation?.next ?? 0 };
}

/** The bindings of `let`, divided as the analyzer divides them. */
export function letBindingsOf(vector: FormOf<"vector">): LetBound[] {
  const { items } = vector;
  const divides = bindingStarts(items);
  const found: LetBound[] = [];
  for (let at = 0; at < items.length;) {
    const pattern = items[at] as Form;
    const isLoose = isTypeKeyword(items[at + 1]) && divides[at + 3] === true;
    const annotation = typeAt(items, at + 1, pattern) ?? (isLoose ? looseType(items, at + 1) : undefined);
    const init = annotation?.next ?? at + 1;
    found.push({ pattern, type: annotation?.type, init: items[init] });
    at = init + 1;
  }
  return found;
}

/** The type after a pattern or name, where it is unmistakable: `x : T`, or `x:T`. */
export function typeAt(
  items: readonly Form[],
  at: number,
  before: Form,
): { readonly type: Form; readonly next: number } | undefined {
  const item = items[at];
  if (item === undefined) return undefined;
  if (isNamed(item, ":")) return looseType(items, at + 1, true);
  return item.start === before.end ? looseType(items, at) : undefined;
}

function looseType(
  items: readonly Form[],
  at: number,
  any = false,
): { readonly type: Form; readonly next: number } | undefined {
  const type = items[at];
  if (type === undefined || (!any && type.kind !== "keyword")) return undefined;
  return { type, next: isOptionalMark(items[at + 1]) ? at + 2 : at + 1 };
}

function bindingStarts(items: readonly Form[]): boolean[] {
  const ends: boolean[] = new Array<boolean>(items.length + 4).fill(false);
  ends[items.length] = true;
  for (let at = items.length - 2; at >= 0; at--) {
    const pattern = items[at] as Form;
    const after = items[at + 1] as Form;
    if (isNamed(after, ":")) ends[at] = ends[at + 4] === true;
    else if (after.kind === "keyword" && after.start === pattern.end) ends[at] = ends[at + 3] === true;
    else ends[at] = ends[at + 2] === true || (isTypeKeyword(after) && ends[at + 3] === true);
  }
  return ends;
}

/** The names that a pattern binds: of `let` and parameters, or of a clause of `match`. */
export function namesIn(pattern: Form, isMatch = false): FormOf<"symbol">[] {
  const found: FormOf<"symbol">[] = [];
  const visit = (form: Form | undefined): void => {
    if (isSymbol(form)) {
      if (form.name !== "_") found.push(form);
    } else if (form?.kind === "vector") {
      const parts = vectorParts(form);
      parts.items.forEach(visit);
      visit(parts.rest);
      visit(parts.whole);
    } else if (form?.kind === "map") {
      const parts = mapParts(form);
      for (const [, target] of parts.entries) visit(target);
      visit(parts.rest);
      visit(parts.whole);
    } else if (form?.kind === "annotated") visit(form.form);
    // `(:as name pattern)`
    else if (isMatch && form?.kind === "list") form.items.slice(1).forEach(visit);
  };
  visit(pattern);
  return found;
}
