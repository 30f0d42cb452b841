import { evaluateAll, resumeWith, SUSPEND, type Frame, type Node } from "../evaluator/machine.ts";
import { raise } from "../evaluator/raise.ts";
import type { Form, FormOf } from "../forms.ts";
import { readProgram } from "../reader/reader.ts";
import { keyword, RtfsMap, vector, type Value } from "../values.ts";
import { isNamed, isSymbol, Scope, syntaxError } from "./scope.ts";
import { definedName, rest, sequence } from "./sequence.ts";

// A module's definitions live in slots of its own scope; what it exports is also a global named
// `module/name`, which is all that others see.

/** `(module name (:exports [a b])? definition…)` */
export function analyzeModule(form: FormOf<"list">, scope: Scope): Node {
  const [name, ...items] = rest(form);
  if (!isSymbol(name)) throw syntaxError(name ?? form, "A module needs a name.", "(module name definition …)");
  if (!scope.isTop) throw syntaxError(form, "A module stands at the top level.");
  const listed = exportList(items[0]);
  const definitions = listed === undefined ? items : items.slice(1);
  const inner = scope.block();
  inner.aliases = new Map();
  for (const item of definitions) {
    const defined = definedName(item);
    if (defined !== undefined) {
      if (!inner.names.has(defined)) inner.declare(defined, true);
    } else if (!isImport(item))
      throw syntaxError(item, "A module consists of def, defn and import.", "(def …), (defn …) or (import …)");
  }
  const nodes = definitions.map((item) => (isImport(item) ? analyzeImport(item, inner) : inner.analyze(item)));
  const { names } = scope.unit;
  names.modules.add(name.name);
  const exported = (listed ?? [...inner.names.keys()].map((text) => ({ text, form: name as Form }))).map(
    ({ text, form: at }) => {
      const binding = inner.names.get(text);
      if (binding === undefined)
        throw syntaxError(at, `${text} is exported and not defined.`, "a name that the module defines");
      names.defined.add(`${name.name}/${text}`);
      return { text, slot: binding.slot, index: names.index(`${name.name}/${text}`) };
    },
  );
  const description = RtfsMap.of([
    [keyword("type"), "module"],
    [keyword("name"), name.name],
    [keyword("exports"), vector(exported.map(({ text }) => text))],
  ]);
  const publish = (frame: Frame): Value => {
    for (const { slot, index } of exported) frame[1][index] = frame[slot] as Value;
    return description;
  };
  return (frame) => evaluateAll(nodes, frame, [], () => publish(frame));
}

function isImport(form: Form): form is FormOf<"list"> {
  return form.kind === "list" && isNamed(form.items[0], "import");
}

function exportList(form: Form | undefined): { readonly text: string; readonly form: Form }[] | undefined {
  if (form?.kind !== "list" || form.items[0]?.kind !== "keyword" || form.items[0].name !== "exports") return undefined;
  const names = form.items[1];
  if (names?.kind !== "vector") throw syntaxError(form, ":exports lists names.", "(:exports [name …])");
  return names.items.map((item) => {
    if (!isSymbol(item)) throw syntaxError(item, ":exports lists names.", "a name");
    return { text: item.name, form: item };
  });
}

/** An import outside a module is refused: `findSpecialForm` leads here. */
export function refuseImport(form: FormOf<"list">): never {
  throw syntaxError(form, "An import stands in a module.", "(module name (import other :as o) …)");
}

/** `(import name :as alias)` or `(import name :only [a b])` */
function analyzeImport(form: FormOf<"list">, scope: Scope): Node {
  const [name, ...options] = rest(form);
  if (!isSymbol(name)) throw syntaxError(name ?? form, "An import names a module.", "(import name :as alias)");
  const aliases = scope.aliases as Map<string, string>;
  for (let at = 0; at < options.length; at += 2) {
    const option = options[at] as Form;
    const value = options[at + 1];
    if (option.kind === "keyword" && option.name === "as" && isSymbol(value))
      aliases.set(`${value.name}/`, `${name.name}/`);
    else if (option.kind === "keyword" && option.name === "only" && value?.kind === "vector") {
      for (const item of value.items) {
        if (!isSymbol(item)) throw syntaxError(item, ":only lists names.", "a name");
        aliases.set(item.name, `${name.name}/${item.name}`);
      }
    } else
      throw syntaxError(
        option,
        "An import has :as and a name, or :only and a vector of names.",
        ":as alias or :only [name …]",
      );
  }
  return loadNode(name.name, form, scope);
}

/** Makes the module known, reading its file where no form has defined it; at run time, evaluates that once. */
function loadNode(name: string, form: FormOf<"list">, scope: Scope): Node {
  const { unit } = scope;
  if (unit.loading.includes(name)) {
    throw syntaxError(form, `The modules import each other in a circle: ${[...unit.loading, name].join(" → ")}.`);
  }
  if (unit.names.modules.has(name)) return () => null;
  const source = unit.loadModule?.(name, form.source.file);
  if (source === undefined) return () => raise("ModuleNotFound", `Module not found: ${name}`, form);
  let top: Scope = scope;
  while (top.outer !== undefined) top = top.outer;
  const loaded = new Scope({ ...unit, loading: [...unit.loading, name] }, top.fn, undefined);
  const node = sequence(readProgram(source).map((item) => loaded.analyze(item)));
  if (!unit.names.modules.has(name)) throw syntaxError(form, `${source.file ?? "The file"} defines no module ${name}.`);
  const done = unit.names.index(`module ${name}`);
  return (frame) => {
    if (frame[1][done] !== undefined) return null;
    frame[1][done] = true;
    const value = node(frame);
    return value === SUSPEND ? resumeWith(() => null) : null;
  };
}
