import type { JsonValue } from "../../kernel/index.ts";
import { fail, nearestNames } from "../../kernel/index.ts";
import { effort, PARTS_A_REPORT } from "../effort.ts";
import type { Value } from "../values.ts";
import { describePredicate, predicateTest } from "./check-predicate.ts";
import { printType } from "./print-type.ts";
import { keyText, listed, shorten, shown } from "./show.ts";
import type { Literal, Predicate, Type } from "./type.ts";
import { JSON_VIEW, VALUE_VIEW, type View } from "./view.ts";

/** What is wrong with a value, and where in it. */
export interface TypeProblem {
  /** From the root, such as `.items[0].name`; empty for the value itself. */
  readonly path: string;
  /** Without the path, such as `expected :int, got string`. */
  readonly message: string;
  readonly kind: "mismatch" | "missing-key" | "predicate";
}

/** The problem as one sentence, such as `Type mismatch at .age: expected :int, got string`. */
export function describeProblem(problem: TypeProblem): string {
  const at = problem.path === "" ? "" : ` at ${problem.path}`;
  if (problem.kind === "missing-key") return `${problem.message.replace(/^m/, "M")}${at}`;
  return `${problem.kind === "predicate" ? "Predicate violation" : "Type mismatch"}${at}: ${problem.message}`;
}

/** Whether an RTFS value is of a type: no problems. At most 20 are given. */
export function checkType(type: Type, value: Value): TypeProblem[] {
  return run(validatorOf(type, VALUE_VIEW, valueValidators), value);
}

/** The same for JSON: `3.0` is an integer, and a keyword is its text. */
export function checkJson(type: Type, json: JsonValue): TypeProblem[] {
  return run(validatorOf(type, JSON_VIEW, jsonValidators), json);
}

const MOST_PROBLEMS = 20;
const NONE: TypeProblem[] = [];

/** Items looked at in one check. Values share their parts, so a type of some depth may meet one without end. */
const MOST_VISITS = 20_000_000;

class Findings {
  readonly problems: TypeProblem[] = [];
  readonly path: (string | number)[] = [];
  readonly #visits: { count: number };

  constructor(outer?: Findings) {
    this.#visits = outer === undefined ? { count: 0 } : outer.#visits;
  }

  /** Tells that another item of a collection is being looked at. */
  visit(): void {
    const count = ++this.#visits.count;
    if (count % PARTS_A_REPORT !== 0) return;
    effort.spend(PARTS_A_REPORT >>> 1);
    if (count > MOST_VISITS)
      fail("invalid-argument", `A value has more than ${MOST_VISITS} items, too many to check its type.`);
  }

  add(kind: TypeProblem["kind"], message: string): void {
    if (this.full) return;
    let text = "";
    for (const part of this.path) text += typeof part === "number" ? `[${part}]` : `.${shorten(part, 80)}`;
    this.problems.push({ path: shorten(text, 500), message, kind });
  }

  get full(): boolean {
    return this.problems.length >= MOST_PROBLEMS;
  }
}

type Validator<V> = (value: V, findings: Findings) => void;

// A type is checked on every call and built once, so what it compiles to is kept as long as the type itself.
const valueValidators = new WeakMap<Type, Validator<Value>>();
const jsonValidators = new WeakMap<Type, Validator<JsonValue>>();

function validatorOf<V>(type: Type, view: View<V>, kept: WeakMap<Type, Validator<V>>): Validator<V> {
  let validator = kept.get(type);
  if (validator === undefined) kept.set(type, (validator = compile(type, view)));
  return validator;
}

function run<V>(validator: Validator<V>, value: V): TypeProblem[] {
  const findings = new Findings();
  validator(value, findings);
  return findings.problems.length === 0 ? NONE.slice() : findings.problems;
}

function compile<V>(type: Type, view: View<V>): Validator<V> {
  const expected = lazy(() => shorten(printType(type), 200));
  const mismatch = (value: V, findings: Findings): void =>
    findings.add("mismatch", `expected ${expected()}, got ${view.kind(value)}`);

  switch (type.kind) {
    case "primitive": {
      if (type.name === "any") return () => {};
      const name = type.name;
      return (value, findings) => {
        if (!view.is(name, value)) mismatch(value, findings);
      };
    }
    case "optional": {
      const inner = compile(type.type, view);
      return (value, findings) => {
        if (!view.is("nil", value)) inner(value, findings);
      };
    }
    case "sequence": {
      const item = compile(type.item, view);
      return (value, findings) => {
        const items = view.items(value);
        if (items === undefined) return mismatch(value, findings);
        if (type.length !== undefined && view.count(value) !== type.length) {
          findings.add("mismatch", `expected ${type.length} items, got ${view.count(value)}`);
        }
        let index = 0;
        for (const each of items) {
          if (findings.full) return;
          findings.visit();
          findings.path.push(index++);
          item(each, findings);
          findings.path.pop();
        }
      };
    }
    case "tuple": {
      const parts = type.items.map((item) => compile(item, view));
      return (value, findings) => {
        const items = view.items(value);
        if (items === undefined) return mismatch(value, findings);
        if (view.count(value) !== parts.length) {
          findings.add("mismatch", `expected ${parts.length} items, got ${view.count(value)}`);
          return;
        }
        let index = 0;
        for (const each of items) {
          findings.visit();
          findings.path.push(index);
          (parts[index++] as Validator<V>)(each, findings);
          findings.path.pop();
        }
      };
    }
    case "record": {
      const fields = type.entries.map((entry) => ({
        key: entry.key,
        text: typeof entry.key === "object" ? entry.key.name : String(entry.key),
        optional: entry.optional,
        check: compile(entry.type, view),
      }));
      return (value, findings) => {
        if (!view.isMap(value)) return mismatch(value, findings);
        for (const field of fields) {
          const found = view.field(value, field.key);
          if (found === undefined) {
            if (!field.optional) findings.add("missing-key", `missing required key ${keyText(field.key)}`);
            continue;
          }
          findings.visit();
          findings.path.push(field.text);
          field.check(found, findings);
          findings.path.pop();
        }
      };
    }
    case "map-of": {
      const key = compile(type.key, view);
      const item = compile(type.value, view);
      const readsInteger = needsInteger(type.key);
      return (value, findings) => {
        if (!view.isMap(value)) return mismatch(value, findings);
        for (const [name, each] of view.entries(value)) {
          if (findings.full) return;
          findings.visit();
          findings.path.push(view.keyText(name));
          // A JSON object has only texts for keys: an integer key is decimal text there.
          if (!(readsInteger && view === (JSON_VIEW as unknown) && /^-?\d+$/.test(String(name)))) key(name, findings);
          item(each, findings);
          findings.path.pop();
        }
      };
    }
    case "union":
      return compileUnion(type.types, view, mismatch);
    case "enum": {
      const values = type.values;
      return (value, findings) => {
        if (!values.some((literal) => view.equals(literal, value))) {
          findings.add(
            "mismatch",
            `expected one of ${listed(values)}, got ${shown(value, view)}${near(value, values, view)}`,
          );
        }
      };
    }
    case "literal":
      return (value, findings) => {
        if (!view.equals(type.value, value)) {
          findings.add("mismatch", `expected ${listed([type.value])}, got ${shown(value, view)}`);
        }
      };
    case "and": {
      const checks = type.types.map((each) => compile(each, view));
      const predicates = type.predicates.map((each) => compilePredicate(each, view));
      return (value, findings) => {
        const before = findings.problems.length;
        for (const check of checks) check(value, findings);
        if (findings.problems.length > before) return;
        for (const predicate of predicates) predicate(value, findings);
      };
    }
    case "signature":
      return (value, findings) => {
        if (!view.is("fn", value)) mismatch(value, findings);
      };
    case "resource":
      return (value, findings) => {
        if (!view.is("string", value)) mismatch(value, findings);
      };
  }
}

function compileUnion<V>(
  types: readonly Type[],
  view: View<V>,
  mismatch: (value: V, findings: Findings) => void,
): Validator<V> {
  const alternatives = types.map((each) => compile(each, view));
  return (value, findings) => {
    let closest: Findings | undefined;
    let close = 0;
    for (const alternative of alternatives) {
      const attempt = new Findings(findings);
      alternative(value, attempt);
      if (attempt.problems.length === 0) return;
      // An alternative that only fails further inside is the one that was meant.
      if (attempt.problems.every((problem) => problem.path !== "" || problem.kind !== "mismatch")) {
        closest = attempt;
        close++;
      }
    }
    if (closest === undefined || close > 1) return mismatch(value, findings);
    const prefix = new Findings();
    prefix.path.push(...findings.path);
    prefix.add("mismatch", "");
    const at = prefix.problems[0]?.path ?? "";
    for (const problem of closest.problems) {
      if (!findings.full) findings.problems.push({ ...problem, path: at + problem.path });
    }
  };
}

/** Whether the keys of a map type are integers, alone or among others. */
function needsInteger(type: Type): boolean {
  if (type.kind === "union") return type.types.some(needsInteger);
  return type.kind === "primitive" && type.name === "int";
}

function compilePredicate<V>(predicate: Predicate, view: View<V>): Validator<V> {
  const holds = predicateTest(predicate, view);
  const wanted = lazy(() => describePredicate(predicate));
  return (value, findings) => {
    const verdict = holds(value);
    if (verdict !== true)
      findings.add("predicate", `expected ${wanted()}, got ${verdict === false ? shown(value, view) : verdict}`);
  };
}

function near<V>(value: V, literals: readonly Literal[], view: View<V>): string {
  const text = view.string(value);
  if (text === undefined) return "";
  const names = literals.slice(0, 200).filter((literal) => typeof literal === "string");
  const [name] = nearestNames(text, names, 1);
  return name === undefined ? "" : ` (did you mean ${JSON.stringify(name)}?)`;
}

function lazy<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
