import type { Form } from "./forms.ts";
import { DEFAULT_LIMITS } from "./host.ts";
import { outputTooLarge } from "./output-limit.ts";
import { Float, Keyword, List, RtfsError, RtfsFunction, RtfsMap, Sym, Vector, type Value } from "./values.ts";

export interface PrintOptions {
  /** Breaks what does not fit the width over several lines. Default false. */
  readonly pretty?: boolean | undefined;
  /** Columns of a pretty line. Default 80. */
  readonly width?: number | undefined;
  /** Characters the text may have; a longer one is `interrupted`. Default: no limit. */
  readonly maxLength?: number | undefined;
}

/** A value as source text that reads back as the same value; functions and errors have no such form. */
export function print(value: Value, options: PrintOptions = {}): string {
  const maxLength = options.maxLength ?? Number.POSITIVE_INFINITY;
  const text = options.pretty ? printPretty(value, options.width ?? 80, maxLength) : printWithin(value, maxLength);
  if (text === undefined) throw outputTooLarge(maxLength);
  return text;
}

/** The same text where it has at most so many characters; else undefined, found out without making it all. */
export function printWithin(value: Value, maxLength: number): string | undefined {
  return printFlat(value, printAtom, maxLength);
}

/** A value as `str` shows it: a string as it is, floats without `.0`, and so on. */
export function displayString(value: Value): string {
  const text = displayWithin(value, DEFAULT_LIMITS.maxOutputSize);
  if (text === undefined) throw outputTooLarge(DEFAULT_LIMITS.maxOutputSize);
  return text;
}

/** The same where it has at most so many characters, else undefined. */
export function displayWithin(value: Value, maxLength: number): string | undefined {
  if (typeof value === "string") return value.length <= maxLength ? value : undefined;
  return printFlat(value, displayAtom, maxLength);
}

/** The exact text a form was read from. */
export function formText(form: Form): string {
  return form.source.text.slice(form.start, form.end);
}

const NAMED_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\t", "\\t"],
  ["\r", "\\r"],
  ["\\", "\\\\"],
  ['"', '\\"'],
]);
// Control characters and halves of surrogate pairs would not survive a terminal or UTF-8; line separators and
// what reorders text would show a reader something else than what is there.
const ESCAPED =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"\\]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

export function quoteString(text: string): string {
  const inner = text.replace(
    ESCAPED,
    (character) => NAMED_ESCAPES.get(character) ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${inner}"`;
}

function specialFloat(value: number): string | undefined {
  if (Number.isFinite(value)) return undefined;
  return Number.isNaN(value) ? "##NaN" : value > 0 ? "##Inf" : "##-Inf";
}

export function printFloat(value: number): string {
  const special = specialFloat(value);
  if (special !== undefined) return special;
  if (Object.is(value, -0)) return "-0.0";
  const text = String(value).replace("e+", "e");
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function displayFloat(value: number): string {
  return specialFloat(value) ?? (Object.is(value, -0) ? "-0" : String(value).replace("e+", "e"));
}

type AtomPrinter = (value: Value) => string;

function atomPrinter(float: (value: number) => string): AtomPrinter {
  return (value) => {
    if (value === null) return "nil";
    if (typeof value === "string") return quoteString(value);
    if (value instanceof Keyword) return `:${value.name}`;
    if (value instanceof Float) return float(value.value);
    if (value instanceof Sym) return value.name;
    if (value instanceof RtfsFunction) return "#<function>";
    if (value instanceof RtfsError) return `#<error: ${value.message}>`;
    return String(value as boolean | number | bigint);
  };
}

const printAtom = atomPrinter(printFloat);
const displayAtom = atomPrinter(displayFloat);

/** A collection being printed: what is left of it and what closes it. */
interface Level {
  readonly items: Iterator<Value>;
  readonly close: string;
  first: boolean;
}

function* mapItems(map: RtfsMap): IterableIterator<Value> {
  for (const [key, value] of map) {
    yield key;
    yield value;
  }
}

function levelOf(value: Value): (Level & { readonly open: string }) | undefined {
  if (value instanceof Vector) return { open: "[", items: value[Symbol.iterator](), close: "]", first: true };
  if (value instanceof List) return { open: "(", items: value[Symbol.iterator](), close: ")", first: true };
  if (value instanceof RtfsMap) return { open: "{", items: mapItems(value), close: "}", first: true };
  return undefined;
}

// Levels on a list of our own instead of recursion: data may nest deeper than the stack.
function printFlat(value: Value, atom: AtomPrinter, maxLength: number): string | undefined {
  const outermost = levelOf(value);
  if (outermost === undefined) {
    const text = atom(value);
    return text.length <= maxLength ? text : undefined;
  }
  const levels: Level[] = [outermost];
  const parts: string[] = [outermost.open];
  let length = 1;
  for (let level: Level | undefined = outermost; level !== undefined; level = levels[levels.length - 1]) {
    const next = level.items.next();
    if (next.done === true) {
      parts.push(level.close);
      length++;
      levels.pop();
      continue;
    }
    if (!level.first) {
      parts.push(" ");
      length++;
    }
    level.first = false;
    const inner = levelOf(next.value);
    const text = inner === undefined ? atom(next.value) : inner.open;
    parts.push(text);
    length += text.length;
    if (length > maxLength) return undefined;
    if (inner !== undefined) levels.push(inner);
  }
  return length <= maxLength ? parts.join("") : undefined;
}

// Beyond this a broken layout helps nobody, and recursion stays harmless.
const DEEPEST_PRETTY = 50;

/** Whether a value printed flat fits; gives the text, or undefined without printing all of a large one. */
function fitting(value: Value, width: number): string | undefined {
  return sizeUpTo(value, width) > width ? undefined : printFlat(value, printAtom, width);
}

/** A lower bound of the length of the flat text, counted no further than the limit. */
function sizeUpTo(value: Value, limit: number): number {
  let size = 0;
  const open: Value[] = [value];
  for (let item = open.pop(); item !== undefined && size <= limit; item = open.pop()) {
    if (typeof item === "string") size += item.length + 2;
    else if (item instanceof Vector || item instanceof List) {
      size += Math.max(2, item.length * 2);
      if (size <= limit) open.push(...item.toArray());
    } else if (item instanceof RtfsMap) {
      size += Math.max(2, item.size * 4);
      if (size <= limit) open.push(...mapItems(item));
    } else size++;
  }
  return size;
}

function printPretty(value: Value, width: number, maxLength: number): string {
  let length = 0;
  const counted = (text: string): string => {
    length += text.length;
    if (length > maxLength) throw outputTooLarge(maxLength);
    return text;
  };
  const layout = (item: Value, column: number, depth: number): string => {
    if (levelOf(item) === undefined) return counted(printAtom(item));
    const flat =
      depth > DEEPEST_PRETTY ? print(item, { maxLength: maxLength - length }) : fitting(item, width - column);
    if (flat !== undefined) return counted(flat);
    const indent = " ".repeat(column + 1);
    if (item instanceof RtfsMap) {
      const lines: string[] = [];
      for (const [key, inner] of item) {
        const name = printAtom(key);
        lines.push(`${counted(name)} ${layout(inner, column + name.length + 2, depth + 1)}`);
      }
      return `{${lines.join(`\n${indent}`)}}`;
    }
    const run = item as Vector | List;
    const [open, close] = run instanceof Vector ? "[]" : "()";
    return `${open}${run
      .toArray()
      .map((inner) => layout(inner, column + 1, depth + 1))
      .join(`\n${indent}`)}${close}`;
  };
  return layout(value, 0, 0);
}
