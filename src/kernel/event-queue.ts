import { CcosError } from "./errors.ts";

export interface EventQueueOptions {
  /** Named in the error of a queue that overflows, such as `the subscription "prices"`. Default: "The stream". */
  readonly what?: string | undefined;
  /** How many items may wait. Default 1,024. */
  readonly limit?: number | undefined;
  /** How many bytes may wait, as far as `push` is told. One item alone may be larger. Default 16 MiB. */
  readonly maxBytes?: number | undefined;
  /** From how many waiting items, or from which part of `maxBytes`, the source should pause. Default a quarter. */
  readonly highWater?: number | undefined;
  /** What raises the limit, named in the remedy of the error. Default `:max_buffered_events`. */
  readonly setting?: string | undefined;
  /** A source that was told to pause may go on: half of what made it pause has been taken. */
  readonly onDrain?: (() => void) | undefined;
  /**
   * Nobody takes anything any more, and the source has not ended: the consumer has left, or the queue overflowed.
   * Called once. Leaving waits for it.
   */
  readonly onLeave?: (() => void | Promise<void>) | undefined;
}

const DEFAULT_LIMIT = 1_024;
const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;

interface Waiting<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * What a source pushes (a socket, say), as something to iterate: in order, each item once, for one consumer.
 *
 * A source that can pause does so when `push` says false, until `onDrain`. One that cannot is ended at the limit: the
 * consumer gets what had been taken in, and then an `interrupted` error. However the source behaves, what waits here
 * is bounded.
 */
export class EventQueue<T> implements AsyncIterableIterator<T, undefined> {
  readonly #options: EventQueueOptions;
  readonly #limit: number;
  readonly #maxBytes: number;
  readonly #highWater: number;
  readonly #highWaterBytes: number;
  #items: (T | undefined)[] = [];
  #sizes: number[] = [];
  /** Where in `#items` the next one stands: taking one moves nothing. */
  #first = 0;
  #bytes = 0;
  readonly #waiting: Waiting<T>[] = [];
  #paused = false;
  #ended = false;
  #error: { readonly reason: unknown } | undefined;
  #left = false;
  #leaving: Promise<void> | undefined;

  constructor(options: EventQueueOptions = {}) {
    this.#options = options;
    this.#limit = Math.max(1, options.limit ?? DEFAULT_LIMIT);
    this.#maxBytes = Math.max(1, options.maxBytes ?? DEFAULT_MAX_BYTES);
    this.#highWater = Math.max(1, Math.min(options.highWater ?? Math.ceil(this.#limit / 4), this.#limit));
    this.#highWaterBytes = Math.max(1, Math.ceil((this.#maxBytes / this.#limit) * this.#highWater));
  }

  /** Items that wait. */
  get length(): number {
    return this.#items.length - this.#first;
  }

  /** Bytes that wait, as far as `push` was told. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Nothing is taken in any more: the source has ended or failed, the consumer has left, or the queue overflowed. */
  get closed(): boolean {
    return this.#ended;
  }

  /**
   * Takes in an item of so many bytes. False asks the source to pause until `onDrain`, or, where the queue is
   * `closed`, to stop: then the item is dropped.
   */
  push(item: T, bytes = 0): boolean {
    if (this.#ended) return false;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ value: item, done: false });
      return true;
    }
    const tooMany = this.length >= this.#limit;
    if (tooMany || (this.length > 0 && this.#bytes + bytes > this.#maxBytes)) {
      this.fail(this.#overflow(tooMany));
      void this.#leave().catch(() => {});
      return false;
    }
    this.#items.push(item);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    if (this.length >= this.#highWater || this.#bytes >= this.#highWaterBytes) this.#paused = true;
    return !this.#paused;
  }

  /** There is no more: the consumer gets what waits, and then the end. Does nothing where it has ended. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve({ value: undefined, done: true });
  }

  /** The same, with an error after what waits. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const first = this.#waiting.shift();
    if (first === undefined) this.#error = { reason: error };
    else first.reject(error);
    for (const { resolve } of this.#waiting.splice(0)) resolve({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.length > 0) return Promise.resolve({ value: this.#take(), done: false });
    const error = this.#error;
    if (error !== undefined) {
      this.#error = undefined;
      return Promise.reject(error.reason as Error);
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** The consumer leaves: what waits is dropped. Resolves when the source has been told. */
  async return(): Promise<IteratorResult<T, undefined>> {
    const wasOpen = !this.#ended;
    this.#items = [];
    this.#sizes = [];
    this.#first = 0;
    this.#bytes = 0;
    this.#error = undefined;
    this.end();
    if (wasOpen || this.#leaving !== undefined) await this.#leave();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #take(): T {
    const item = this.#items[this.#first] as T;
    this.#bytes -= this.#sizes[this.#first] as number;
    this.#items[this.#first] = undefined;
    this.#first++;
    if (this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#sizes = this.#sizes.slice(this.#first);
      this.#first = 0;
    }
    if (this.#paused && this.length <= this.#highWater / 2 && this.#bytes <= this.#highWaterBytes / 2) {
      this.#paused = false;
      if (!this.#ended) this.#options.onDrain?.();
    }
    return item;
  }

  async #leave(): Promise<void> {
    if (!this.#left) {
      this.#left = true;
      this.#leaving = Promise.try(() => this.#options.onLeave?.());
    }
    await this.#leaving;
  }

  #overflow(tooMany: boolean): CcosError {
    const { what = "The stream", setting = ":max_buffered_events" } = this.#options;
    const limit = tooMany ? `${this.#limit} events` : `${this.#maxBytes} bytes of events`;
    return new CcosError("interrupted", `${what} was ended: more than ${limit} were waiting to be taken.`, {
      remedy: tooMany
        ? `Take events faster, or raise ${setting}.`
        : "Take events faster, or ask the peer for smaller ones.",
      details: { limit: tooMany ? "events" : "bytes", most: tooMany ? this.#limit : this.#maxBytes },
    });
  }
}
