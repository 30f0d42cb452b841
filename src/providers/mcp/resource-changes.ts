import { getOwn } from "../../kernel/index.ts";
import type { ServerNotification } from "./server-messages.ts";
import { reasonOf } from "./transport.ts";

/** Whether there was a change since the last look. */
export class Changes {
  readonly #uri: string;
  readonly #signal: AbortSignal;
  #changed = false;
  #over: { readonly error: Error | undefined } | undefined;
  #wake: (() => void) | undefined;

  constructor(uri: string, signal: AbortSignal) {
    this.#uri = uri;
    this.#signal = signal;
  }

  readonly hear = ({ method, params }: ServerNotification): void => {
    const uri = getOwn(params, "uri");
    if (method !== "notifications/resources/updated" || typeof uri !== "string") return;
    // What changed may be a part of what was asked for.
    if (uri === this.#uri || uri.startsWith(this.#uri.endsWith("/") ? this.#uri : `${this.#uri}/`)) this.happened();
  };

  happened(): void {
    this.#changed = true;
    this.#wake?.();
  }

  /** There will be no more: for this reason, or because the server is through. */
  end(error?: Error): void {
    this.#over ??= { error };
    this.#wake?.();
  }

  /** Waits for a change; false where there will be none. */
  async next(): Promise<boolean> {
    const signal = this.#signal;
    while (!this.#changed && this.#over === undefined && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
    }
    if (signal.aborted) throw reasonOf(signal);
    if (this.#changed) {
      this.#changed = false;
      return true;
    }
    if (this.#over?.error !== undefined) throw this.#over.error;
    return false;
  }
}
