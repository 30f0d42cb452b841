import type { CcosError } from "../../kernel/index.ts";
import { isCcosError } from "../../kernel/index.ts";
import type { Form } from "../forms.ts";
import { Source } from "../source.ts";
import { readAtom } from "./atoms.ts";
import { isSpace } from "./characters.ts";
import { entriesOf } from "./entries.ts";
import { readContextRef, readSpecialFloat, unexpectedHash } from "./hash.ts";
import {
  CLOSING,
  OPENING,
  completePrefix,
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
  /** Outermost first. */
  readonly #open: Open[] = [];
  /** The forms read that are not yet inside another: top-level ones, then those of each open form in turn. */
  readonly #forms: Form[] = [];
  /** How many of them count; what stands beyond has been put into a form. */
  #count = 0;
  #shortFunctions = 0;

  constructor(source: Source, maxNesting: number) {
    this.#source = source;
    this.#text = source.text;
    this.#maxNesting = maxNesting;
    this.#at = source.text.charCodeAt(0) === 0xfeff ? 1 : 0;
  }

  readAll(): ReadResult {
    const errors: CcosError[] = [];
    while (errors.length < MOST_ERRORS) {
      try {
        this.#readToEnd();
        break;
      } catch (error) {
        if (!isCcosError(error)) throw error;
        errors.push(error);
        this.#recover();
      }
    }
    this.#forms.length = this.#count;
    return { forms: this.#forms, errors, source: this.#source };
  }

  /** Goes on at the next line that begins like a top-level form. */
  #recover(): void {
    // At the end of the text some form was left open: what follows its first line may be sound.
    let from = this.#at;
    const [outermost] = this.#open;
    if (outermost !== undefined) {
      if (from >= this.#text.length) from = outermost.start;
      this.#count = outermost.base;
    }
    this.#open.length = 0;
    this.#shortFunctions = 0;
    const next = /\n(?=[([{^])/g;
    next.lastIndex = from;
    const match = next.exec(this.#text);
    this.#at = match === null ? this.#text.length : match.index + 1;
  }

  #readToEnd(): void {
    const text = this.#text;
    const { length } = text;
    for (;;) {
      this.#skipSpace();
      const at = this.#at;
      if (at >= length) {
        const innermost = this.#open[this.#open.length - 1];
        if (innermost !== undefined) throw unclosed(this.#source, innermost);
        return;
      }
      switch (text.charCodeAt(at)) {
        case 0x28:
          this.#begin("list", 1);
          break;
        case 0x5b:
          this.#begin("vector", 1);
          break;
        case 0x7b:
          this.#begin("map", 1);
          break;
        case 0x29:
        case 0x5d:
        case 0x7d:
          this.#deliver(this.#close());
          break;
        case 0x22:
          this.#take(readString(this.#source, at));
          break;
        case 0x27:
          this.#begin("quote", 1);
          break;
        case 0x60:
          this.#begin("quasiquote", 1);
          break;
        case 0x7e:
          if (text.charCodeAt(at + 1) === 0x40) this.#begin("unquote-splicing", 2);
          else this.#begin("unquote", 1);
          break;
        case 0x5e:
          this.#begin("annotated", 1);
          break;
        case 0x23:
          this.#readHash();
          break;
        case 0x40:
          this.#take(readContextRef(this.#source, at));
          break;
        default:
          this.#take(readAtom(this.#source, at));
      }
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

  #begin(kind: Bracket | Prefix, length: number): void {
    const start = this.#at;
    if (this.#open.length >= this.#maxNesting) {
      throw readError(this.#source, start, `Forms nest deeper than ${this.#maxNesting} levels.`, {
        expected: `at most ${this.#maxNesting} levels of nesting`,
        remedy: "Name inner parts with let or def.",
      });
    }
    this.#open.push({ kind, start, base: this.#count });
    this.#at += length;
  }

  /** A form that has been read whole. */
  #take(form: Form): void {
    this.#at = form.end;
    this.#deliver(form);
  }

  /** Puts a form where it belongs, closing prefixes on the way. */
  #deliver(form: Form): void {
    const forms = this.#forms;
    forms[this.#count++] = form;
    for (let open = this.#open[this.#open.length - 1]; open !== undefined; open = this.#open[this.#open.length - 1]) {
      if (isBracket(open.kind)) return;
      const made = completePrefix(this.#source, open.start, open.kind, forms.slice(open.base, this.#count));
      if (made === undefined) return;
      this.#open.pop();
      forms[open.base] = made;
      this.#count = open.base + 1;
    }
  }

  #close(): Form {
    const source = this.#source;
    const at = this.#at;
    const open = this.#open[this.#open.length - 1];
    this.#at = at + 1;
    if (open === undefined) {
      throw readError(source, at, `Unexpected ${this.#text.charAt(at)}: nothing is open here.`, { expected: "a form" });
    }
    const { kind, start, base } = open;
    if (!isBracket(kind)) throw unclosed(source, open);
    if (CLOSING[kind] !== this.#text.charAt(at)) {
      const place = source.place(start);
      throw readError(source, at, `Unexpected ${this.#text.charAt(at)}.`, {
        expected: `${CLOSING[kind]}, to close the ${OPENING[kind]} at ${place.line}:${place.column}`,
      });
    }
    this.#open.pop();
    const items = this.#forms.slice(base, this.#count);
    this.#count = base;
    if (kind === "map") return { kind, source, start, end: at + 1, entries: entriesOf(source, items) };
    if (kind === "short-fn") this.#shortFunctions--;
    return { kind, source, start, end: at + 1, items };
  }

  #readHash(): void {
    const source = this.#source;
    const at = this.#at;
    const next = this.#text.charAt(at + 1);
    if (next === "#") return this.#take(readSpecialFloat(source, at));
    if (next !== "(") throw unexpectedHash(source, at);
    if (this.#shortFunctions > 0) {
      throw readError(source, at, "A short function #(…) cannot stand inside another.", {
        expected: "(fn [x] …)",
        remedy: "Write the inner or the outer one with fn.",
        end: at + 2,
      });
    }
    this.#shortFunctions++;
    this.#begin("short-fn", 2);
  }
}
