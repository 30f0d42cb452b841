import type { Clock, JsonValue, Timer } from "../../kernel/index.ts";
import type { RequestId } from "./request.ts";
import type { WireError } from "./wire-error.ts";

/** Who waits for an answer. */
export interface Waiter {
  answered(message: JsonValue): void;
  failed(error: WireError): void;
}

/** Requests under way by their ids. */
export class PendingById {
  readonly #waiting = new Map<string, Waiter>();
  /** Ids of requests that were given up, the latest last: an answer may still come, and is nobody's. */
  readonly #givenUp = new Set<string>();

  get size(): number {
    return this.#waiting.size;
  }

  add(id: RequestId, waiter: Waiter): void {
    this.#waiting.set(String(id), waiter);
  }

  giveUp(id: RequestId): void {
    if (!this.#waiting.delete(String(id))) return;
    this.#givenUp.add(String(id));
    if (this.#givenUp.size <= MOST_GIVEN_UP) return;
    for (const oldest of this.#givenUp) {
      this.#givenUp.delete(oldest);
      break;
    }
  }

  /** `stray`: nobody ever asked. */
  answer(id: JsonValue, message: JsonValue): "taken" | "late" | "stray" {
    const key = typeof id === "object" ? "" : String(id);
    const waiter = this.#waiting.get(key);
    if (waiter === undefined) return this.#givenUp.delete(key) ? "late" : "stray";
    this.#waiting.delete(key);
    waiter.answered(message);
    return "taken";
  }

  /** The only one that waits, where there is one. */
  takeOnly(): Waiter | undefined {
    if (this.#waiting.size !== 1) return undefined;
    const [[id, waiter] = []] = this.#waiting;
    if (id !== undefined) this.#waiting.delete(id);
    return waiter;
  }

  fail(error: WireError): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const waiter of all) waiter.failed(error);
  }
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
