import type { JsonValue } from "../../kernel/index.ts";
import { nearestNames } from "../../kernel/index.ts";
import { print } from "../printer.ts";
import { Keyword, type Value } from "../values.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import { printBound, printType } from "./print-type.ts";
import type { Literal, Predicate, RecordKey, Type } from "./type.ts";
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

class Findings {
  readonly problems: TypeProblem[] = [];
  readonly path: (string | number)[] = [];

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
          findings.add("mismatch", `expected one of ${listed(values)}, got ${shown(value, view)}${near(value, values, view)}`);
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
      const attempt = new Findings();
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

function compilePredicate<V>(predicate: Predicate, view: View<V>): Validator<V> {
  const holds = predicateTest(predicate, view);
  const wanted = lazy(() => describePredicate(predicate));
  return (value, findings) => {
    const verdict = holds(value);
    if (verdict !== true) findings.add("predicate", `expected ${wanted()}, got ${verdict === false ? shown(value, view) : verdict}`);
  };
}

/** True where the predicate holds; else false, or what was found instead. */
function predicateTest<V>(predicate: Predicate, view: View<V>): (value: V) => boolean | string {
  const compared = (test: (number: number | bigint) => boolean) => (value: V) => {
    const number = view.number(value);
    return number !== undefined && test(number);
  };
  const counted = (test: (count: number) => boolean, onlyStrings: boolean) => (value: V) => {
    const count = onlyStrings && view.string(value) === undefined ? undefined : view.count(value);
    return count !== undefined && (test(count) || `${count}`);
  };
  const matched = (pattern: Pattern | undefined) => (value: V) => {
    const text = view.string(value);
    return text !== undefined && (pattern === undefined || pattern(text));
  };
  switch (predicate.name) {
    case ">":
      return compared((number) => number > predicate.bound.value);
    case ">=":
      return compared((number) => number >= predicate.bound.value);
    case "<":
      return compared((number) => number < predicate.bound.value);
    case "<=":
      return compared((number) => number <= predicate.bound.value);
    case "in-range":
      return compared((number) => number >= predicate.low.value && number <= predicate.high.value);
    case "=":
      return (value) => view.equals(predicate.literal, value);
    case "!=":
      return (value) => !view.equals(predicate.literal, value);
    case "min-length":
      return counted((count) => count >= predicate.size, true);
    case "max-length":
      return counted((count) => count <= predicate.size, true);
    case "length":
      return counted((count) => count === predicate.size, true);
    case "min-count":
      return counted((count) => count >= predicate.size, false);
    case "max-count":
      return counted((count) => count <= predicate.size, false);
    case "count":
      return counted((count) => count === predicate.size, false);
    case "non-empty":
      return counted((count) => count > 0, false);
    case "matches-regex":
      return matched(compilePattern(predicate.pattern));
    case "is-url":
      return matched(isUrl);
    case "is-email":
      return matched(isEmail);
    case "required-keys":
      return (value) => {
        if (!view.isMap(value)) return false;
        const missing = predicate.keys.filter((key) => view.field(value, key) === undefined);
        return missing.length === 0 || `a map without ${missing.map(keyText).join(", ")}`;
      };
  }
}

function describePredicate(predicate: Predicate): string {
  switch (predicate.name) {
    case ">":
    case ">=":
    case "<":
    case "<=":
      return `${predicate.name} ${printBound(predicate.bound)}`;
    case "in-range":
      return `a number from ${printBound(predicate.low)} to ${printBound(predicate.high)}`;
    case "=":
    case "!=":
      return `${predicate.name} ${listed([predicate.literal])}`;
    case "min-length":
      return `at least ${predicate.size} characters`;
    case "max-length":
      return `at most ${predicate.size} characters`;
    case "length":
      return `exactly ${predicate.size} characters`;
    case "min-count":
      return `at least ${predicate.size} items`;
    case "max-count":
      return `at most ${predicate.size} items`;
    case "count":
      return `exactly ${predicate.size} items`;
    case "non-empty":
      return "something that is not empty";
    case "matches-regex":
      return `a text that matches ${shorten(JSON.stringify(predicate.pattern), 100)}`;
    case "is-url":
      return "a URL";
    case "is-email":
      return "an e-mail address";
    case "required-keys":
      return `the keys ${predicate.keys.map(keyText).join(", ")}`;
  }
}

function isUrl(text: string): boolean {
  return text.length <= 100_000 && /^[A-Za-z][A-Za-z0-9+.-]*:\/\/\S+$/.test(text) && URL.canParse(text);
}

function isEmail(text: string): boolean {
  return text.length <= 320 && /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/.test(text);
}

/** Whether the keys of a map type are integers, alone or among others. */
function needsInteger(type: Type): boolean {
  if (type.kind === "union") return type.types.some(needsInteger);
  return type.kind === "primitive" && type.name === "int";
}

function shown<V>(value: V, view: View<V>): string {
  const text = view.string(value);
  if (text !== undefined) return JSON.stringify(shorten(text, 60));
  const number = view.number(value);
  if (number !== undefined) return String(number);
  if (typeof value === "boolean") return String(value);
  return value instanceof Keyword ? `:${shorten(value.name, 60)}` : view.kind(value);
}

function listed(literals: readonly Literal[]): string {
  const some = literals.slice(0, 12).map((literal) => shorten(print(literal), 60));
  return some.join(", ") + (literals.length > some.length ? ", …" : "");
}

function near<V>(value: V, literals: readonly Literal[], view: View<V>): string {
  const text = view.string(value);
  if (text === undefined) return "";
  const names = literals.slice(0, 200).filter((literal) => typeof literal === "string");
  const [name] = nearestNames(text, names, 1);
  return name === undefined ? "" : ` (did you mean ${JSON.stringify(name)}?)`;
}

function keyText(key: RecordKey): string {
  return typeof key === "object" ? `:${key.name}` : print(key);
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function lazy<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
