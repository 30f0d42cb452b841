import { resumeWith, SUSPEND, type Frame, type Node } from "../evaluator/machine.ts";
import type { Form, FormOf } from "../forms.ts";
import type { Value } from "../values.ts";
import { annotationOf, isTypeKeyword, readAnnotation, type TypeCheck } from "./annotations.ts";
import { analyzePattern, bindSlot, checkBindable, type Binder } from "./patterns.ts";
import { isNamed, syntaxError, type Scope } from "./scope.ts";
import { analyzeBody, rest } from "./sequence.ts";

interface LetBinding {
  readonly pattern: Form;
  readonly check: TypeCheck | undefined;
  readonly init: Form;
}

interface Step {
  readonly init: Node;
  readonly bind: Binder;
  readonly check: TypeCheck | undefined;
}

/** `(let [pattern annotation? init …] body…)` */
export function analyzeLet(form: FormOf<"list">, scope: Scope): Node {
  const [bindings, ...body] = rest(form);
  if (bindings?.kind !== "vector") {
    throw syntaxError(bindings ?? form, "let needs a vector of bindings.", "(let [name value …] body)");
  }
  if (body.length === 0) throw syntaxError(form, "let has no body.", "at least one form after the bindings");
  const parsed = parseBindings(bindings);
  const inner = scope.block();
  // Functions may refer to functions bound later in the same let, so their names are known from the start.
  const declared = new Map<Form, ReturnType<Scope["declare"]>>();
  const earlier = new Set<string>();
  for (const { pattern, init } of parsed) {
    if (pattern.kind !== "symbol" || pattern.name === "_") continue;
    if (isFunctionForm(init) && !earlier.has(pattern.name)) declared.set(pattern, inner.declare(pattern.name, true));
    earlier.add(pattern.name);
  }
  const steps = parsed.map(({ pattern, check, init }): Step => {
    const initNode = inner.analyze(init);
    const binding = declared.get(pattern);
    if (binding === undefined) return { init: initNode, bind: analyzePattern(pattern, inner), check };
    checkBindable(pattern as FormOf<"symbol">);
    binding.late = false;
    inner.names.set((pattern as FormOf<"symbol">).name, binding);
    return { init: initNode, bind: bindSlot(binding), check };
  });
  return letNode(steps, analyzeBody(body, inner));
}

function isFunctionForm(form: Form): boolean {
  if (form.kind === "annotated") return isFunctionForm(form.form);
  if (form.kind === "short-fn") return true;
  return form.kind === "list" && (isNamed(form.items[0], "fn") || isNamed(form.items[0], "λ"));
}

function letNode(steps: readonly Step[], body: Node): Node {
  const [only] = steps;
  if (only === undefined) return body;
  if (steps.length === 1 && only.check === undefined) {
    const { init, bind } = only;
    return (frame) => {
      const value = init(frame);
      if (value === SUSPEND) {
        return resumeWith((late) => {
          bind(frame, late);
          return body(frame);
        });
      }
      bind(frame, value);
      return body(frame);
    };
  }
  const count = steps.length;
  const give = (frame: Frame, step: Step, value: Value): void => {
    step.check?.(value);
    step.bind(frame, value);
  };
  const runFrom = (frame: Frame, from: number): Value => {
    for (let index = from; index < count; index++) {
      const step = steps[index] as Step;
      const value = step.init(frame);
      if (value === SUSPEND) {
        return resumeWith((late) => {
          give(frame, step, late);
          return runFrom(frame, index + 1);
        });
      }
      give(frame, step, value);
    }
    return body(frame);
  };
  return (frame) => runFrom(frame, 0);
}

/**
 * Divides a binding vector. A keyword that stands alone after a pattern is its type if it names one and
 * what follows still divides into whole bindings; else it is the value.
 */
function parseBindings(vector: FormOf<"vector">): LetBinding[] {
  const { items } = vector;
  const divides = bindingStarts(items);
  const bindings: LetBinding[] = [];
  let at = 0;
  while (at < items.length) {
    const pattern = items[at] as Form;
    const what = pattern.kind === "symbol" ? `the binding ${pattern.name}` : "a binding";
    let annotation = readAnnotation(items, at + 1, pattern, what);
    const loose = items[at + 1];
    if (annotation === undefined && isTypeKeyword(loose) && divides[at + 3] === true) {
      annotation = annotationOf(items, loose, at + 2, what);
    }
    const initAt = annotation?.next ?? at + 1;
    const init = items[initAt];
    if (init === undefined) throw syntaxError(pattern, "This binding has no value.", "a value after the name");
    bindings.push({ pattern, check: annotation?.check, init });
    at = initAt + 1;
  }
  return bindings;
}

/** For each index whether whole bindings, one after the other, lead from it to the end of the vector. */
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
