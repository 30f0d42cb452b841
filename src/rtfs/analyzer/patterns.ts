import type { Frame } from "../evaluator/machine.ts";
import { raise, raiseTypeError } from "../evaluator/raise.ts";
import type { Form, FormOf } from "../forms.ts";
import { mapKey } from "../form-values.ts";
import { keyword, List, RtfsMap, Vector, type MapKey, type Value } from "../values.ts";
import { isNamed, isSymbol, syntaxError, type Binding, type Scope } from "./scope.ts";

/** Takes a value apart into the slots of the names of a pattern. */
export type Binder = (frame: Frame, value: Value) => void;

const bindNothing: Binder = () => {};

/** A pattern of `let`, `fn` and the like; its names are declared in the scope. */
export function analyzePattern(form: Form, scope: Scope): Binder {
  switch (form.kind) {
    case "symbol":
      return analyzeName(form, scope);
    case "vector":
      return analyzeVectorPattern(form, scope);
    case "map":
      return analyzeMapPattern(form, scope);
    case "annotated":
      return analyzePattern(form.form, scope);
    default:
      throw syntaxError(form, "This cannot be bound.", "a name, a [vector] or a {map} pattern");
  }
}

export function bindSlot({ slot }: Binding): Binder {
  return (frame, value) => {
    frame[slot] = value;
  };
}

function analyzeName(form: FormOf<"symbol">, scope: Scope): Binder {
  checkBindable(form);
  return form.name === "_" ? bindNothing : bindSlot(scope.declare(form.name));
}

export function checkBindable(form: FormOf<"symbol">): void {
  if (form.name === "&" || form.name === ":") {
    throw syntaxError(form, `${form.name} cannot be bound.`, "a name");
  }
}

/** The name after `&` or `:as`. */
export function nameAfter(mark: Form, form: Form | undefined): FormOf<"symbol"> {
  if (!isSymbol(form)) throw syntaxError(form ?? mark, "A name must follow here.", "a name");
  checkBindable(form);
  return form;
}

export interface VectorParts {
  readonly items: readonly Form[];
  readonly rest: FormOf<"symbol"> | undefined;
  readonly whole: FormOf<"symbol"> | undefined;
}

/** The parts of `[a b & rest :as whole]`. */
export function vectorParts(form: FormOf<"vector">): VectorParts {
  const items: Form[] = [];
  let restName: FormOf<"symbol"> | undefined;
  let whole: FormOf<"symbol"> | undefined;
  for (let index = 0; index < form.items.length; index++) {
    const item = form.items[index] as Form;
    if (isNamed(item, "&") && restName === undefined) restName = nameAfter(item, form.items[++index]);
    else if (item.kind === "keyword" && item.name === "as" && whole === undefined) {
      whole = nameAfter(item, form.items[++index]);
    } else if (restName !== undefined || whole !== undefined) {
      throw syntaxError(item, "Nothing may stand here: & and :as come last.", "]");
    } else items.push(item);
  }
  return { items, rest: restName, whole };
}

function analyzeVectorPattern(form: FormOf<"vector">, scope: Scope): Binder {
  const parts = vectorParts(form);
  const binders = parts.items.map((item) => analyzePattern(item, scope));
  const bindRest = parts.rest === undefined ? undefined : analyzeName(parts.rest, scope);
  const bindWhole = parts.whole === undefined ? undefined : analyzeName(parts.whole, scope);
  const count = binders.length;
  return (frame, value) => {
    if (!(value instanceof Vector || value instanceof List))
      return raiseTypeError("destructuring", "vector", value, form);
    if (value.length < count || (value.length > count && bindRest === undefined)) {
      const expected = bindRest === undefined ? `${count}` : `at least ${count}`;
      return raise(
        "TypeError",
        `Type error in destructuring: expected a vector of ${expected} items, got one of ${value.length}`,
        form,
      );
    }
    for (let index = 0; index < count; index++) (binders[index] as Binder)(frame, value.at(index));
    if (bindRest !== undefined) bindRest(frame, new Vector(value.slice(count).toArray()));
    if (bindWhole !== undefined) bindWhole(frame, value);
  };
}

export interface MapParts {
  readonly entries: readonly (readonly [MapKey, Form])[];
  readonly rest: FormOf<"symbol"> | undefined;
  readonly whole: FormOf<"symbol"> | undefined;
}

/** The parts of `{:keys [a b] :k pattern name :key & rest :as whole}`, keys and patterns in order. */
export function mapParts(form: FormOf<"map">): MapParts {
  const entries: [MapKey, Form][] = [];
  let restName: FormOf<"symbol"> | undefined;
  let whole: FormOf<"symbol"> | undefined;
  for (const [key, target] of form.entries) {
    if (isNamed(key, "&")) restName = nameAfter(key, target);
    else if (key.kind === "symbol") entries.push([mapKey(target), key]);
    else if (key.kind === "keyword" && key.name === "as" && target.kind === "symbol") whole = nameAfter(key, target);
    else if (key.kind === "keyword" && key.name === "keys" && target.kind === "vector") {
      for (const name of target.items) {
        if (!isSymbol(name)) throw syntaxError(name, "The items of :keys are names.", "a name");
        entries.push([keyword(name.name), name]);
      }
    } else entries.push([mapKey(key), target]);
  }
  return { entries, rest: restName, whole };
}

function analyzeMapPattern(form: FormOf<"map">, scope: Scope): Binder {
  const parts = mapParts(form);
  const binders = parts.entries.map(([key, target]) => [key, analyzePattern(target, scope)] as const);
  const keys = parts.entries.map(([key]) => key);
  const bindRest = parts.rest === undefined ? undefined : analyzeName(parts.rest, scope);
  const bindWhole = parts.whole === undefined ? undefined : analyzeName(parts.whole, scope);
  return (frame, value) => {
    if (!(value instanceof RtfsMap)) return raiseTypeError("destructuring", "map", value, form);
    for (const [key, bind] of binders) bind(frame, value.get(key) ?? null);
    if (bindRest !== undefined) bindRest(frame, value.without(...keys));
    if (bindWhole !== undefined) bindWhole(frame, value);
  };
}
