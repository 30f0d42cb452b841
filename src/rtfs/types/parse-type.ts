import { didYouMean, type ErrorPlace } from "../../kernel/index.ts";
import type { Form, FormOf } from "../forms.ts";
import { keyword } from "../values.ts";
import { literalOfForm } from "./literal.ts";
import { isPredicateName, parsePredicate } from "./parse-predicate.ts";
import {
  ANY,
  DEEPEST_TYPE,
  optionalType,
  primitive,
  sequenceType,
  type Literal,
  type Predicate,
  type RecordEntry,
  type RecordKey,
  type Type,
} from "./type.ts";
import { primitiveNamed, TYPE_NAMES } from "./type-names.ts";

export interface TypeFormProblem {
  /** An error makes the type unusable; after a warning the part reads as `:any`, or is not checked. */
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly place: ErrorPlace;
}

export interface ParsedType {
  readonly type: Type;
  /** At most 50. */
  readonly problems: readonly TypeFormProblem[];
}

/** A type as capability files and schemas write it: an unknown name reads as `:any`, with a warning. */
export function parseType(form: Form): ParsedType {
  return parseWith(form, false);
}

/** A type as an annotation of a program: an unknown name is an error, for a misspelt one would check nothing. */
export function parseAnnotationType(form: Form): ParsedType {
  return parseWith(form, true);
}

function parseWith(form: Form, strict: boolean): ParsedType {
  const context = new TypeContext(strict);
  const type = context.type(form, 0);
  return { type, problems: context.problems };
}

const MOST_PROBLEMS = 50;

/** A lone `?`, which marks what stands before it as optional. */
export function isOptionalMark(form: Form | undefined): boolean {
  return form?.kind === "symbol" && form.name === "?";
}

export class TypeContext {
  readonly problems: TypeFormProblem[] = [];
  readonly strict: boolean;

  constructor(strict: boolean) {
    this.strict = strict;
  }

  error(form: Form, message: string): void {
    this.add("error", form, message);
  }

  /** An error where the type belongs to a program, else a warning. */
  doubt(form: Form, message: string): void {
    this.add(this.strict ? "error" : "warning", form, message);
  }

  private add(severity: "error" | "warning", form: Form, message: string): void {
    if (this.problems.length >= MOST_PROBLEMS) return;
    this.problems.push({ severity, message, place: form.source.place(form.start) });
  }

  type(form: Form, depth: number): Type {
    if (depth > DEEPEST_TYPE) {
      this.error(form, `A type is nested more than ${DEEPEST_TYPE} levels deep.`);
      return ANY;
    }
    switch (form.kind) {
      case "keyword":
      case "symbol":
        return this.named(form, form.name);
      case "nil":
        return primitive("nil");
      case "vector":
        return this.compound(form, form.items, depth);
      case "map":
        return { kind: "record", entries: this.compactEntries(form, depth), rest: undefined };
      case "list":
        this.doubt(form, "A type written as a call is not checked: write it as a vector, such as [:map [:a :string]].");
        return ANY;
      case "string":
        return this.named(form, form.value.replace(/^:/, ""));
      default:
        this.error(form, "A type is a keyword, a symbol, a vector or a map.");
        return ANY;
    }
  }

  private named(form: Form, name: string): Type {
    const optional = name.endsWith("?") && name.length > 1;
    const kind = primitiveNamed(optional ? name.slice(0, -1) : name);
    if (kind === undefined) {
      const hint = didYouMean(name, TYPE_NAMES);
      const shown = name.length > 80 ? `${name.slice(0, 79)}…` : name;
      this.doubt(
        form,
        `Unknown type :${shown}${this.strict ? "" : "; it is read as :any"}.${hint === "" ? "" : ` ${hint}`}`,
      );
      return ANY;
    }
    return optional ? optionalType(primitive(kind)) : primitive(kind);
  }

  /** Types in a row, each perhaps followed by a lone `?`. */
  private types(items: readonly Form[], depth: number): Type[] {
    const types: Type[] = [];
    for (let index = 0; index < items.length; index++) {
      let type = this.type(items[index] as Form, depth);
      if (isOptionalMark(items[index + 1])) {
        type = optionalType(type);
        index++;
      }
      types.push(type);
    }
    return types.slice();
  }

  private compound(form: Form, items: readonly Form[], depth: number): Type {
    const head = items[0];
    if (head === undefined || head.kind !== "keyword") {
      this.error(form, "A type in brackets starts with a keyword, such as [:vector :int].");
      return ANY;
    }
    const rest = items.slice(1);
    const inner = depth + 1;
    switch (head.name) {
      case "vector":
      case "list":
        return this.one(form, rest, inner, sequenceType);
      case "array":
        return this.array(form, rest, inner);
      case "tuple":
        return { kind: "tuple", items: this.types(rest, inner) };
      case "map":
      case "record":
        return this.record(rest, inner);
      case "map-of":
      case "dict": {
        const [key, value, ...more] = this.types(rest, inner);
        if (key === undefined || value === undefined || more.length > 0) return this.arity(form, "[:map-of K V]");
        return { kind: "map-of", key, value };
      }
      case "union":
      case "or": {
        const types = this.types(rest, inner);
        if (types.length === 0) return this.arity(form, "[:union T1 T2]");
        return { kind: "union", types };
      }
      case "optional":
      case "maybe":
        return this.one(form, rest, inner, optionalType);
      case "enum": {
        const values = rest.map((item) => this.literal(item));
        if (values.length === 0) return this.arity(form, "[:enum A B]");
        return { kind: "enum", values };
      }
      case "val":
        if (rest.length !== 1) return this.arity(form, "[:val X]");
        return { kind: "literal", value: this.literal(rest[0] as Form) };
      case "and":
        return this.and(form, rest, inner);
      case "fn":
      case "=>":
        return this.signature(form, rest, inner);
      case "resource":
        return this.resource(form, rest);
      default: {
        if (isPredicateName(head.name)) return this.and(form, [form], inner);
        // `[:string]` and `[:string ?]` mean the named type.
        if (
          primitiveNamed(head.name) !== undefined &&
          (rest.length === 0 || (rest.length === 1 && isOptionalMark(rest[0])))
        ) {
          const type = this.named(head, head.name);
          return rest.length === 0 ? type : optionalType(type);
        }
        this.named(head, head.name);
        return ANY;
      }
    }
  }

  private arity(form: Form, expected: string): Type {
    this.error(form, `Malformed type: expected ${expected}.`);
    return ANY;
  }

  private one(form: Form, rest: readonly Form[], depth: number, make: (type: Type) => Type): Type {
    const types = this.types(rest, depth);
    return types.length === 1 ? make(types[0] as Type) : this.arity(form, "exactly one type inside");
  }

  private literal(form: Form): Literal {
    const value = literalOfForm(form);
    if (value === undefined) {
      this.error(
        form,
        "A value of :enum or :val is a literal: nil, a boolean, number, string, keyword, or data made of these.",
      );
      return null;
    }
    return value;
  }

  private array(form: Form, rest: readonly Form[], depth: number): Type {
    const shape = rest.at(-1);
    if (rest.length > 1 && shape?.kind === "vector") {
      const [item, ...more] = this.types(rest.slice(0, -1), depth);
      const size = shape.items[0];
      // Only the first dimension is checked; the others belong to nested arrays.
      const length = size?.kind === "integer" ? Number(size.value) : undefined;
      if (
        item !== undefined &&
        more.length === 0 &&
        shape.items.length > 0 &&
        (length !== undefined || isOptionalMark(size))
      ) {
        if (length === undefined || length >= 0) return { kind: "sequence", item, length };
      }
    }
    return this.arity(form, "[:array T [N]] or [:array T [?]]");
  }

  private record(rest: readonly Form[], depth: number): Type {
    const entries: RecordEntry[] = [];
    let others: Type | undefined;
    for (const item of rest) {
      if (item.kind === "map") {
        entries.push(...this.compactEntries(item, depth));
        continue;
      }
      if (item.kind !== "vector") {
        this.error(item, "An entry of a map type is written [:key Type] or [:key Type ?].");
        continue;
      }
      const [keyForm, typeForm, mark] = item.items;
      if (
        keyForm === undefined ||
        typeForm === undefined ||
        item.items.length > 3 ||
        (mark !== undefined && !isOptionalMark(mark))
      ) {
        this.error(item, "An entry of a map type is written [:key Type] or [:key Type ?].");
        continue;
      }
      if (keyForm.kind === "keyword" && keyForm.name === "*") {
        others = this.type(typeForm, depth);
        continue;
      }
      const entry = this.entry(keyForm, typeForm, mark !== undefined, depth);
      if (entry !== undefined) entries.push(entry);
    }
    return { kind: "record", entries: lastOfEach(entries), rest: others };
  }

  private compactEntries(form: FormOf<"map">, depth: number): RecordEntry[] {
    const entries: RecordEntry[] = [];
    for (const [keyForm, valueForm] of form.entries) {
      const entry = this.entry(keyForm, valueForm, false, depth + 1);
      if (entry !== undefined) entries.push(entry);
    }
    return lastOfEach(entries);
  }

  private entry(keyForm: Form, typeForm: Form, marked: boolean, depth: number): RecordEntry | undefined {
    const key = this.key(keyForm);
    if (key === undefined) return undefined;
    const type = this.type(typeForm, depth);
    return { key, type, optional: marked || type.kind === "optional" };
  }

  key(form: Form): RecordKey | undefined {
    if (form.kind === "keyword") return keyword(form.name);
    if (form.kind === "string" || form.kind === "integer") return form.value;
    this.error(form, "A key of a map type is a keyword, a string or an integer.");
    return undefined;
  }

  private and(form: Form, rest: readonly Form[], depth: number): Type {
    const types: Type[] = [];
    const predicates: Predicate[] = [];
    for (const item of rest) {
      const head = item.kind === "vector" ? item.items[0] : undefined;
      if (item.kind === "vector" && head?.kind === "keyword" && isPredicateName(head.name)) {
        const predicate = parsePredicate(this, item, head.name, item.items.slice(1));
        if (predicate !== undefined) predicates.push(predicate);
      } else if (types.length > 0 && item.kind === "vector" && head?.kind === "keyword" && !isCompoundName(head.name)) {
        this.error(item, `Unknown predicate [:${head.name.slice(0, 80)} …].`);
      } else if (isOptionalMark(item) && types.length > 0) {
        types.push(optionalType(types.pop() as Type));
      } else {
        types.push(this.type(item, depth));
      }
    }
    if (types.length === 0 && predicates.length === 0) return this.arity(form, "[:and T predicate …]");
    if (types.length === 1 && predicates.length === 0) return types[0] as Type;
    return { kind: "and", types: types.length === 0 ? [ANY] : types, predicates };
  }

  private signature(form: Form, rest: readonly Form[], depth: number): Type {
    const [parameters, ...result] = rest;
    if (parameters?.kind !== "vector" || result.length === 0) return this.arity(form, "[:fn [A B & C] R]");
    const split = parameters.items.findIndex((item) => item.kind === "symbol" && item.name === "&");
    const fixed = split === -1 ? parameters.items : parameters.items.slice(0, split);
    const variadic = split === -1 ? [] : this.types(parameters.items.slice(split + 1), depth);
    const results = this.types(result, depth);
    if (results.length !== 1 || (split !== -1 && variadic.length !== 1)) return this.arity(form, "[:fn [A B & C] R]");
    return {
      kind: "signature",
      parameters: this.types(fixed, depth),
      rest: variadic[0],
      result: results[0] as Type,
    };
  }

  private resource(form: Form, rest: readonly Form[]): Type {
    const [name, ...more] = rest;
    if (name === undefined || more.length > 0) return this.arity(form, "[:resource Name]");
    if (name.kind === "symbol" || name.kind === "keyword") return { kind: "resource", name: name.name };
    if (name.kind === "string") return { kind: "resource", name: name.value };
    return this.arity(form, "[:resource Name]");
  }
}

const COMPOUNDS = new Set(
  "vector list array tuple map record map-of dict union or optional maybe enum val and fn => resource".split(" "),
);

function isCompoundName(name: string): boolean {
  return COMPOUNDS.has(name) || primitiveNamed(name) !== undefined;
}

/** As in a map literal, the last of two entries for one key counts; it keeps the place of the first. */
function lastOfEach(entries: RecordEntry[]): RecordEntry[] {
  if (entries.length < 16 && entries.every((entry, at) => entries.findIndex(({ key }) => key === entry.key) === at)) {
    // A copy has no room to grow, which a thousand schemas would keep.
    return entries.slice();
  }
  return [...new Map(entries.map((entry) => [entry.key, entry])).values()];
}
