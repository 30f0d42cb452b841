import { isNamed } from "../analyzer/scope.ts";
import type { Form } from "../forms.ts";
import { formToValue } from "../form-values.ts";
import { print } from "../printer.ts";
import { warningAt, type LintWarning } from "./warning.ts";

export interface Clause {
  readonly pattern: Form;
  readonly guard: Form | undefined;
  readonly body: Form | undefined;
}

/** The clauses of `match`, divided as the analyzer divides them. */
export function clausesOf(items: readonly Form[]): Clause[] {
  const clauses: Clause[] = [];
  for (let at = 0; at < items.length;) {
    const guarded = isNamed(items[at + 1], "when") && items.length > at + 3;
    clauses.push({
      pattern: items[at] as Form,
      guard: guarded ? items[at + 2] : undefined,
      body: items[guarded ? at + 3 : at + 1],
    });
    at += guarded ? 4 : 2;
  }
  return clauses;
}

/** Clauses of `match` that no value reaches: after one that takes every value, or a literal for the second time. */
export function* unreachableClauses(clauses: readonly Clause[]): IterableIterator<LintWarning> {
  let catchAll: Form | undefined;
  const literals = new Set<string>();
  for (const { pattern, guard } of clauses) {
    if (catchAll !== undefined) {
      yield unreachable(pattern, `the pattern at ${where(catchAll)} takes every value`);
      continue;
    }
    const literal = literalText(pattern);
    if (literal !== undefined && literals.has(literal))
      yield unreachable(pattern, "an earlier clause takes this value");
    if (guard !== undefined) continue;
    if (literal !== undefined) literals.add(literal);
    if (isIrrefutable(pattern)) catchAll = pattern;
  }
}

/** Clauses of `cond` after one whose condition is always true. */
export function* unreachableConditions(items: readonly Form[]): IterableIterator<LintWarning> {
  let always: Form | undefined;
  for (let at = 0; at < items.length; at += 2) {
    const test = items[at] as Form;
    if (always !== undefined) yield unreachable(test, `the condition at ${where(always)} is always true`);
    else if (isAlwaysTrue(test)) always = test;
  }
}

function unreachable(form: Form, why: string): LintWarning {
  return warningAt(form, "unreachable-clause", `This clause is never reached: ${why}.`);
}

function where(form: Form): string {
  const { line, column } = form.source.place(form.start);
  return `${line}:${column}`;
}

function isIrrefutable(pattern: Form): boolean {
  if (pattern.kind === "symbol") return true;
  return pattern.kind === "list" && pattern.items[2] !== undefined && isIrrefutable(pattern.items[2]);
}

/** What a pattern that is one value is equal to; undefined for any other. */
function literalText(pattern: Form): string | undefined {
  switch (pattern.kind) {
    case "nil":
    case "boolean":
    case "integer":
    case "float":
    case "string":
    case "text-literal":
    case "keyword":
      return print(formToValue(pattern));
    default:
      return undefined;
  }
}

function isAlwaysTrue(test: Form): boolean {
  switch (test.kind) {
    case "boolean":
      return test.value;
    case "integer":
    case "float":
    case "string":
    case "text-literal":
    case "keyword":
    case "short-fn":
      return true;
    default:
      return false;
  }
}
