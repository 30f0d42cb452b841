import { resumeWith, SUSPEND, vm, type Node } from "../evaluator/machine.ts";
import { raiseTypeError } from "../evaluator/raise.ts";
import type { Form, FormOf } from "../forms.ts";
import type { Value } from "../values.ts";
import { syntaxError, type Scope } from "./scope.ts";
import { rest } from "./sequence.ts";
import { nodeOfName } from "./symbols.ts";

/** `@name`: a value of the host's context, or the text `@name` where the host has none. */
export function analyzeContextRef(name: string): Node {
  return () => contextValue(name) ?? `@${name}`;
}

/** `(resource:ref "name")`: the long form of `@name`. */
export function analyzeResourceRef(form: FormOf<"list">, scope: Scope): Node {
  const [name, extra] = rest(form);
  if (name === undefined || extra !== undefined)
    throw syntaxError(form, "resource:ref takes one name.", '(resource:ref "name")');
  const node = scope.analyze(name);
  const read = (value: Value): Value =>
    typeof value === "string"
      ? (contextValue(value) ?? `@${value}`)
      : raiseTypeError("resource:ref", "string", value, form);
  return (frame) => {
    const value = node(frame);
    return value === SUSPEND ? resumeWith(read) : read(value);
  };
}

export function isContextGet(form: FormOf<"list">): boolean {
  const [key, extra] = rest(form);
  return extra === undefined && (key?.kind === "keyword" || key?.kind === "symbol");
}

/** `(get :name)`: the value of the name in scope, else in the host's context, else nil. */
export function analyzeContextGet(form: FormOf<"list">, scope: Scope): Node {
  const { name } = form.items[1] as Extract<Form, { kind: "keyword" | "symbol" }>;
  if (scope.find(name) !== undefined) return nodeOfName(name, scope, form);
  const index = scope.unit.names.index(name);
  return (frame) => frame[1][index] ?? contextValue(name) ?? null;
}

/** Undefined where there is no host, or the host has no value of this name. */
export function contextValue(name: string): Value | undefined {
  return vm.run?.settings.host?.context?.(name);
}
