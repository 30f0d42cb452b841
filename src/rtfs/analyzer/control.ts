import { resumeWith, SUSPEND, type Frame, type Node } from "../evaluator/machine.ts";
import type { Form, FormOf } from "../forms.ts";
import { formToValue } from "../form-values.ts";
import type { Value } from "../values.ts";
import { syntaxError, type Scope } from "./scope.ts";
import { analyzeBody, constant, rest, sequence } from "./sequence.ts";

/** `(if c then else?)` */
export function analyzeIf(form: FormOf<"list">, scope: Scope): Node {
  const [test, then, otherwise, extra] = rest(form);
  if (test === undefined || then === undefined || extra !== undefined) {
    throw syntaxError(
      form,
      "if has a condition, a form for true and perhaps one for false.",
      "(if condition then else)",
    );
  }
  return ifNode(
    scope.analyze(test),
    scope.analyze(then),
    otherwise === undefined ? constant(null) : scope.analyze(otherwise),
  );
}

export function ifNode(test: Node, then: Node, otherwise: Node): Node {
  return (frame) => {
    const value = test(frame);
    if (value === true) return then(frame);
    if (value === SUSPEND) return resumeWith((late) => (late === null || late === false ? otherwise : then)(frame));
    return value === null || value === false ? otherwise(frame) : then(frame);
  };
}

/** `(do form…)` */
export function analyzeDo(form: FormOf<"list">, scope: Scope): Node {
  if (scope.isTop) return sequence(rest(form).map((item) => scope.analyze(item)));
  return analyzeBody(rest(form), scope);
}

/** `(when c form…)` */
export function analyzeWhen(form: FormOf<"list">, scope: Scope): Node {
  const [test, ...body] = rest(form);
  if (test === undefined) throw syntaxError(form, "when needs a condition.", "(when condition form …)");
  return ifNode(scope.analyze(test), sequence(body.map((item) => scope.analyze(item))), constant(null));
}

/** `(cond c1 e1 c2 e2 … :else e)`; a keyword is true like any value. */
export function analyzeCond(form: FormOf<"list">, scope: Scope): Node {
  const clauses = rest(form);
  if (clauses.length % 2 !== 0) {
    throw syntaxError(
      clauses[clauses.length - 1] as Form,
      "This clause of cond has no form.",
      "pairs of a condition and a form",
    );
  }
  const tests: Node[] = [];
  const bodies: Node[] = [];
  for (let index = 0; index < clauses.length; index += 2) {
    tests.push(scope.analyze(clauses[index] as Form));
    bodies.push(scope.analyze(clauses[index + 1] as Form));
  }
  const count = tests.length;
  const tryFrom = (frame: Frame, from: number): Value => {
    for (let index = from; index < count; index++) {
      const value = (tests[index] as Node)(frame);
      if (value === SUSPEND) {
        return resumeWith((late) =>
          late === null || late === false ? tryFrom(frame, index + 1) : (bodies[index] as Node)(frame),
        );
      }
      if (value !== null && value !== false) return (bodies[index] as Node)(frame);
    }
    return null;
  };
  return (frame) => tryFrom(frame, 0);
}

/** `(and a b …)`: the first that is not true, else the last. */
export function analyzeAnd(form: FormOf<"list">, scope: Scope): Node {
  return shortCircuit(form, scope, true, (value) => value === null || value === false);
}

/** `(or a b …)`: the first that is true, else the last. */
export function analyzeOr(form: FormOf<"list">, scope: Scope): Node {
  return shortCircuit(form, scope, false, (value) => value !== null && value !== false);
}

function shortCircuit(form: FormOf<"list">, scope: Scope, empty: Value, decides: (value: Value) => boolean): Node {
  const nodes = rest(form).map((item) => scope.analyze(item));
  const last = nodes.length - 1;
  if (last < 0) return constant(empty);
  const from = (frame: Frame, start: number): Value => {
    for (let index = start; index < last; index++) {
      const value = (nodes[index] as Node)(frame);
      if (value === SUSPEND) return resumeWith((late) => (decides(late) ? late : from(frame, index + 1)));
      if (decides(value)) return value;
    }
    return (nodes[last] as Node)(frame);
  };
  return (frame) => from(frame, 0);
}

/** `(quote x)` */
export function analyzeQuote(form: FormOf<"list">): Node {
  const [quoted, extra] = rest(form);
  if (quoted === undefined || extra !== undefined) throw syntaxError(form, "quote takes one form.", "(quote form)");
  return constant(formToValue(quoted));
}

/** `(-> x (f a) g)`: x becomes the first argument of each call in turn. */
export function analyzeThreadFirst(form: FormOf<"list">, scope: Scope): Node {
  return scope.analyze(thread(form, (head, args, value) => [head, value, ...args]));
}

/** `(->> x (f a) g)`: x becomes the last argument of each call in turn. */
export function analyzeThreadLast(form: FormOf<"list">, scope: Scope): Node {
  return scope.analyze(thread(form, (head, args, value) => [head, ...args, value]));
}

function thread(form: FormOf<"list">, place: (head: Form, args: readonly Form[], value: Form) => Form[]): Form {
  const [first, ...steps] = rest(form);
  if (first === undefined) throw syntaxError(form, "Nothing to thread.", "a form");
  return steps.reduce<Form>((value, step) => {
    const { source, start, end } = step;
    const [head, ...args] = step.kind === "list" ? step.items : [step];
    if (head === undefined)
      throw syntaxError(step, "An empty list cannot be called.", "a call, or the name of a function");
    return { kind: "list", source, start, end, items: place(head, args, value) };
  }, first);
}
