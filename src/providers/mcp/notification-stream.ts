import { readEvents, TooLarge, type HttpResponse } from "../../http/index.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../kernel/index.ts";
import { pause } from "./pause.ts";

export interface NotificationStreamOptions {
  /** Sends the request that the stream is the answer of. */
  readonly open: (lastEventId: string | undefined, signal: AbortSignal) => Promise<HttpResponse>;
  /** Takes a message that came on it. */
  readonly deliver: (message: JsonObject, size: number) => void;
  /** It is open again; what was said meanwhile may be lost. */
  readonly reopened: () => void;
  /** The server knows the session no longer. */
  readonly lost: (reason: string) => void;
  /** Most bytes of one event. */
  readonly limit: number;
}

const FIRST_DELAY_MS = 1000;
const SHORTEST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 30_000;
/** Some servers say nothing at all before there is something to say. */
const OPENING_MS = 250;
const FORGOTTEN = 404;

/**
 * The stream on which a server of the revisions with sessions says what belongs to no request of ours. Opened again
 * when it ends, as long as the session lasts; a server that has none is not asked twice.
 */
export class NotificationStream {
  readonly #options: NotificationStreamOptions;
  readonly #controller = new AbortController();
  #lastEventId: string | undefined;
  #delayMs = FIRST_DELAY_MS;
  #wasOpen = false;

  constructor(options: NotificationStreamOptions) {
    this.#options = options;
  }

  /** Opens it. False where the server has none; true where it has, or has not said yet. */
  open(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(true), OPENING_MS);
    this.#run(resolve)
      .finally(() => {
        clearTimeout(timer);
        resolve(false);
      })
      .catch(() => {});
    return promise;
  }

  close(): void {
    this.#controller.abort(new Error("The session was closed."));
  }

  async #run(opened: (isOpen: boolean) => void): Promise<void> {
    const { signal } = this.#controller;
    let wait = this.#delayMs;
    while (!signal.aborted) {
      const verdict = await this.#once(opened);
      if (verdict === "none") return;
      wait = verdict === "ended" ? this.#delayMs : Math.min(wait * 2, LONGEST_DELAY_MS);
      await pause(wait, signal);
    }
  }

  async #once(opened: (isOpen: boolean) => void): Promise<"none" | "ended" | "failed"> {
    const { open, lost, reopened, limit } = this.#options;
    const { signal } = this.#controller;
    try {
      const response = await open(this.#lastEventId, signal);
      if (response.status !== 200) {
        await response.discard();
        // At first it may mean that there is no such stream: some servers have no other word for that.
        if (response.status === FORGOTTEN && this.#wasOpen) lost("The server knows the session no longer.");
        return response.status >= 400 && response.status < 500 ? "none" : "failed";
      }
      if (this.#wasOpen) reopened();
      this.#wasOpen = true;
      opened(true);
      await readEvents(response, {
        limit,
        onRetry: (ms) => {
          this.#delayMs = Math.min(Math.max(ms, SHORTEST_DELAY_MS), LONGEST_DELAY_MS);
        },
        onEvent: (event) => {
          if (event.id) this.#lastEventId = event.id;
          this.#take(event.data);
        },
      });
      return "ended";
    } catch (error) {
      return error instanceof TooLarge ? "none" : "failed";
    }
  }

  #take(data: string): void {
    let message: unknown;
    try {
      message = parseJson(data);
    } catch {
      return;
    }
    for (const item of Array.isArray(message) ? message : [message]) {
      if (isJsonObject(item)) this.#options.deliver(item, data.length);
    }
  }
}
