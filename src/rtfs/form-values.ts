import type { Form } from "./forms.ts";
import { readError } from "./reader/read-error.ts";
import { keyword, list, RtfsMap, Sym, vector, type MapKey, type Value } from "./values.ts";

/** A form as data, as `quote` gives it: nothing is evaluated, names stay symbols. */
export function formToValue(form: Form): Value {
  switch (form.kind) {
    case "nil":
      return null;
    case "boolean":
    case "integer":
    case "float":
    case "string":
    case "text-literal":
      return form.value;
    case "keyword":
      return keyword(form.name);
    case "symbol":
      return new Sym(form.name);
    case "list":
      return list(form.items.map(formToValue));
    case "vector":
      return vector(form.items.map(formToValue));
    case "map": {
      const entries = new Map<MapKey, Value>();
      for (const [key, value] of form.entries) entries.set(mapKey(key), formToValue(value));
      return new RtfsMap(entries);
    }
    case "quote":
    case "quasiquote":
    case "unquote":
    case "unquote-splicing":
      return list([new Sym(form.kind), formToValue(form.form)]);
    case "short-fn":
      return list([new Sym("short-fn"), ...form.items.map(formToValue)]);
    case "context-ref":
      return list([new Sym("resource:ref"), form.name]);
    case "annotated":
      return formToValue(form.form);
  }
}

/** The key of a map literal as a value; a symbol there only means something in a pattern. */
export function mapKey(form: Form): MapKey {
  if (form.kind === "keyword") return keyword(form.name);
  if (form.kind === "string" || form.kind === "integer") return form.value;
  throw readError(form.source, form.start, "This cannot be the key of a map.", {
    expected: "a keyword, a string or an integer",
    end: form.end,
  });
}
