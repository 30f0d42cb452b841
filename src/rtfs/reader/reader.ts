import type { CcosError} from "../../kernel/index.ts";
import { isCcosError } from "../../kernel/index.ts";
import type { Form } from "../forms.ts";
import { Source } from "../source.ts";
import { Float } from "../values.ts";
import { readAtom } from "./atoms.ts";
import { endsToken, isSpace } from "./characters.ts";
import {
  CLOSING,
  OPENING,
  PREFIX_TEXT,
  isBracket,
  unclosed,
  type Bracket,
  type Open,
  type Prefix,
} from "./open-form.ts";
import { readError } from "./read-error.ts";
import { readString } from "./strings.ts";

export interface ReadOptions {
  /** Named in the places of errors. */
  readonly file?: string | undefined;
  /** How deep forms may nest, 1 to 1000. Default 500: deeper source is a mistake or an attack. */
  readonly maxNesting?: number | undefined;
}

export interface ReadResult {
  readonly forms: Form[];
  /** At most 20; where there are any, the forms are those that could be read. */
  readonly errors: CcosError[];
  readonly source: Source;
}

export const DEFAULT_MAX_NESTING = 500;
// What later stages, which follow the nesting of forms by recursion, can take.
const HIGHEST_MAX_NESTING = 1000;
const MOST_ERRORS = 20;

/** Reads a text: all its forms, and every mistake found. Never throws. */
export function read(text: string | Source, options: ReadOptions = {}): ReadResult {
  const source = typeof text === "string" ? new Source(text, options.file) : text;
  const maxNesting = Math.min(options.maxNesting ?? DEFAULT_MAX_NESTING, HIGHEST_MAX_NESTING);
  return new Reader(source, maxNesting).readAll();
}

/** The same where one mistake is enough: throws the first, with the others in its `details.more`. */
export function readProgram(text: string | Source, options: ReadOptions = {}): Form[] {
  const { forms, errors } = read(text, options);
  const [first, ...others] = errors;
  if (first === undefined) return forms;
  throw others.length === 0 ? first : first.with({ details: { more: others.map((error) => error.toJSON()) } });
}

class Reader {
  readonly #source: Source;
  readonly #text: string;
  readonly #maxNesting: number;
  #at: number;
  #open: Open | undefined;
  #nesting = 0;
  #shortFunctions = 0;

  constructor(source: Source, maxNesting: number) {
    this.#source = source;
    this.#text = source.text;
    this.#maxNesting = maxNesting;
    this.#at = source.text.charCodeAt(0) === 0xfeff ? 1 : 0;
  }

  readAll(): ReadResult {
    const forms: Form[] = [];
    const errors: CcosError[] = [];
    while (errors.length < MOST_ERRORS) {
      try {
        const form = this.#readForm();
        if (form === undefined) break;
        forms.push(form);
      } catch (error) {
        if (!isCcosError(error)) throw error;
        errors.push(error);
        this.#recover();
      }
    }
    return { forms, errors, source: this.#source };
  }

  /** Goes on at the next line that begins like a top-level form. */
  #recover(): void {
    // At the end of the text some form was left open: what follows its first line may be sound.
    let from = this.#at;
    if (from >= this.#text.length) {
      let open = this.#open;
      while (open?.outer !== undefined) open = open.outer;
      if (open !== undefined) from = open.start;
    }
    this.#open = undefined;
    this.#nesting = 0;
    this.#shortFunctions = 0;
    const next = /\n(?=[([{^])/g;
    next.lastIndex = from;
    const match = next.exec(this.#text);
    this.#at = match === null ? this.#text.length : match.index + 1;
  }

  /** The next top-level form; undefined at the end of the text. */
  #readForm(): Form | undefined {
    const text = this.#text;
    for (;;) {
      this.#skipSpace();
      const at = this.#at;
      if (at >= text.length) {
        if (this.#open !== undefined) throw unclosed(this.#source, this.#open);
        return undefined;
      }
      let form: Form | undefined;
      switch (text.charCodeAt(at)) {
        case 0x28:
          form = this.#begin("list", 1);
          break;
        case 0x5b:
          form = this.#begin("vector", 1);
          break;
        case 0x7b:
          form = this.#begin("map", 1);
          break;
        case 0x29:
        case 0x5d:
        case 0x7d:
          form = this.#close();
          break;
        case 0x22:
          form = readString(this.#source, at);
          this.#at = form.end;
          break;
        case 0x27:
          form = this.#begin("quote", 1);
          break;
        case 0x60:
          form = this.#begin("quasiquote", 1);
          break;
        case 0x7e:
          form = text.charCodeAt(at + 1) === 0x40 ? this.#begin("unquote-splicing", 2) : this.#begin("unquote", 1);
          break;
        case 0x5e:
          form = this.#begin("annotated", 1);
          break;
        case 0x23:
          form = this.#readHash();
          break;
        case 0x40:
          form = this.#readContextRef();
          break;
        default:
          form = readAtom(this.#source, at);
          this.#at = form.end;
      }
      if (form === undefined) continue;
      const done = this.#deliver(form);
      if (done !== undefined) return done;
    }
  }

  /** Skips white space and comments. */
  #skipSpace(): void {
    const text = this.#text;
    let at = this.#at;
    for (;;) {
      const code = text.charCodeAt(at);
      if (isSpace(code)) at++;
      else if (code === 0x3b) {
        const end = text.indexOf("\n", at);
        at = end === -1 ? text.length : end + 1;
      } else if (code === 0x23 && text.charCodeAt(at + 1) === 0x7c) {
        const end = text.indexOf("|#", at + 2);
        if (end === -1) {
          this.#at = text.length;
          throw readError(this.#source, at, "This block comment is not closed.", { expected: "|#", end: at + 2 });
        }
        at = end + 2;
      } else break;
    }
    this.#at = at;
  }

  #begin(kind: Bracket | Prefix, length: number): undefined {
    const start = this.#at;
    if (++this.#nesting > this.#maxNesting) {
      throw readError(this.#source, start, `Forms nest deeper than ${this.#maxNesting} levels.`, {
        expected: `at most ${this.#maxNesting} levels of nesting`,
        remedy: "Name inner parts with let or def.",
      });
    }
    this.#open = { kind, start, items: [], outer: this.#open };
    this.#at += length;
    return undefined;
  }

  /** Puts a form where it belongs, closing prefixes on the way; gives it back when it is a top-level one. */
  #deliver(form: Form): Form | undefined {
    let current = form;
    for (;;) {
      const open = this.#open;
      if (open === undefined) return current;
      open.items.push(current);
      if (isBracket(open.kind)) return undefined;
      const made = this.#completePrefix(open, open.kind);
      if (made === undefined) return undefined;
      this.#open = open.outer;
      this.#nesting--;
      current = made;
    }
  }

  #completePrefix(open: Open, kind: Prefix): Form | undefined {
    const source = this.#source;
    const [first, second, third, fourth] = open.items as [Form, ...Form[]];
    const last = open.items[open.items.length - 1] as Form;
    const at = { source, start: open.start, end: last.end };
    if (kind !== "annotated") return { kind, ...at, form: first };
    if (first.kind === "map") return second && { kind, ...at, annotation: first, form: second };
    if (first.kind !== "keyword" || first.name !== "delegation") {
      throw readError(source, open.start, "^ is followed by a map, or by :delegation.", {
        expected: "^{:key value} form, or ^:delegation :local form",
        end: first.end,
      });
    }
    if (second === undefined) return undefined;
    const where = second.kind === "keyword" ? second.name : "";
    if (where === "local") {
      if (third === undefined) return undefined;
      const annotation: Form = { kind: "vector", source, start: first.start, end: second.end, items: [first, second] };
      return { kind, ...at, annotation, form: third };
    }
    if (where !== "local-model" && where !== "remote") {
      throw readError(source, second.start, "A delegation is :local, :local-model or :remote.", {
        expected: ':local, :local-model "id" or :remote "id"',
        end: second.end,
      });
    }
    if (third === undefined) return undefined;
    if (third.kind !== "string") {
      throw readError(source, third.start, `:${where} needs the id of a model.`, {
        expected: "a string",
        end: third.end,
      });
    }
    if (fourth === undefined) return undefined;
    const items = [first, second, third];
    const annotation: Form = { kind: "vector", source, start: first.start, end: third.end, items };
    return { kind, ...at, annotation, form: fourth };
  }

  #close(): Form {
    const source = this.#source;
    const at = this.#at;
    const character = this.#text.charAt(at);
    const open = this.#open;
    this.#at = at + 1;
    if (open === undefined) {
      throw readError(source, at, `Unexpected ${character}: nothing is open here.`, { expected: "a form" });
    }
    if (!isBracket(open.kind)) {
      throw readError(source, open.start, `${PREFIX_TEXT[open.kind]} stands before a form, and none follows.`, {
        expected: "a form",
      });
    }
    if (CLOSING[open.kind] !== character) {
      const place = source.place(open.start);
      throw readError(source, at, `Unexpected ${character}.`, {
        expected: `${CLOSING[open.kind]}, to close the ${OPENING[open.kind]} at ${place.line}:${place.column}`,
      });
    }
    this.#open = open.outer;
    this.#nesting--;
    const range = { source, start: open.start, end: at + 1 };
    if (open.kind === "short-fn") this.#shortFunctions--;
    if (open.kind === "map") return { kind: "map", ...range, entries: this.#entries(open) };
    return { kind: open.kind, ...range, items: open.items };
  }

  #entries(open: Open): [Form, Form][] {
    const { items } = open;
    const entries: [Form, Form][] = [];
    for (let index = 0; index < items.length; index += 2) {
      let key = items[index] as Form;
      const last = entries[entries.length - 1];
      if (key.kind === "symbol" && key.name === "?" && last !== undefined) {
        // In a compact record type, `{:k T ?}`, the mark after a type makes its key optional.
        last[1] = optionalType(last[1], key);
        if (++index === items.length) break;
        key = items[index] as Form;
      }
      const value = items[index + 1];
      if (key.kind !== "keyword" && key.kind !== "string" && key.kind !== "integer") {
        // `{:a 1 & rest}` and `{name :key}` are patterns; the analyzer refuses them where a value is meant.
        if (key.kind !== "symbol" || key.name === ":") {
          throw readError(this.#source, key.start, "This cannot be the key of a map.", {
            expected: "a keyword, a string or an integer",
            remedy: key.kind === "symbol" ? 'Write {"key" value}, without a colon between.' : undefined,
            end: key.end,
          });
        }
      }
      if (value?.kind === "symbol" && value.name === ":") {
        throw readError(this.#source, value.start, "No colon stands between a key and its value.", {
          expected: "a value",
          remedy: 'Write {"key" value}, or {:key value}.',
        });
      }
      if (value === undefined) {
        throw readError(this.#source, key.start, "This key has no value: a map needs an even number of forms.", {
          expected: "a value",
          end: key.end,
        });
      }
      entries.push([key, value]);
    }
    return entries;
  }

  #readHash(): Form | undefined {
    const text = this.#text;
    const source = this.#source;
    const at = this.#at;
    const next = text.charAt(at + 1);
    if (next === "(") {
      if (this.#shortFunctions > 0) {
        throw readError(source, at, "A short function #(…) cannot stand inside another.", {
          expected: "(fn [x] …)",
          remedy: "Write the inner or the outer one with fn.",
          end: at + 2,
        });
      }
      this.#shortFunctions++;
      return this.#begin("short-fn", 2);
    }
    if (next === "#") {
      for (const [name, value] of SPECIAL_FLOATS) {
        const end = at + 2 + name.length;
        if (text.startsWith(name, at + 2) && endsToken(text.charCodeAt(end))) {
          this.#at = end;
          return { kind: "float", source, start: at, end, value: new Float(value) };
        }
      }
      throw readError(source, at, "Unknown number after ##.", { expected: "##Inf, ##-Inf or ##NaN", end: at + 2 });
    }
    throw readError(source, at, "Unexpected #.", {
      expected: "#( for a short function, or #| for a comment",
      remedy:
        next === "{" ? "There are no sets; use a vector." : next === "_" ? "Use ; or #| |# to comment out." : undefined,
      end: at + 2,
    });
  }

  #readContextRef(): Form {
    const source = this.#source;
    const start = this.#at;
    let at = start + 1;
    const isName = this.#text.charAt(at) === ":";
    if (isName) at++;
    const code = this.#text.charCodeAt(at);
    const symbol = Number.isNaN(code) || isSpace(code) ? undefined : readAtom(source, at);
    if (symbol?.kind !== "symbol" || symbol.name === ":") {
      throw readError(source, start, "@ is followed by a name.", { expected: "a name, as in @user" });
    }
    this.#at = symbol.end;
    const range = { source, start, end: symbol.end };
    return isName
      ? { kind: "symbol", ...range, name: symbol.name }
      : { kind: "context-ref", ...range, name: symbol.name };
  }
}

function optionalType(type: Form, mark: Form): Form {
  const { source, start } = type;
  const head: Form = { kind: "keyword", source, start: mark.start, end: mark.end, name: "optional" };
  return { kind: "vector", source, start, end: mark.end, items: [head, type] };
}

const SPECIAL_FLOATS: readonly (readonly [string, number])[] = [
  ["Inf", Number.POSITIVE_INFINITY],
  ["-Inf", Number.NEGATIVE_INFINITY],
  ["NaN", Number.NaN],
];
