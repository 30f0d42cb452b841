import { getOwn, isJsonObject, type Clock, type JsonValue, valueAt } from "../../kernel/index.ts";
import { PendingById, PendingInOrder, type Waiter } from "./pending.ts";
import type { RequestId } from "./request.ts";
import type { Correlation } from "./wire.ts";
import type { WireError } from "./wire-error.ts";

/** Somebody who takes messages that are no answers. */
export interface Listener {
  /** True where this message is for it. */
  offer(message: JsonValue, bytes: number): boolean;
  failed(error: WireError): void;
}

export interface InboxOptions {
  readonly correlation: Correlation;
  readonly clock: Clock;
  /** Answers the peer. */
  readonly reply: (message: JsonValue) => void;
  /** The peer does not keep to what was declared. */
  readonly broken: (text: string) => void;
  /** A peer sends answers that nobody asked for; told once. */
  readonly strays: () => void;
  /** Answers cannot be told apart any more. */
  readonly confused: (text: string) => void;
  /** Answers that were owed to nobody have come: who waits with a request may go on. */
  readonly cleared: () => void;
}

const MOST_EARLY_MESSAGES = 1024;
const MOST_EARLY_BYTES = 1024 * 1024;
/** Answers that nobody asked for, after which a peer is believed to be out of its mind. */
const MOST_STRAY_ANSWERS = 1000;

const METHOD_NOT_FOUND = { code: -32601, message: "Method not found" };

/** Gives each message to whom it belongs: an answer to who waits for it, an event to who listens. */
export class Inbox {
  /** Answers that nobody had asked for. */
  strayAnswers = 0;
  readonly #options: InboxOptions;
  readonly #byId = new PendingById();
  readonly #inOrder: PendingInOrder | undefined;
  readonly #listeners = new Set<Listener>();
  #opening = true;
  /** What came before anybody listened, for the first who does. */
  #early: { readonly message: JsonValue; readonly bytes: number }[] | undefined = [];
  #earlyBytes = 0;

  constructor(options: InboxOptions) {
    this.#options = options;
    const { correlation, clock, confused, cleared } = options;
    if (correlation.kind !== "in-order") return;
    this.#inOrder = new PendingInOrder({
      clock,
      lateAnswerMs: correlation.lateAnswerMs,
      onOverdue: () => confused("a request that was given up was never answered, so answers cannot be told apart"),
      onClear: cleared,
    });
  }

  /** Requests without an answer, and listeners. */
  get users(): number {
    return this.#byId.size + (this.#inOrder?.size ?? 0) + this.#listeners.size;
  }

  /** An answer is owed to a request that was given up: another request has to wait for it. */
  get owed(): boolean {
    return this.#inOrder?.owed === true;
  }

  /** From now on it is used by calls. */
  ready(): void {
    this.#opening = false;
  }

  /** Somebody sends something. */
  used(): void {
    if (!this.#opening) this.#early = undefined;
  }

  expect(id: RequestId | undefined, waiter: Waiter): void {
    if (id !== undefined) this.#byId.add(id, waiter);
    else this.#inOrder?.add(waiter);
  }

  giveUp(waiter: Waiter, id: RequestId | undefined): void {
    if (id !== undefined) this.#byId.giveUp(id);
    else this.#inOrder?.giveUp(waiter);
  }

  /** Takes messages from now on; the first also gets what came before anybody listened. */
  listen(listener: Listener): void {
    this.#listeners.add(listener);
    if (this.#opening) return;
    const early = this.#early;
    this.#early = undefined;
    for (const { message, bytes } of early ?? []) listener.offer(message, bytes);
  }

  /** False where it did not listen. */
  unlisten(listener: Listener): boolean {
    return this.#listeners.delete(listener);
  }

  /** Everybody who waits or listens is told. */
  fail(error: WireError): void {
    this.#early = undefined;
    this.#byId.fail(error);
    this.#inOrder?.fail(error);
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener.failed(error);
  }

  arrived(message: JsonValue, bytes: number): void {
    const { correlation } = this.#options;
    switch (correlation.kind) {
      case "json-rpc":
        this.#arrivedRpc(message, bytes);
        return;
      case "id": {
        const id = valueAt(message, correlation.idPath);
        if (id === undefined || id === null) {
          this.#event(message, bytes);
          return;
        }
        const taken = this.#byId.answer(id, message);
        if (taken === "stray" && !this.#offer(message, bytes)) this.#strayed();
        return;
      }
      case "in-order":
        if (!this.#offer(message, bytes) && this.#inOrder?.answer(message) !== true) this.#keepEarly(message, bytes);
        return;
      case "none":
        this.#event(message, bytes);
    }
  }

  #arrivedRpc(message: JsonValue, bytes: number): void {
    if (!isJsonObject(message)) {
      this.#options.broken("A message is no JSON-RPC object; batches are not asked for.");
      return;
    }
    const id = getOwn(message, "id");
    if (typeof getOwn(message, "method") === "string") {
      const taken = this.#event(message, bytes);
      // The peer asks us, and would wait for ever.
      if (!taken && id !== undefined && id !== null) {
        this.#options.reply({ jsonrpc: "2.0", id, error: METHOD_NOT_FOUND });
      }
      return;
    }
    if (id === null || id === undefined) {
      // The peer could not read a request: whose it was is clear only where there is one.
      const only = this.#byId.takeOnly();
      if (only === undefined) this.#strayed();
      else only.answered(message);
      return;
    }
    if (this.#byId.answer(id, message) === "stray") this.#strayed();
  }

  #event(message: JsonValue, bytes: number): boolean {
    if (this.#offer(message, bytes)) return true;
    this.#keepEarly(message, bytes);
    return false;
  }

  /** Everybody whose event it is gets it. */
  #offer(message: JsonValue, bytes: number): boolean {
    let taken = false;
    for (const listener of this.#listeners) if (listener.offer(message, bytes)) taken = true;
    return taken;
  }

  #keepEarly(message: JsonValue, bytes: number): void {
    const early = this.#early;
    if (early === undefined || early.length >= MOST_EARLY_MESSAGES || this.#earlyBytes + bytes > MOST_EARLY_BYTES)
      return;
    this.#earlyBytes += bytes;
    early.push({ message, bytes });
  }

  #strayed(): void {
    if (++this.strayAnswers === 1) this.#options.strays();
    if (this.strayAnswers > MOST_STRAY_ANSWERS) {
      this.#options.broken(`More than ${MOST_STRAY_ANSWERS} answers came that nobody had asked for.`);
    }
  }
}
