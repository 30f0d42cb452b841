import { isCcosError } from "../kernel/index.ts";
import type { RtfsMap } from "./map.ts";

export { RtfsMap } from "./map.ts";

/**
 * The values of the language.
 *
 * nil, booleans and strings are the JavaScript ones. An integer is a JavaScript number where it is safe
 * (below 2^53) and a bigint beyond, up to 64 bits: the form is canonical, so `===` compares integers.
 * A float is boxed, so that `1` and `1.0` stay different values. Everything is immutable.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | Float
  | string
  | Keyword
  | Sym
  | Vector
  | List
  | RtfsMap
  | RtfsFunction
  | RtfsError;

export type Integer = number | bigint;
export type MapKey = Keyword | string | number | bigint;

export const INTEGER_MIN = -(2n ** 63n);
export const INTEGER_MAX = 2n ** 63n - 1n;

/** The canonical form of an integer within 64 bits. The caller has checked the range. */
export function integer(value: bigint): Integer {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

export function isInteger(value: Value): value is Integer {
  return typeof value === "number" || typeof value === "bigint";
}

export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export class Keyword {
  /** Without the colon. */
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

// Interned, so that keywords are equal exactly when they are the same object. Held weakly: a server that
// sends ever new keys must not fill the memory.
const keywords = new Map<string, WeakRef<Keyword>>();
const forgotten = new FinalizationRegistry<string>((name) => {
  if (keywords.get(name)?.deref() === undefined) keywords.delete(name);
});

// Asking a weak reference costs more than all the rest; so some are also held as they are.
const recent = new Map<string, Keyword>();
const MOST_RECENT = 16_384;
const LONGEST_RECENT = 64;

/** The keyword of this name, given without the colon. */
export function keyword(name: string): Keyword {
  return recent.get(name) ?? rarerKeyword(name);
}

function rarerKeyword(name: string): Keyword {
  let found = keywords.get(name)?.deref();
  if (found === undefined) {
    found = new Keyword(name);
    keywords.set(name, new WeakRef(found));
    forgotten.register(found, name);
  }
  if (name.length <= LONGEST_RECENT) {
    if (recent.size >= MOST_RECENT) recent.clear();
    recent.set(name, found);
  }
  return found;
}

/** A symbol as data (what `quote` gives). Compared by name. */
export class Sym {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/**
 * A run of items in an array that several runs may share: taking the rest, a slice or one item more at
 * the end costs no copy, so that loops which take a sequence apart or build one up stay linear.
 */
abstract class Run {
  protected readonly buffer: Value[];
  protected readonly from: number;
  readonly length: number;

  constructor(buffer: Value[], from = 0, to: number = buffer.length) {
    this.buffer = buffer;
    this.from = from;
    this.length = to - from;
  }

  protected abstract make(buffer: Value[], from: number, to: number): this;

  /** The item at an index within bounds. */
  at(index: number): Value {
    return this.buffer[this.from + index] as Value;
  }

  slice(from: number, to: number = this.length): this {
    return this.make(this.buffer, this.from + from, this.from + to);
  }

  append(item: Value): this {
    const end = this.from + this.length;
    // Only the run that ends where the buffer ends may grow it; any other would overwrite its sibling.
    // And not the empty one that all share: what is added to it would never be freed.
    if (this.length > 0 && end === this.buffer.length && !Object.isFrozen(this.buffer)) {
      this.buffer.push(item);
      return this.make(this.buffer, this.from, end + 1);
    }
    const copy = this.toArray();
    copy.push(item);
    return this.make(copy, 0, copy.length);
  }

  /** The same run, whose buffer nothing will ever be added to: for one that is shared for good. */
  sealed(): this {
    Object.freeze(this.buffer);
    return this;
  }

  /** A copy with one item replaced; the index is within bounds. */
  set(index: number, item: Value): this {
    const copy = this.toArray();
    copy[index] = item;
    return this.make(copy, 0, copy.length);
  }

  /** A fresh array, free to change. */
  toArray(): Value[] {
    return this.buffer.slice(this.from, this.from + this.length);
  }

  *[Symbol.iterator](): IterableIterator<Value> {
    const end = this.from + this.length;
    for (let index = this.from; index < end; index++) yield this.buffer[index] as Value;
  }
}

export class Vector extends Run {
  // A brand: without it TypeScript takes vectors and lists for one type.
  declare readonly kind: "vector";
  static readonly EMPTY: Vector = new Vector([]);
  protected override make(buffer: Value[], from: number, to: number): this {
    return new Vector(buffer, from, to) as this;
  }
}

export class List extends Run {
  declare readonly kind: "list";
  static readonly EMPTY: List = new List([]);
  protected override make(buffer: Value[], from: number, to: number): this {
    return new List(buffer, from, to) as this;
  }
}

/** A vector over this array; the array belongs to the vector from now on. */
export function vector(items: Value[]): Vector {
  return new Vector(items);
}

/** A list over this array; the array belongs to the list from now on. */
export function list(items: Value[]): List {
  return new List(items);
}

/** What can be called. The evaluator knows how; to everyone else it is opaque. */
export abstract class RtfsFunction {
  abstract readonly name: string | undefined;
}

/** An error as a value: what `catch` binds and `Exception.` builds. */
export class RtfsError {
  readonly message: string;
  /** The kind, such as `TypeError`. */
  readonly type: string;
  readonly data: Value;
  /** What it came from on the host's side; never visible to a program. */
  readonly cause: unknown;
  constructor(message: string, type = "Generic", data: Value = null, cause?: unknown) {
    this.message = message;
    this.type = type;
    this.data = data;
    this.cause = cause;
  }

  /** What a program can ask of it: `:message`, `:type`, `:data`, and `:code` of a failure of the host. */
  fields(): ReadonlyMap<string, Value> {
    const code = isCcosError(this.cause) ? this.cause.code : undefined;
    return new Map<string, Value>([
      ["message", this.message],
      ["type", keyword(this.type)],
      ["data", this.data],
      ...(code === undefined ? [] : [["code", keyword(code)] as const]),
    ]);
  }
}
