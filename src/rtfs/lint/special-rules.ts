import { stripMetadata } from "../analyzer/functions.ts";
import { isNamed, isSymbol } from "../analyzer/scope.ts";
import { definedName, rest } from "../analyzer/sequence.ts";
import type { Form, FormOf } from "../forms.ts";
import { isOptionalMark } from "../types/index.ts";
import { letBindingsOf, namesIn, parametersOf, returnTypeOf, typeAt } from "./bindings.ts";
import { clausesOf, unreachableClauses, unreachableConditions } from "./clauses.ts";
import type { Linter } from "./linter.ts";
import { LintScope } from "./names.ts";

/** How the parts of a special form see names. The form has the right shape: the analyzer has taken it. */
type Rule = (form: FormOf<"list">, scope: LintScope, linter: Linter) => void;

const everything: Rule = (form, scope, linter) => linter.walkAll(rest(form), scope);
const nothing: Rule = () => {};

const inBody: Rule = (form, scope, linter) => linter.walkBody(rest(form), scope);

const ruleOfLet: Rule = (form, scope, linter) => {
  const [vector, ...body] = rest(form);
  if (vector?.kind !== "vector") return;
  const inner = new LintScope(scope);
  for (const { pattern, type, init } of letBindingsOf(vector)) {
    linter.checkType(type);
    const names = namesIn(pattern);
    // A function may call itself, and those bound after it in the same let.
    const isFunction = init !== undefined && isFunctionForm(init);
    if (isFunction) linter.watch(names, inner);
    if (init !== undefined) linter.walk(init, inner);
    if (!isFunction) linter.watch(names, inner);
  }
  linter.walkBody(body, inner);
};

function isFunctionForm(form: Form): boolean {
  if (form.kind === "annotated") return isFunctionForm(form.form);
  return (
    form.kind === "short-fn" || (form.kind === "list" && (isNamed(form.items[0], "fn") || isNamed(form.items[0], "λ")))
  );
}

const ruleOfFn: Rule = (form, scope, linter) => {
  const items = [...rest(form)];
  stripMetadata(items);
  const name = isSymbol(items[0]) ? (items.shift() as FormOf<"symbol">) : undefined;
  const around = name === undefined ? scope : new LintScope(scope);
  if (name !== undefined) around.declare(name);
  walkFunction(items, around, linter);
};

const ruleOfDefn: Rule = (form, scope, linter) => {
  const items = [...rest(form)];
  stripMetadata(items);
  const name = items.shift();
  if (items[0]?.kind === "string" && items.length > 1) items.shift();
  stripMetadata(items);
  if (isSymbol(name)) linter.define(name, scope);
  walkFunction(items, scope, linter);
};

function walkFunction([params, ...after]: readonly Form[], scope: LintScope, linter: Linter): void {
  if (params?.kind !== "vector") return;
  const inner = new LintScope(scope);
  for (const { pattern, type } of parametersOf(params)) {
    linter.checkType(type);
    for (const name of namesIn(pattern)) inner.declare(name);
  }
  const { type, body } = returnTypeOf(after, params);
  linter.checkType(type);
  linter.walkBody(after.slice(body), inner);
}

const ruleOfDef: Rule = (form, scope, linter) => {
  const items = rest(form);
  const target = items[0]?.kind === "annotated" ? items[0].form : items[0];
  const value = items.at(-1);
  if (!isSymbol(target) || value === undefined) return;
  linter.checkType(typeAt(items, 1, target)?.type);
  linter.define(target, scope);
  linter.walk(value, scope);
};

const ruleOfDefmacro: Rule = (form, _scope, linter) => {
  const [name] = rest(form);
  if (isSymbol(name)) linter.defineMacro(name.name, form.items.slice(2));
};

const ruleOfDefstruct: Rule = (form, scope, linter) => {
  const [name, ...fields] = rest(form);
  for (let at = 1; at < fields.length; at += isOptionalMark(fields[at + 1]) ? 3 : 2) linter.checkType(fields[at]);
  if (isSymbol(name)) linter.define(name, scope);
};

const ruleOfMatch: Rule = (form, scope, linter) => {
  const [subject, ...items] = rest(form);
  if (subject !== undefined) linter.walk(subject, scope);
  const clauses = clausesOf(items);
  linter.add(unreachableClauses(clauses));
  for (const { pattern, guard, body } of clauses) {
    const inner = new LintScope(scope);
    for (const name of namesIn(pattern, true)) inner.declare(name);
    if (guard !== undefined) linter.walk(guard, inner);
    if (body !== undefined) linter.walk(body, inner);
  }
};

const ruleOfTry: Rule = (form, scope, linter) => {
  for (const item of rest(form)) {
    const head = item.kind === "list" ? item.items[0] : undefined;
    if (item.kind !== "list" || !(isNamed(head, "catch") || isNamed(head, "finally"))) {
      linter.walk(item, scope);
      continue;
    }
    const parts = rest(item);
    const inner = new LintScope(scope);
    if (isNamed(head, "finally")) {
      linter.walkBody(parts, inner);
      continue;
    }
    const selects = parts.length > 2 && (isSymbol(parts[0]) || parts[0]?.kind === "keyword") && isSymbol(parts[1]);
    const name = parts[selects ? 1 : 0];
    if (isSymbol(name)) inner.declare(name);
    linter.walkBody(parts.slice(selects ? 2 : 1), inner);
  }
};

/** `for` and `dotimes`: what is gone through does not see the names. */
const ruleOfLoop: Rule = (form, scope, linter) => {
  const [bindings, ...body] = rest(form);
  if (bindings?.kind !== "vector") return;
  const inner = new LintScope(scope);
  bindings.items.forEach((item, at) => {
    if (at % 2 === 1) linter.walk(item, scope);
    else if (isSymbol(item)) inner.declare(item);
  });
  linter.walkBody(body, inner);
};

const STEP_OPTIONS: ReadonlySet<string> = new Set(["expose-context", "context-keys", "params", "merge-policy"]);

const ruleOfSteps: Rule = (form, scope, linter) => {
  const items = isNamed(form.items[0], "step") ? form.items.slice(2) : rest(form);
  const inner = new LintScope(scope);
  let at = 0;
  for (
    let key = items[at];
    key?.kind === "keyword" && STEP_OPTIONS.has(key.name) && at + 1 < items.length;
    key = items[at]
  ) {
    const value = items[at + 1] as Form;
    if (key.name === "params") {
      linter.walk(value, scope);
      inner.declare({ kind: "symbol", source: key.source, start: key.start, end: key.end, name: "%params" });
    }
    at += 2;
  }
  linter.walkBody(items.slice(at), inner);
};

const ruleOfGet: Rule = (form, scope, linter) => {
  const [, key] = form.items;
  if (key?.kind === "keyword" || key?.kind === "symbol") linter.mention(key.name, scope);
};

const ruleOfCond: Rule = (form, scope, linter) => {
  linter.add(unreachableConditions(rest(form)));
  linter.walkAll(rest(form), scope);
};

/** `->` and `->>`, as the call that they stand for. */
function ruleOfThread(place: (head: Form, args: readonly Form[], value: Form) => Form[]): Rule {
  return (form, scope, linter) => {
    const [first, ...steps] = rest(form);
    if (first === undefined) return;
    const threaded = steps.reduce<Form>((value, step) => {
      const { source, start, end } = step;
      const [head, ...args] = step.kind === "list" ? step.items : [step];
      return head === undefined ? value : { kind: "list", source, start, end, items: place(head, args, value) };
    }, first);
    linter.walk(threaded, scope);
  };
}

const ruleOfModule: Rule = (form, scope, linter) => {
  const [name, ...items] = rest(form);
  if (!isSymbol(name)) return;
  linter.modules.add(name.name);
  const inner = new LintScope(scope);
  inner.aliases = new Map();
  for (const item of items) {
    const defined = definedName(item);
    if (defined !== undefined) linter.globals.add(`${name.name}/${defined}`);
    if (item.kind === "list" && isNamed(item.items[0], "import")) noteImport(rest(item), inner.aliases);
  }
  linter.walkBody(
    items.filter((item) => definedName(item) !== undefined),
    inner,
  );
};

function noteImport([name, ...options]: readonly Form[], aliases: Map<string, string>): void {
  if (!isSymbol(name)) return;
  for (let at = 0; at < options.length; at += 2) {
    const value = options[at + 1];
    if (isSymbol(value)) aliases.set(`${value.name}/`, `${name.name}/`);
    else if (value?.kind === "vector") {
      for (const item of value.items) if (isSymbol(item)) aliases.set(item.name, `${name.name}/${item.name}`);
    }
  }
}

/** What is not in this table is not evaluated. */
export const SPECIAL_RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["let", ruleOfLet],
  ["if", everything],
  ["do", inBody],
  ["fn", ruleOfFn],
  ["λ", ruleOfFn],
  ["def", ruleOfDef],
  ["defn", ruleOfDefn],
  ["defmacro", ruleOfDefmacro],
  ["defstruct", ruleOfDefstruct],
  ["deftype", (form, _scope, linter) => linter.checkType(form.items[2])],
  ["match", ruleOfMatch],
  ["try", ruleOfTry],
  ["for", ruleOfLoop],
  ["dotimes", ruleOfLoop],
  ["quote", nothing],
  ["resource:ref", everything],
  ["get", ruleOfGet],
  ["step", ruleOfSteps],
  ["step-if", ruleOfSteps],
  ["step-loop", ruleOfSteps],
  ["step-parallel", ruleOfSteps],
  ["plan", nothing],
  ["capability", nothing],
  ["resource", nothing],
  ["module", ruleOfModule],
  ["import", nothing],
  ["cond", ruleOfCond],
  ["when", everything],
  ["and", everything],
  ["or", everything],
  ["->", ruleOfThread((head, args, value) => [head, value, ...args])],
  ["->>", ruleOfThread((head, args, value) => [head, ...args, value])],
]);
