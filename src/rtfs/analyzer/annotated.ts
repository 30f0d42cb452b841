import { evaluateAll, resumeWith, SUSPEND, vm, type Node } from "../evaluator/machine.ts";
import type { FormOf } from "../forms.ts";
import { mapKey } from "../form-values.ts";
import { Keyword, type Value } from "../values.ts";
import type { Scope } from "./scope.ts";

const HINT_PREFIX = "runtime.";

/** A model that a function's calls are handed to instead of running its body. */
export interface Delegation {
  readonly model: string;
}

/**
 * `^{…} form`: what is marked `:runtime.…` is evaluated and told to the host with every call that the
 * form makes; everything else says nothing to the language.
 */
export function analyzeAnnotated(form: FormOf<"annotated">, scope: Scope): Node {
  const { annotation } = form;
  if (annotation.kind !== "map") return scope.analyze(form.form);
  const names: string[] = [];
  const nodes: Node[] = [];
  for (const [keyForm, value] of annotation.entries) {
    const key = mapKey(keyForm);
    const name = key instanceof Keyword ? key.name : String(key);
    if (!name.startsWith(HINT_PREFIX)) continue;
    names.push(name);
    nodes.push(scope.analyze(value));
  }
  const body = scope.analyze(form.form);
  if (nodes.length === 0) return body;
  return (frame) =>
    evaluateAll(nodes, frame, [], (values) => {
      const outer = vm.hints;
      vm.hints = new Map([...outer, ...names.map((name, index) => [name, values[index] as Value] as const)]);
      const result = body(frame);
      if (result === SUSPEND) {
        return resumeWith((value) => {
          vm.hints = outer;
          return value;
        });
      }
      vm.hints = outer;
      return result;
    });
}

/** What `^:delegation …` before a function says; undefined where it stays here. */
export function readDelegation(form: FormOf<"annotated">): Delegation | undefined {
  if (form.annotation.kind !== "vector") return undefined;
  const model = form.annotation.items[2];
  return model?.kind === "string" ? { model: model.value } : undefined;
}
