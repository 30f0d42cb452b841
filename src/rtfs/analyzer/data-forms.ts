import type { Node } from "../evaluator/machine.ts";
import type { Form, FormOf } from "../forms.ts";
import { formToValue } from "../form-values.ts";
import { keyword, RtfsMap, type MapKey, type Value } from "../values.ts";
import { isNamed, isSymbol, syntaxError } from "./scope.ts";
import { constant, rest } from "./sequence.ts";

// These forms declare something to whoever reads the file; evaluated, each is just its data.

/** `(capability "id" :key value …)`, or with one map in the place of the pairs. */
export function analyzeCapability(form: FormOf<"list">): Node {
  return declaration(form, "capability", "id");
}

/** `(plan "name" :key value …)` */
export function analyzePlan(form: FormOf<"list">): Node {
  return declaration(form, "plan", "name");
}

function declaration(form: FormOf<"list">, type: string, nameKey: string): Node {
  const [name, ...pairs] = rest(form);
  if (name?.kind !== "string") throw syntaxError(name ?? form, `${type} needs its ${nameKey} first.`, "a string");
  const entries = new Map<MapKey, Value>([
    [keyword("type"), type],
    [keyword(nameKey), name.value],
  ]);
  const [only] = pairs;
  if (pairs.length === 1 && only?.kind === "map") {
    for (const [key, value] of formToValue(only) as RtfsMap) entries.set(key, value);
  } else addPairs(entries, pairs, type);
  return constant(new RtfsMap(entries));
}

function addPairs(entries: Map<MapKey, Value>, pairs: readonly Form[], what: string): void {
  for (let at = 0; at < pairs.length; at += 2) {
    const key = pairs[at] as Form;
    const value = pairs[at + 1];
    if (key.kind !== "keyword")
      throw syntaxError(key, `The parts of a ${what} are pairs of a keyword and a value.`, "a keyword");
    if (value === undefined) throw syntaxError(key, `This part of the ${what} has no value.`, "a value");
    entries.set(keyword(key.name), formToValue(value));
  }
}

/** `(resource name (property :key value) …)`; what follows an @ in the name is its version. */
export function analyzeResource(form: FormOf<"list">): Node {
  const [name, ...properties] = rest(form);
  if (!isSymbol(name)) throw syntaxError(name ?? form, "resource needs its name first.", "a name");
  const entries = new Map<MapKey, Value>([
    [keyword("type"), "resource"],
    [keyword("name"), name.name.replace(/@.*$/s, "")],
  ]);
  for (const property of properties) {
    if (property.kind !== "list" || !isNamed(property.items[0], "property")) {
      throw syntaxError(property, "A resource consists of properties.", "(property :key value)");
    }
    addPairs(entries, rest(property), "property");
  }
  return constant(new RtfsMap(entries));
}
