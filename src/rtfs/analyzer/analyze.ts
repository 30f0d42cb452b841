import { evaluateAll, type Node } from "../evaluator/machine.ts";
import type { Form, FormOf } from "../forms.ts";
import { formToValue, mapKey } from "../form-values.ts";
import { keyword, RtfsMap, Vector, vector, type Value } from "../values.ts";
import { analyzeAnnotated } from "./annotated.ts";
import { analyzeCall } from "./calls.ts";
import { analyzeContextRef } from "./context.ts";
import { analyzeShortFunction } from "./functions.ts";
import { expandMacro } from "./macros.ts";
import { analyzeQuasiquote } from "./quasiquote.ts";
import { syntaxError, type Scope } from "./scope.ts";
import { constant, constantValue } from "./sequence.ts";
import { findSpecialForm } from "./special-forms.ts";
import { analyzeSymbol } from "./symbols.ts";

/** Turns a form into a node: everything that does not depend on values is decided here, once. */
export function analyze(form: Form, scope: Scope): Node {
  switch (form.kind) {
    case "nil":
      return constant(null);
    case "boolean":
    case "integer":
    case "float":
    case "string":
    case "text-literal":
      return constant(form.value);
    case "keyword":
      return constant(keyword(form.name));
    case "symbol":
      return analyzeSymbol(form, scope);
    case "vector":
      return analyzeVector(form, scope);
    case "map":
      return analyzeMap(form, scope);
    case "list":
      return analyzeList(form, scope);
    case "quote":
      return constant(formToValue(form.form));
    case "quasiquote":
      return analyzeQuasiquote(form, scope);
    case "unquote":
    case "unquote-splicing":
      throw syntaxError(form, "~ means something only within a quasiquote.", "a form", "Write ` before the template.");
    case "short-fn":
      return analyzeShortFunction(form, scope);
    case "context-ref":
      return analyzeContextRef(form.name);
    case "annotated":
      return analyzeAnnotated(form, scope);
  }
}

function analyzeVector(form: FormOf<"vector">, scope: Scope): Node {
  const nodes = form.items.map((item) => scope.analyze(item));
  const values = constantValues(nodes);
  // Vectors are immutable, and one that is never extended may be shared by all evaluations.
  if (values !== undefined) return constant(vector(values).sealed());
  return (frame) => evaluateAll(nodes, frame, [], vector);
}

function analyzeMap(form: FormOf<"map">, scope: Scope): Node {
  const keys = form.entries.map(([key]) => mapKey(key));
  const nodes = form.entries.map(([, value]) => scope.analyze(value));
  const make = RtfsMap.maker([...new Set(keys)]);
  // Of a key written twice the last value counts; both are evaluated.
  const isDistinct = new Set(keys).size === keys.length;
  const build = isDistinct
    ? make
    : (values: Value[]) => RtfsMap.of(keys.map((key, index) => [key, values[index] as Value]));
  const values = constantValues(nodes);
  if (values !== undefined) return constant(build(values));
  return (frame) => evaluateAll(nodes, frame, [], build);
}

/** The values of nodes that are all constant; else undefined. */
function constantValues(nodes: readonly Node[]): Value[] | undefined {
  const values: Value[] = [];
  for (const node of nodes) {
    const value = constantValue(node);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

function analyzeList(form: FormOf<"list">, scope: Scope): Node {
  const head = form.items[0];
  if (head === undefined) return constant(Vector.EMPTY);
  if (head.kind !== "symbol") return analyzeCall(form, scope);
  const special = findSpecialForm(head.name, form, scope);
  if (special !== undefined) return special(form, scope);
  const macro = scope.find(head.name) === undefined ? scope.unit.names.macros.get(head.name) : undefined;
  if (macro !== undefined) return scope.analyze(expandMacro(macro, form, scope));
  return analyzeCall(form, scope);
}
