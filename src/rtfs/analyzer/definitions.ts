import { Builtin } from "../evaluator/functions.ts";
import { resumeWith, SUSPEND, type Node } from "../evaluator/machine.ts";
import { raise, raiseTypeError } from "../evaluator/raise.ts";
import type { Form, FormOf } from "../forms.ts";
import { parseAnnotationType } from "../types/index.ts";
import { keyword, RtfsMap, type Value } from "../values.ts";
import { annotationOf, isTypeKeyword, readAnnotation, type TypeCheck } from "./annotations.ts";
import { analyzeFunction, closureNode, stripMetadata } from "./functions.ts";
import { checkBindable } from "./patterns.ts";
import { isSymbol, syntaxError, type Scope } from "./scope.ts";
import { constant, rest } from "./sequence.ts";

/** `(def name annotation? value)` */
export function analyzeDef(form: FormOf<"list">, scope: Scope): Node {
  const items = rest(form);
  const target = items[0]?.kind === "annotated" ? items[0].form : items[0];
  if (!isSymbol(target)) throw syntaxError(target ?? form, "def needs a name.", "(def name value)");
  checkBindable(target);
  const what = `the definition of ${target.name}`;
  let annotation = readAnnotation(items, 1, target, what);
  const loose = items[1];
  if (annotation === undefined && items.length === 3 && isTypeKeyword(loose))
    annotation = annotationOf(items, loose, 2, what);
  const valueAt = annotation?.next ?? 1;
  // Clojure's docstring between name and value.
  const documented = annotation === undefined && items.length === 3 && items[1]?.kind === "string";
  const value = items[documented ? 2 : valueAt];
  if (value === undefined || items.length !== (documented ? 3 : valueAt + 1)) {
    throw syntaxError(form, "def binds a name to one value.", "(def name value)");
  }
  const store = definition(target.name, scope);
  return store(scope.analyze(value), annotation?.check);
}

/** `(defn name [params] annotation? body…)` */
export function analyzeDefn(form: FormOf<"list">, scope: Scope): Node {
  const items = [...rest(form)];
  const delegation = stripMetadata(items);
  const name = items.shift();
  if (!isSymbol(name)) throw syntaxError(name ?? form, "defn needs a name.", "(defn name [parameter …] body)");
  checkBindable(name);
  if (items[0]?.kind === "string" && items.length > 1) items.shift();
  const late = stripMetadata(items) ?? delegation;
  const store = definition(name.name, scope);
  return store(closureNode(analyzeFunction(form, items, scope, name.name, late)), undefined);
}

/** How a value comes to be known by a name: as a global at the top level, else in a slot of this scope. */
function definition(name: string, scope: Scope): (init: Node, check: TypeCheck | undefined) => Node {
  if (scope.isTop) {
    const { names } = scope.unit;
    names.defined.add(name);
    const index = names.index(name);
    return (init, check) => (frame) => {
      const store = (value: Value): Value => {
        check?.(value);
        frame[1][index] = value;
        return value;
      };
      const value = init(frame);
      return value === SUSPEND ? resumeWith(store) : store(value);
    };
  }
  const { slot } = scope.names.get(name) ?? scope.declare(name, true);
  return (init, check) => (frame) => {
    const store = (value: Value): Value => {
      check?.(value);
      frame[slot] = value;
      return value;
    };
    const value = init(frame);
    return value === SUSPEND ? resumeWith(store) : store(value);
  };
}

/** `(defstruct Name :field Type …)`: Name becomes a function that checks a map and returns it. */
export function analyzeDefstruct(form: FormOf<"list">, scope: Scope): Node {
  const [name, ...fields] = rest(form);
  if (!isSymbol(name)) throw syntaxError(name ?? form, "defstruct needs a name.", "(defstruct Name :field Type …)");
  const checks: { readonly field: string; readonly optional: boolean; readonly check: TypeCheck }[] = [];
  for (let at = 0; at < fields.length;) {
    const field = fields[at] as Form;
    const type = fields[at + 1];
    if (field.kind !== "keyword" || type === undefined) {
      throw syntaxError(field, "The fields of a struct are pairs of a keyword and a type.", ":field Type");
    }
    const annotation = annotationOf(fields, type, at + 2, `the field :${field.name} of ${name.name}`);
    const marked = annotation.next === at + 3;
    const optional = marked || parseAnnotationType(type).type.kind === "optional";
    checks.push({ field: field.name, optional, check: annotation.check });
    at = annotation.next;
  }
  const construct = (value: Value): Value => {
    if (!(value instanceof RtfsMap)) return raiseTypeError(name.name, "map", value);
    for (const { field, optional, check } of checks) {
      const item = value.get(keyword(field));
      if (item !== undefined) check(item);
      else if (!optional) raise("TypeValidationError", `Missing required key :${field} at ${name.name}`);
    }
    return value;
  };
  const constructor = new Builtin({
    name: name.name,
    params: "[map]",
    doc: `Checks the fields of a ${name.name} and returns the map.`,
    arity: [1, 1],
    fn: construct,
  });
  return definition(name.name, scope)(constant(constructor), undefined);
}

/** `(deftype Name type)`: says something to people only. */
export function analyzeDeftype(form: FormOf<"list">): Node {
  const [name, type, extra] = rest(form);
  if (!isSymbol(name) || type === undefined || extra !== undefined) {
    throw syntaxError(form, "deftype has a name and a type.", "(deftype Name type)");
  }
  return constant(null);
}
