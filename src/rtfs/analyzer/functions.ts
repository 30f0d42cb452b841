import { Closure, Code } from "../evaluator/functions.ts";
import type { Frame, Node } from "../evaluator/machine.ts";
import type { Form, FormOf } from "../forms.ts";
import { list, type Value } from "../values.ts";
import { annotationOf, readAnnotation, readLooseAnnotation, type TypeCheck } from "./annotations.ts";
import { readDelegation, type Delegation } from "./annotated.ts";
import { delegatedBody } from "./delegation.ts";
import { analyzePattern, bindSlot, checkBindable, nameAfter, type Binder } from "./patterns.ts";
import { isNamed, isSymbol, syntaxError, type Scope } from "./scope.ts";
import { analyzeBody, rest } from "./sequence.ts";

// What a call needs of the JavaScript stack besides the nodes of the body.
const CALL_WEIGHT = 4;

/** `(fn [params] annotation? body…)`; also with a name for itself, `(fn name [params] body…)`. */
export function analyzeFn(form: FormOf<"list">, scope: Scope): Node {
  const items = [...rest(form)];
  const delegation = stripMetadata(items);
  const name = isSymbol(items[0]) ? items.shift() : undefined;
  if (!isSymbol(name)) return closureNode(analyzeFunction(form, items, scope, undefined, delegation));
  // The name stands for the function in its own body, and nowhere else.
  const inner = scope.block();
  const binding = inner.declare(name.name, true);
  const make = closureNode(analyzeFunction(form, items, inner, name.name, delegation));
  const bind = bindSlot(binding);
  return (frame) => {
    const closure = make(frame);
    bind(frame, closure);
    return closure;
  };
}

export function closureNode(code: Code): Node {
  return (frame) => new Closure(code, frame);
}

/** Takes metadata off the items: it may stand before a name, the parameters, or both. */
export function stripMetadata(items: Form[]): Delegation | undefined {
  let delegation: Delegation | undefined;
  for (let index = 0; index < items.length && index < 2; index++) {
    let item = items[index] as Form;
    while (item.kind === "annotated") {
      delegation = readDelegation(item) ?? delegation;
      item = item.form;
    }
    items[index] = item;
    if (item.kind === "vector") break;
  }
  return delegation;
}

interface Parameter {
  readonly pattern: Form;
  readonly check: TypeCheck | undefined;
}

/** The code of a function whose items are its parameters, return type and body. */
export function analyzeFunction(
  form: Form,
  items: readonly Form[],
  scope: Scope,
  name: string | undefined,
  delegation?: Delegation,
): Code {
  const [params, ...after] = items;
  if (params?.kind !== "vector") {
    throw syntaxError(params ?? form, "A function needs a vector of parameters.", "(fn [parameter …] body)");
  }
  const code = new Code(form, name);
  const inner = scope.frame();
  const what = name ?? "fn";
  const { fixed, more } = parseParameters(params, what);
  const result = returnType(after, params, what);
  const body = after.slice(result?.next ?? 0);
  if (body.length === 0) throw syntaxError(form, "A function needs a body.", "at least one form after the parameters");
  code.required = fixed.length;
  code.variadic = more !== undefined;
  code.check = result?.check;
  const isPlain =
    more === undefined &&
    result === undefined &&
    fixed.every(({ pattern, check }) => pattern.kind === "symbol" && check === undefined);
  if (isPlain) {
    for (const { pattern } of fixed) {
      checkBindable(pattern as FormOf<"symbol">);
      const binding = inner.declare((pattern as FormOf<"symbol">).name);
      if ((pattern as FormOf<"symbol">).name === "_") inner.names.delete("_");
      void binding;
    }
    code.plain = fixed.length;
  } else code.bind = parameterBinder(fixed, more, inner);
  code.body = delegation === undefined ? analyzeBody(body, inner) : delegatedBody(delegation, form, code);
  finishCode(code, inner);
  return code;
}

function finishCode(code: Code, inner: Scope): void {
  code.extra = inner.fn.slots - Math.max(0, code.plain);
  code.weight = inner.fn.deepest + CALL_WEIGHT;
}

function parseParameters(
  params: FormOf<"vector">,
  what: string,
): { readonly fixed: Parameter[]; readonly more: Parameter | undefined } {
  const { items } = params;
  const fixed: Parameter[] = [];
  let more: Parameter | undefined;
  let at = 0;
  while (at < items.length) {
    const isMore = isNamed(items[at], "&");
    const mark = items[at] as Form;
    if (isMore) at++;
    const pattern = isMore ? nameAfter(mark, items[at]) : (items[at] as Form);
    const label = pattern.kind === "symbol" ? `the parameter ${pattern.name} of ${what}` : `a parameter of ${what}`;
    const annotation = readLooseAnnotation(items, at + 1, pattern, label);
    at = annotation?.next ?? at + 1;
    const parameter = { pattern, check: annotation?.check };
    if (!isMore) fixed.push(parameter);
    else {
      more = parameter;
      if (at < items.length) throw syntaxError(items[at] as Form, "Nothing may follow the rest parameter.", "]");
    }
  }
  return { fixed, more };
}

function returnType(after: readonly Form[], params: Form, what: string) {
  const label = `the result of ${what}`;
  const sure = isNamed(after[0], ":") || after[0]?.start === params.end;
  if (sure) return readAnnotation(after, 0, params, label);
  const [first] = after;
  // A keyword that is all there is after the parameters is the body.
  return first?.kind === "keyword" && after.length > 1 ? annotationOf(after, first, 1, label) : undefined;
}

function parameterBinder(
  fixed: readonly Parameter[],
  more: Parameter | undefined,
  inner: Scope,
): (frame: Frame, args: readonly Value[]) => void {
  const binders: Binder[] = fixed.map(({ pattern }) => analyzePattern(pattern, inner));
  const checks = fixed.map(({ check }) => check);
  const bindMore = more === undefined ? undefined : analyzePattern(more.pattern, inner);
  const checkMore = more?.check;
  const count = binders.length;
  return (frame, args) => {
    for (let index = 0; index < count; index++) {
      const value = args[index] as Value;
      checks[index]?.(value);
      (binders[index] as Binder)(frame, value);
    }
    if (bindMore === undefined) return;
    const others = args.slice(count);
    if (checkMore !== undefined) others.forEach(checkMore);
    bindMore(frame, list(others));
  };
}

/** `#(…)`: the content is one call; `%`, `%1`, `%2` … are its parameters. */
export function analyzeShortFunction(form: FormOf<"short-fn">, scope: Scope): Node {
  const { items: _items, ...range } = form;
  const highest = highestPlaceholder(form.items);
  const names = Array.from({ length: highest }, (_, index) => `%${index + 1}`);
  const params: Form = {
    ...range,
    kind: "vector",
    items: names.map((name) => ({ ...range, kind: "symbol", name })),
  };
  const body: Form = { ...range, kind: "list", items: form.items.map(nameFirst) };
  return closureNode(analyzeFunction(form, [params, body], scope, undefined));
}

function placeholderIndex(name: string): number {
  if (name === "%") return 1;
  const match = /^%([1-9]\d?)$/.exec(name);
  return match === null ? 0 : Number(match[1]);
}

function highestPlaceholder(forms: readonly Form[]): number {
  let highest = 0;
  for (const form of forms) {
    if (form.kind === "symbol") highest = Math.max(highest, placeholderIndex(form.name));
    else highest = Math.max(highest, highestPlaceholder(partsOf(form)));
  }
  return highest;
}

function partsOf(form: Form): readonly Form[] {
  switch (form.kind) {
    case "list":
    case "vector":
      return form.items;
    case "map":
      return form.entries.flat();
    case "quasiquote":
    case "unquote":
    case "unquote-splicing":
    case "annotated":
      return [form.form];
    default:
      return [];
  }
}

/** The same form with `%` spelled `%1`. */
function nameFirst(form: Form): Form {
  switch (form.kind) {
    case "symbol":
      return form.name === "%" ? { ...form, name: "%1" } : form;
    case "list":
    case "vector":
      return { ...form, items: form.items.map(nameFirst) };
    case "map":
      return { ...form, entries: form.entries.map(([key, value]) => [key, nameFirst(value)] as const) };
    case "quasiquote":
    case "unquote":
    case "unquote-splicing":
    case "annotated":
      return { ...form, form: nameFirst(form.form) };
    default:
      return form;
  }
}
