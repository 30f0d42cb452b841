import type { Clock, JsonValue, Timer } from "../../kernel/index.ts";
import type { RequestId } from "./request.ts";
import type { WireError } from "./wire-error.ts";

/** Who waits for an answer. */
export interface Waiter {
  /** Written by those who hold it; -1 where nobody does. */
  key: number;
  answered(message: JsonValue): void;
  failed(error: WireError): void;
}

/** A power of two: few calls are under way at once, and each of these holds the less. */
const BUCKETS = 64;

/**
 * Requests under way by their ids, which count up. Lists, and no `Map`: under constant coming and going that grows into
 * new tables, and its old ones keep what has left alive until the next full collection.
 */
export class PendingById {
  readonly #buckets: Waiter[][] = Array.from({ length: BUCKETS }, () => []);
  /** Ids of requests that were given up, the latest last: an answer may still come, and is nobody's. */
  readonly #givenUp = new Set<number>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(id: RequestId, waiter: Waiter): void {
    waiter.key = Number(id);
    this.#bucketOf(waiter.key).push(waiter);
    this.#size++;
  }

  giveUp(id: RequestId): void {
    const key = Number(id);
    if (this.#take(key) === undefined) return;
    this.#givenUp.add(key);
    if (this.#givenUp.size <= MOST_GIVEN_UP) return;
    for (const oldest of this.#givenUp) {
      this.#givenUp.delete(oldest);
      break;
    }
  }

  /** `stray`: nobody ever asked. */
  answer(id: JsonValue, message: JsonValue): "taken" | "late" | "stray" {
    const key = keyOf(id);
    const waiter = this.#take(key);
    if (waiter === undefined) return this.#givenUp.delete(key) ? "late" : "stray";
    waiter.answered(message);
    return "taken";
  }

  /** The only one that waits, where there is one. */
  takeOnly(): Waiter | undefined {
    const only = this.#size === 1 ? this.#buckets.find(({ length }) => length > 0)?.[0] : undefined;
    return only && this.#take(only.key);
  }

  fail(error: WireError): void {
    const all = this.#buckets.flatMap((bucket) => bucket.splice(0)).toSorted((a, b) => a.key - b.key);
    this.#size = 0;
    for (const waiter of all) {
      waiter.key = -1;
      waiter.failed(error);
    }
  }

  #bucketOf(key: number): Waiter[] {
    return this.#buckets[key & (BUCKETS - 1)] as Waiter[];
  }

  #take(key: number): Waiter | undefined {
    const bucket = this.#bucketOf(key);
    const at = bucket.findIndex((waiter) => waiter.key === key);
    const waiter = bucket[at];
    if (waiter === undefined) return undefined;
    const last = bucket.pop() as Waiter;
    if (last !== waiter) bucket[at] = last;
    waiter.key = -1;
    this.#size--;
    return waiter;
  }
}

/** The number that an id is, written as a number or as a text; -1 for all that we never give. */
function keyOf(id: JsonValue): number {
  if (typeof id === "number") return Number.isSafeInteger(id) && id >= 0 ? id : -1;
  return typeof id === "string" && /^[1-9]\d{0,14}$/.test(id) ? Number(id) : -1;
}

const MOST_GIVEN_UP = 1024;

/**
 * Requests under way in the order of sending. One that was given up keeps its place until its answer has come: were it
 * forgotten, every later answer would be taken for another one's.
 */
export class PendingInOrder {
  readonly #clock: Clock;
  readonly #lateAnswerMs: number;
  readonly #onOverdue: () => void;
  readonly #onClear: () => void;
  #line: { waiter: Waiter | undefined; timer: Timer | undefined }[] = [];
  #first = 0;
  #givenUp = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly lateAnswerMs: number;
    /** A request that was given up got no answer in time, so that nothing can be told any more. */
    readonly onOverdue: () => void;
    /** Every request that was given up has its answer. */
    readonly onClear: () => void;
  }) {
    this.#clock = options.clock;
    this.#lateAnswerMs = options.lateAnswerMs;
    this.#onOverdue = options.onOverdue;
    this.#onClear = options.onClear;
  }

  get size(): number {
    return this.#line.length - this.#first;
  }

  /** An answer is owed to a request that was given up: whoever asks now waits for that. */
  get owed(): boolean {
    return this.#givenUp > 0;
  }

  add(waiter: Waiter): void {
    this.#line.push({ waiter, timer: undefined });
  }

  giveUp(waiter: Waiter): void {
    const place = this.#line.find((one) => one.waiter === waiter);
    if (place === undefined) return;
    place.waiter = undefined;
    this.#givenUp++;
    place.timer = this.#clock.setTimer(this.#lateAnswerMs, this.#onOverdue, { background: true });
  }

  /** False where nobody had asked. */
  answer(message: JsonValue): boolean {
    const place = this.#line[this.#first];
    if (place === undefined) return false;
    this.#first++;
    if (this.#first * 2 > this.#line.length) {
      this.#line = this.#line.slice(this.#first);
      this.#first = 0;
    }
    place.timer?.cancel();
    if (place.waiter !== undefined) place.waiter.answered(message);
    else if (--this.#givenUp === 0) this.#onClear();
    return true;
  }

  fail(error: WireError): void {
    const all = this.#line.slice(this.#first);
    this.#line = [];
    this.#first = 0;
    this.#givenUp = 0;
    for (const { waiter, timer } of all) {
      timer?.cancel();
      waiter?.failed(error);
    }
  }
}
