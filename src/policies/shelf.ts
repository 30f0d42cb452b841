/** Where the number of things kept by key begins to be looked at. */
const FIRST_SWEEP = 1_000;

/**
 * Things by key, made when they are first asked for and forgotten when they are idle, so that ever new keys
 * (identities, endpoints) do not fill the memory. Sweeps as rarely as the number of things doubles.
 */
export class Shelf<T> {
  readonly #things = new Map<string, T>();
  readonly #make: (key: string) => T;
  readonly #isIdle: (thing: T) => boolean;
  #sweepAt = FIRST_SWEEP;

  constructor(make: (key: string) => T, isIdle: (thing: T) => boolean) {
    this.#make = make;
    this.#isIdle = isIdle;
  }

  get size(): number {
    return this.#things.size;
  }

  /** The thing of a key, where there is one. */
  peek(key: string): T | undefined {
    return this.#things.get(key);
  }

  /** The thing of a key, made where there is none. */
  of(key: string): T {
    let thing = this.#things.get(key);
    if (thing === undefined) {
      if (this.#things.size >= this.#sweepAt) this.#sweep();
      thing = this.#make(key);
      this.#things.set(key, thing);
    }
    return thing;
  }

  all(): Iterable<T> {
    return this.#things.values();
  }

  #sweep(): void {
    for (const [key, thing] of this.#things) if (this.#isIdle(thing)) this.#things.delete(key);
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#things.size);
  }
}
