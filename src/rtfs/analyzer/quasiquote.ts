import { evaluateAll, type Node } from "../evaluator/machine.ts";
import { raiseTypeError } from "../evaluator/raise.ts";
import type { Form, FormOf } from "../forms.ts";
import { formToValue, mapKey } from "../form-values.ts";
import { list, List, RtfsMap, Sym, Vector, vector, type MapKey, type Value } from "../values.ts";
import { syntaxError, type Scope } from "./scope.ts";

/** Builds the data of a part of a template from the values of its unquoted forms. */
type Build = (values: readonly Value[]) => Value;

/** A quasiquote outside a macro: data, with the values of what is unquoted. */
export function analyzeQuasiquote(form: FormOf<"quasiquote">, scope: Scope): Node {
  const nodes: Node[] = [];
  const build = template(form.form, 1, scope, nodes);
  return (frame) => evaluateAll(nodes, frame, [], build);
}

function template(form: Form, level: number, scope: Scope, nodes: Node[]): Build {
  switch (form.kind) {
    case "unquote":
      if (level === 1) {
        const index = nodes.push(scope.analyze(form.form)) - 1;
        return (values) => values[index] as Value;
      }
      return wrapped(form.kind, template(form.form, level - 1, scope, nodes));
    case "unquote-splicing":
      if (level === 1) throw syntaxError(form, "~@ splices into a list or vector, and there is none around it.");
      return wrapped(form.kind, template(form.form, level - 1, scope, nodes));
    case "quasiquote":
      return wrapped(form.kind, template(form.form, level + 1, scope, nodes));
    case "quote":
      return wrapped(form.kind, template(form.form, level, scope, nodes));
    case "list":
    case "short-fn": {
      const build = run(form.items, level, scope, nodes);
      return (values) => list(build(values));
    }
    case "vector": {
      const build = run(form.items, level, scope, nodes);
      return (values) => vector(build(values));
    }
    case "map": {
      const entries = form.entries.map(([key, value]) => [mapKey(key), template(value, level, scope, nodes)] as const);
      return (values) => new RtfsMap(new Map<MapKey, Value>(entries.map(([key, build]) => [key, build(values)])));
    }
    default: {
      const value = formToValue(form);
      return () => value;
    }
  }
}

function wrapped(name: string, build: Build): Build {
  return (values) => list([new Sym(name), build(values)]);
}

/** The items of a list or vector, splicing where that is asked for. */
function run(
  items: readonly Form[],
  level: number,
  scope: Scope,
  nodes: Node[],
): (values: readonly Value[]) => Value[] {
  const parts = items.map((item) => {
    if (item.kind === "unquote-splicing" && level === 1) {
      const index = nodes.push(scope.analyze(item.form)) - 1;
      return (values: readonly Value[], into: Value[]): void => {
        const value = values[index] as Value;
        if (!(value instanceof Vector || value instanceof List)) raiseTypeError("~@", "list", value, item);
        for (const inner of value as Vector) into.push(inner);
      };
    }
    const build = template(item, level, scope, nodes);
    return (values: readonly Value[], into: Value[]): void => {
      into.push(build(values));
    };
  });
  return (values) => {
    const into: Value[] = [];
    for (const part of parts) part(values, into);
    return into;
  };
}
