import { equals } from "../equality.ts";
import { resumeWith, SUSPEND, type Frame, type Node } from "../evaluator/machine.ts";
import { raise } from "../evaluator/raise.ts";
import type { Form, FormOf } from "../forms.ts";
import { formToValue } from "../form-values.ts";
import { print, printWithin } from "../printer.ts";
import { List, RtfsMap, Vector, type Value } from "../values.ts";
import { bindSlot, checkBindable, mapParts, vectorParts, type Binder } from "./patterns.ts";
import { isNamed, isSymbol, syntaxError, type Scope } from "./scope.ts";
import { rest } from "./sequence.ts";

/** Whether a value matches; on the way, binds the names of the pattern. */
type Matcher = (frame: Frame, value: Value) => boolean;

interface Clause {
  readonly matches: Matcher;
  readonly guard: Node | undefined;
  readonly body: Node;
}

/** `(match value pattern body … pattern when guard body …)` */
export function analyzeMatch(form: FormOf<"list">, scope: Scope): Node {
  const [subject, ...items] = rest(form);
  if (subject === undefined || items.length === 0) {
    throw syntaxError(form, "match needs a value and at least one clause.", "(match value pattern body …)");
  }
  const value = scope.analyze(subject);
  const clauses: Clause[] = [];
  for (let at = 0; at < items.length;) {
    const inner = scope.block();
    const pattern = items[at] as Form;
    const matches = matcher(pattern, inner);
    const guarded = isNamed(items[at + 1], "when") && items.length > at + 3;
    const guardForm = guarded ? items[at + 2] : undefined;
    const bodyForm = items[guarded ? at + 3 : at + 1];
    if (bodyForm === undefined) throw syntaxError(pattern, "This clause has no body.", "a form after the pattern");
    const guard = guardForm === undefined ? undefined : inner.analyze(guardForm);
    clauses.push({ matches, guard, body: inner.analyze(bodyForm) });
    at += guarded ? 4 : 2;
  }
  const matchFrom = (frame: Frame, given: Value, from: number): Value => {
    for (let index = from; index < clauses.length; index++) {
      const { matches, guard, body } = clauses[index] as Clause;
      if (!matches(frame, given)) continue;
      if (guard === undefined) return body(frame);
      const verdict = guard(frame);
      if (verdict === SUSPEND) {
        return resumeWith((late) =>
          late === null || late === false ? matchFrom(frame, given, index + 1) : body(frame),
        );
      }
      if (verdict !== null && verdict !== false) return body(frame);
    }
    return raise("MatchError", `No clause of match fits ${shortened(given)}`, form);
  };
  return (frame) => {
    const given = value(frame);
    return given === SUSPEND ? resumeWith((late) => matchFrom(frame, late, 0)) : matchFrom(frame, given, 0);
  };
}

function shortened(value: Value): string {
  const size =
    value instanceof Vector || value instanceof List ? value.length : value instanceof RtfsMap ? value.size : 0;
  const text = typeof value === "string" ? print(value.slice(0, 100)) : printWithin(value, 10_000);
  if (text === undefined || size > 20) return `a collection of ${size} items`;
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}

function matcher(form: Form, scope: Scope): Matcher {
  switch (form.kind) {
    case "symbol": {
      checkBindable(form);
      if (form.name === "_") return () => true;
      return always(bindSlot(scope.declare(form.name)));
    }
    case "vector":
      return vectorMatcher(form, scope);
    case "map":
      return mapMatcher(form, scope);
    case "list":
      return listMatcher(form, scope);
    case "nil":
    case "boolean":
    case "integer":
    case "float":
    case "string":
    case "text-literal":
    case "keyword":
    case "quote": {
      const literal = formToValue(form.kind === "quote" ? form.form : form);
      return (_frame, value) => equals(literal, value);
    }
    default:
      throw syntaxError(form, "This is no pattern.", "a literal, a name, a [vector] or a {map} pattern");
  }
}

function always(bind: Binder): Matcher {
  return (frame, value) => {
    bind(frame, value);
    return true;
  };
}

/** `(:as name pattern)` is the only list that is a pattern. */
function listMatcher(form: FormOf<"list">, scope: Scope): Matcher {
  const [head, name, pattern, extra] = form.items;
  if (
    head?.kind !== "keyword" ||
    head.name !== "as" ||
    !isSymbol(name) ||
    pattern === undefined ||
    extra !== undefined
  ) {
    throw syntaxError(
      form,
      "This is no pattern; types cannot be matched.",
      "(:as name pattern)",
      "Test the type in a guard: x when (int? x).",
    );
  }
  const bind = bindSlot(scope.declare(name.name));
  const inner = matcher(pattern, scope);
  return (frame, value) => {
    bind(frame, value);
    return inner(frame, value);
  };
}

function vectorMatcher(form: FormOf<"vector">, scope: Scope): Matcher {
  const head = form.items[0];
  if (head?.kind === "keyword" && TYPE_HEADS.has(head.name)) {
    throw syntaxError(
      form,
      "Types cannot be matched.",
      "a pattern of values",
      "Test the type in a guard: x when (int? x).",
    );
  }
  const parts = vectorParts(form);
  const matchers = parts.items.map((item) => matcher(item, scope));
  const bindRest = binderOf(parts.rest, scope);
  const bindWhole = binderOf(parts.whole, scope);
  const count = matchers.length;
  return (frame, value) => {
    if (!(value instanceof Vector || value instanceof List)) return false;
    if (value.length < count || (value.length > count && parts.rest === undefined)) return false;
    for (let index = 0; index < count; index++) {
      if (!(matchers[index] as Matcher)(frame, value.at(index))) return false;
    }
    bindRest?.(frame, new Vector(value.slice(count).toArray()));
    bindWhole?.(frame, value);
    return true;
  };
}

const TYPE_HEADS: ReadonlySet<string> = new Set(["union", "map-of", "optional", "enum"]);

function mapMatcher(form: FormOf<"map">, scope: Scope): Matcher {
  const parts = mapParts(form);
  const matchers = parts.entries.map(([key, pattern]) => [key, matcher(pattern, scope)] as const);
  const keys = parts.entries.map(([key]) => key);
  const bindRest = binderOf(parts.rest, scope);
  const bindWhole = binderOf(parts.whole, scope);
  return (frame, value) => {
    if (!(value instanceof RtfsMap)) return false;
    for (const [key, matches] of matchers) {
      const item = value.get(key);
      if (item === undefined || !matches(frame, item)) return false;
    }
    bindRest?.(frame, value.without(...keys));
    bindWhole?.(frame, value);
    return true;
  };
}

function binderOf(name: FormOf<"symbol"> | undefined, scope: Scope): Binder | undefined {
  return name === undefined || name.name === "_" ? undefined : bindSlot(scope.declare(name.name));
}
