import { resumeWith, SUSPEND, type Frame, type Node } from "../evaluator/machine.ts";
import type { Form, FormOf } from "../forms.ts";
import type { Value } from "../values.ts";
import { isNamed, type Scope } from "./scope.ts";

const constants = new WeakMap<Node, { readonly value: Value }>();

/** A node that gives always the same value. */
export function constant(value: Value): Node {
  const node: Node = () => value;
  constants.set(node, { value });
  return node;
}

/** The value of a constant node; undefined for any other. */
export function constantValue(node: Node): Value | undefined {
  return constants.get(node)?.value;
}

/** Evaluates nodes in order; the value is that of the last, or nil. */
export function sequence(nodes: readonly Node[]): Node {
  const [first, second] = nodes;
  if (first === undefined) return constant(null);
  if (second === undefined) return first;
  if (nodes.length === 2) {
    return (frame) => {
      if (first(frame) === SUSPEND) return resumeWith(() => second(frame));
      return second(frame);
    };
  }
  const last = nodes.length - 1;
  const runFrom = (frame: Frame, from: number): Value => {
    for (let index = from; index < last; index++) {
      if ((nodes[index] as Node)(frame) === SUSPEND) {
        const next = index + 1;
        return resumeWith(() => runFrom(frame, next));
      }
    }
    return (nodes[last] as Node)(frame);
  };
  return (frame) => runFrom(frame, 0);
}

/** The name that `(def name …)` or `(defn name …)` defines; undefined for any other form. */
export function definedName(form: Form): string | undefined {
  if (form.kind !== "list" || form.items.length < 3) return undefined;
  const [head, name] = form.items as readonly [Form, Form];
  if (!isNamed(head, "def") && !isNamed(head, "defn")) return undefined;
  const target = name.kind === "annotated" ? name.form : name;
  return target.kind === "symbol" ? target.name : undefined;
}

/** The definitions among these forms, those inside `do` too. */
function* definitions(forms: readonly Form[]): IterableIterator<string> {
  for (const form of forms) {
    const name = definedName(form);
    if (name !== undefined) yield name;
    else if (form.kind === "list" && isNamed(form.items[0], "do")) yield* definitions(form.items.slice(1));
  }
}

/** Notes what top-level forms define, before any of them is analysed: a definition may follow its use. */
export function noteDefinitions(forms: readonly Form[], scope: Scope): void {
  for (const name of definitions(forms)) scope.unit.names.defined.add(name);
}

/**
 * The forms of a body. Inside a function or `let`, what they define is known to all of them, so that
 * local functions may call each other in any order.
 */
export function analyzeBody(forms: readonly Form[], scope: Scope): Node {
  if (!scope.isTop) {
    for (const name of definitions(forms)) if (!scope.names.has(name)) scope.declare(name, true);
  }
  return sequence(
    forms.map((form) => {
      const node = scope.analyze(form);
      // From here on the definition has been evaluated, whatever happens.
      const name = definedName(form);
      const binding = name === undefined ? undefined : scope.names.get(name);
      if (binding !== undefined) binding.late = false;
      return node;
    }),
  );
}

/** The items of a list after its head. */
export function rest(form: FormOf<"list">): readonly Form[] {
  return form.items.slice(1);
}
