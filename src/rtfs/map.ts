import type { MapKey, Value } from "./values.ts";

/** The place of a key taken out; only ever inside. */
const ABSENT = Symbol("absent");
type Slot = Value | typeof ABSENT;

// Below this many keys, looking at each is faster than hashing.
const SCANNED = 8;

/**
 * The keys of a map in the order of their first addition, and where each one's value is kept. Many maps
 * share a table: those made from one another by adding keys, and those of one literal.
 */
class KeyTable {
  readonly keys: MapKey[];
  #places: Map<MapKey, number> | undefined;
  /** Nothing may be added: it belongs to a literal of the program, which outlives its maps. */
  sealed = false;

  constructor(keys: MapKey[]) {
    this.keys = keys;
    if (keys.length > SCANNED) this.#index();
  }

  #index(): void {
    const places = new Map<MapKey, number>();
    for (let place = 0; place < this.keys.length; place++) places.set(this.keys[place] as MapKey, place);
    this.#places = places;
  }

  /** The place of a key among the first `size`; -1 where it is not. */
  find(key: MapKey, size: number): number {
    if (this.#places !== undefined) {
      const place = this.#places.get(key);
      return place === undefined || place >= size ? -1 : place;
    }
    for (let place = 0; place < size; place++) if (this.keys[place] === key) return place;
    return -1;
  }

  /** A table whose key at `size` is this one: the same, unless another map has grown there before. */
  add(key: MapKey, size: number): KeyTable {
    if (this.keys.length === size && !this.sealed) {
      this.keys.push(key);
      if (this.#places !== undefined) this.#places.set(key, size);
      else if (size >= SCANNED) this.#index();
      return this;
    }
    if (this.keys[size] === key) return this;
    return new KeyTable([...this.keys.slice(0, size), key]);
  }
}

type Branch = (Slot | Branch)[];
const BITS = 5;
const MASK = 31;

/** A tree of arrays of 32: setting one item copies a path, not the whole. */
interface Tree {
  readonly root: Branch;
  readonly depth: number;
}

function treeGet({ root, depth }: Tree, index: number): Slot {
  let branch = root;
  for (let shift = depth * BITS; shift > 0; shift -= BITS) branch = branch[(index >>> shift) & MASK] as Branch;
  return branch[index & MASK] as Slot;
}

function setIn(branch: Branch, shift: number, index: number, slot: Slot): Branch {
  const copy = branch.slice();
  const at = (index >>> shift) & MASK;
  copy[at] = shift === 0 ? slot : setIn((copy[at] as Branch | undefined) ?? [], shift - BITS, index, slot);
  return copy;
}

/** The index is within the tree, or the one after its last. */
function treeSet({ root, depth }: Tree, index: number, slot: Slot): Tree {
  if (index >= 1 << (BITS * (depth + 1))) {
    return { root: setIn([root], (depth + 1) * BITS, index, slot), depth: depth + 1 };
  }
  return { root: setIn(root, depth * BITS, index, slot), depth };
}

function treeOf(slots: Slot[]): Tree {
  let level: Branch[] = [];
  if (slots.length <= MASK + 1) return { root: slots, depth: 0 };
  for (let start = 0; start < slots.length; start += MASK + 1) level.push(slots.slice(start, start + MASK + 1));
  let depth = 0;
  while (level.length > 1) {
    const above: Branch[] = [];
    for (let start = 0; start < level.length; start += MASK + 1) above.push(level.slice(start, start + MASK + 1));
    level = above;
    depth++;
  }
  return { root: level[0] as Branch, depth };
}

/** An immutable map that keeps the order in which its keys were first added. Changing one key costs little. */
export class RtfsMap {
  static readonly EMPTY: RtfsMap = new RtfsMap(new Map());
  readonly #table: KeyTable;
  readonly #tree: Tree;
  /** Places of the table that are this map's; those taken out included. */
  readonly #places: number;
  readonly size: number;

  constructor(entries: ReadonlyMap<MapKey, Value>);
  /** For this class only. */
  constructor(table: KeyTable, tree: Tree, places: number, size: number);
  constructor(entries: ReadonlyMap<MapKey, Value> | KeyTable, tree?: Tree, places?: number, size?: number) {
    if (entries instanceof KeyTable) {
      this.#table = entries;
      this.#tree = tree as Tree;
      this.#places = places as number;
      this.size = size as number;
    } else {
      this.#table = new KeyTable([...entries.keys()]);
      // All share the empty map: what grew in its table would stay for ever.
      this.#table.sealed = entries.size === 0;
      this.#tree = treeOf([...entries.values()]);
      this.#places = this.size = entries.size;
    }
  }

  static of(entries: Iterable<readonly [MapKey, Value]>): RtfsMap {
    return new RtfsMap(new Map(entries));
  }

  /** Makes maps that all have these keys, which are distinct: what a literal of the program needs. */
  static maker(keys: readonly MapKey[]): (values: Value[]) => RtfsMap {
    const table = new KeyTable([...keys]);
    table.sealed = true;
    const { length } = keys;
    return (values) => new RtfsMap(table, treeOf(values), length, length);
  }

  has(key: MapKey): boolean {
    return this.get(key) !== undefined;
  }

  /** Undefined where the key is missing; a present nil is `null`. */
  get(key: MapKey): Value | undefined {
    const place = this.#table.find(key, this.#places);
    if (place === -1) return undefined;
    const slot = treeGet(this.#tree, place);
    return slot === ABSENT ? undefined : slot;
  }

  set(key: MapKey, value: Value): RtfsMap {
    const place = this.#table.find(key, this.#places);
    if (place === -1) {
      const places = this.#places;
      return new RtfsMap(this.#table.add(key, places), treeSet(this.#tree, places, value), places + 1, this.size + 1);
    }
    const old = treeGet(this.#tree, place);
    if (old === value) return this;
    return new RtfsMap(
      this.#table,
      treeSet(this.#tree, place, value),
      this.#places,
      this.size + (old === ABSENT ? 1 : 0),
    );
  }

  /** With all these entries set. */
  with(entries: Iterable<readonly [MapKey, Value]>): RtfsMap {
    let result: RtfsMap = this;
    for (const [key, value] of entries) result = result.set(key, value);
    return result;
  }

  /** A key taken out and added again stands where it was before. */
  without(...keys: readonly MapKey[]): RtfsMap {
    let tree = this.#tree;
    let { size } = this;
    for (const key of keys) {
      const place = this.#table.find(key, this.#places);
      if (place === -1 || treeGet(tree, place) === ABSENT) continue;
      tree = treeSet(tree, place, ABSENT);
      size--;
    }
    if (size === this.size) return this;
    const result = new RtfsMap(this.#table, tree, this.#places, size);
    // What was taken out is kept only as long as it is the lesser part.
    return size < this.#places / 2 ? RtfsMap.of(result) : result;
  }

  *keys(): IterableIterator<MapKey> {
    for (const [key] of this) yield key;
  }

  *values(): IterableIterator<Value> {
    for (const [, value] of this) yield value;
  }

  *[Symbol.iterator](): IterableIterator<[MapKey, Value]> {
    const { keys } = this.#table;
    for (let place = 0; place < this.#places; place++) {
      const slot = treeGet(this.#tree, place);
      if (slot !== ABSENT) yield [keys[place] as MapKey, slot];
    }
  }
}
