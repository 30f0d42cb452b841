import type { Macro } from "../evaluator/names.ts";
import type { Node } from "../evaluator/machine.ts";
import type { Form, FormOf } from "../forms.ts";
import { nameAfter } from "./patterns.ts";
import { isNamed, isSymbol, syntaxError, type Scope } from "./scope.ts";
import { constant, rest } from "./sequence.ts";

/** How many forms the macros of one text may build in all. */
export const MOST_EXPANDED_FORMS = 200_000;

/** `(defmacro name [a b & others] template)`: known to all later forms. */
export function analyzeDefmacro(form: FormOf<"list">, scope: Scope): Node {
  const items = rest(form);
  const [name, params] = items;
  const body = items[items.length - 1];
  const hasDoc = items.length === 4 && items[1]?.kind === "string";
  const parameters = hasDoc ? items[2] : params;
  if (!isSymbol(name) || parameters?.kind !== "vector" || body === undefined || items.length !== (hasDoc ? 4 : 3)) {
    throw syntaxError(
      form,
      "A macro has a name, parameters and one template.",
      "(defmacro name [parameter …] template)",
    );
  }
  const names: string[] = [];
  let others: string | undefined;
  for (let index = 0; index < parameters.items.length; index++) {
    const item = parameters.items[index] as Form;
    if (isNamed(item, "&")) others = nameAfter(item, parameters.items[++index]).name;
    else if (isSymbol(item) && others === undefined) names.push(item.name);
    else throw syntaxError(item, "The parameters of a macro are names.", "a name");
  }
  scope.unit.names.macros.set(name.name, { name: name.name, params: names, rest: others, body });
  return constant(null);
}

/** The form that a macro call stands for. */
export function expandMacro(macro: Macro, call: FormOf<"list">, scope: Scope): Form {
  const args = rest(call);
  const { params } = macro;
  if (args.length < params.length || (args.length > params.length && macro.rest === undefined)) {
    const expected = macro.rest === undefined ? `${params.length}` : `at least ${params.length}`;
    throw syntaxError(call, `The macro ${macro.name} takes ${expected} forms and was given ${args.length}.`);
  }
  const bound = new Map<string, Form>(params.map((name, index) => [name, args[index] as Form]));
  if (macro.rest !== undefined) {
    const { source, start, end } = call;
    bound.set(macro.rest, { kind: "list", source, start, end, items: args.slice(params.length) });
  }
  const expansion = new Expansion(bound, call, scope);
  const { body } = macro;
  return body.kind === "quasiquote" ? expansion.fill(body.form, 1) : expansion.fill(body, 0);
}

/** One expansion: the template with forms in the place of parameters. At level 0 parameters need no `~`. */
class Expansion {
  readonly #bound: ReadonlyMap<string, Form>;
  readonly #call: FormOf<"list">;
  readonly #scope: Scope;

  constructor(bound: ReadonlyMap<string, Form>, call: FormOf<"list">, scope: Scope) {
    this.#bound = bound;
    this.#call = call;
    this.#scope = scope;
  }

  fill(form: Form, level: number): Form {
    this.#count();
    switch (form.kind) {
      case "symbol":
        return (level === 0 ? this.#bound.get(form.name) : undefined) ?? this.#here(form);
      case "unquote":
        return level === 1
          ? this.#argument(form)
          : this.#here({ ...form, form: this.fill(form.form, Math.max(0, level - 1)) });
      case "unquote-splicing":
        if (level === 1) throw syntaxError(form, "~@ splices into a list or vector, and there is none around it.");
        return this.#here({ ...form, form: this.fill(form.form, Math.max(0, level - 1)) });
      case "quasiquote":
        return this.#here({ ...form, form: this.fill(form.form, level === 0 ? 0 : level + 1) });
      case "quote":
      case "annotated":
        return this.#here({ ...form, form: this.fill(form.form, level) });
      case "list":
      case "vector":
      case "short-fn":
        return this.#here({ ...form, items: this.#fillAll(form.items, level) });
      case "map":
        return this.#here({
          ...form,
          entries: form.entries.map(([key, value]) => [this.fill(key, level), this.fill(value, level)] as const),
        });
      default:
        return this.#here(form);
    }
  }

  #fillAll(items: readonly Form[], level: number): Form[] {
    const filled: Form[] = [];
    for (const item of items) {
      if (item.kind !== "unquote-splicing" || level !== 1) {
        filled.push(this.fill(item, level));
        continue;
      }
      const spliced = this.#argument(item);
      if (spliced.kind !== "list" && spliced.kind !== "vector") {
        throw syntaxError(this.#call, `~@ in the macro splices a list, and was given something else.`, "a list");
      }
      filled.push(...spliced.items);
      this.#scope.unit.expansionsLeft -= spliced.items.length;
    }
    return filled;
  }

  /** What an unquoted form stands for: a parameter, or a form in which parameters are replaced. */
  #argument(form: FormOf<"unquote"> | FormOf<"unquote-splicing">): Form {
    const { form: inner } = form;
    if (inner.kind !== "symbol") return this.fill(inner, 0);
    const bound = this.#bound.get(inner.name);
    if (bound === undefined) {
      throw syntaxError(form, `${inner.name} is no parameter of this macro.`, "one of its parameters");
    }
    return bound;
  }

  // What the template brings along stands, for every message, at the call.
  #here(form: Form): Form {
    const { source, start, end } = this.#call;
    return { ...form, source, start, end };
  }

  #count(): void {
    if (--this.#scope.unit.expansionsLeft < 0) {
      throw syntaxError(this.#call, `Macros build more than ${MOST_EXPANDED_FORMS} forms here.`);
    }
  }
}
