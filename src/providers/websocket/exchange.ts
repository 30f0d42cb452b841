import { abortError, type JsonValue } from "../../kernel/index.ts";
import type { Connection } from "./connection.ts";
import type { Waiter } from "./pending.ts";
import type { RequestId } from "./request.ts";
import type { WireError } from "./wire-error.ts";

/** What is to be sent. */
export interface Outgoing {
  message(id: RequestId | undefined): JsonValue;
  /** It has an answer. */
  readonly answered: boolean;
  /** For people. */
  readonly operation: string;
  readonly signal?: AbortSignal | undefined;
  /** Called when it is about to leave. */
  readonly sent?: (() => void) | undefined;
}

export interface Asking {
  resolve(message: JsonValue): void;
  reject(error: Error): void;
  /** Told the id of a request that was given up after it had left. */
  readonly givenUp: ((id: RequestId) => void) | undefined;
}

/** One request and its answer. An object and few functions: there is one for every call. */
export class Exchange implements Waiter {
  key = -1;
  readonly #connection: Pick<Connection, "post" | "giveUp">;
  readonly #outgoing: Outgoing;
  readonly #asking: Asking;
  #onAbort: (() => void) | undefined;
  #id: RequestId | undefined;
  #over = false;

  constructor(connection: Pick<Connection, "post" | "giveUp">, outgoing: Outgoing, asking: Asking) {
    this.#connection = connection;
    this.#outgoing = outgoing;
    this.#asking = asking;
  }

  begin(): void {
    const { signal } = this.#outgoing;
    if (signal !== undefined) {
      // First a variable: what a function refers to that is assigned to a property outlives the call until the next
      // full collection.
      const onAbort = (): void => this.#abort();
      this.#onAbort = onAbort;
      signal.addEventListener("abort", onAbort, { once: true });
    }
    try {
      const posted = this.#connection.post(this.#outgoing, this);
      if (!(posted instanceof Promise)) this.#id = posted;
      else
        posted.then(
          (id) => this.#left(id),
          (error: Error) => this.#fail(error),
        );
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  answered(message: JsonValue): void {
    if (this.#settle()) this.#asking.resolve(message);
  }

  failed(error: WireError): void {
    this.#fail(error);
  }

  /** It had to wait for its turn; whoever gave it up meanwhile gives it up now that it has left. */
  #left(id: RequestId | undefined): void {
    this.#id = id;
    if (this.#over && this.#outgoing.signal?.aborted === true) this.#giveUp();
  }

  #fail(error: Error): void {
    if (this.#settle()) this.#asking.reject(error);
  }

  #abort(): void {
    if (!this.#settle()) return;
    this.#giveUp();
    this.#asking.reject(abortError(this.#outgoing.signal as AbortSignal));
  }

  #giveUp(): void {
    this.#connection.giveUp(this, this.#id);
    if (this.#id !== undefined) this.#asking.givenUp?.(this.#id);
  }

  #settle(): boolean {
    if (this.#over) return false;
    this.#over = true;
    if (this.#onAbort !== undefined) this.#outgoing.signal?.removeEventListener("abort", this.#onAbort);
    return true;
  }
}
