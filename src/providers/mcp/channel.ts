import type { JsonObject } from "../../kernel/index.ts";
import { isJsonObject, parseJson, stringifyJson } from "../../kernel/index.ts";
import { readAnswer, reasonOf, WireTransport, type RequestOptions, type RpcAnswer } from "./transport.ts";

interface Pending {
  resolve(answer: RpcAnswer): void;
  reject(error: unknown): void;
}

/**
 * A transport whose answers come back on one stream, apart from the requests: a child process, or the event
 * stream of the oldest HTTP revision. When that stream ends, the session is gone.
 */
export abstract class ChannelTransport extends WireTransport {
  readonly #pending = new Map<string, Pending>();
  #ended: string | undefined;

  /** Writes one message. */
  protected abstract write(text: string): Promise<void>;

  /** Throws why it ended, if it has. */
  throwIfEnded(): void {
    if (this.#ended !== undefined) throw this.failed({ kind: "closed", text: this.#ended, sent: true });
  }

  override request(method: string, params: JsonObject | undefined, options: RequestOptions = {}): Promise<RpcAnswer> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(reasonOf(signal));
    if (this.#ended !== undefined) {
      return Promise.reject(this.failed({ kind: "closed", text: this.#ended, sent: false }));
    }
    const id = this.nextId();
    return new Promise<RpcAnswer>((resolve, reject) => {
      const settle = (): void => {
        this.#pending.delete(id);
        this.messages.finish(id, options, signal?.aborted === true);
        signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        settle();
        reject(reasonOf(signal as AbortSignal));
        if (method !== "initialize") {
          const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: id } };
          this.notify(cancelled).catch(() => {});
        }
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.messages.begin(id, options);
      this.#pending.set(id, {
        resolve(answer) {
          settle();
          resolve(answer);
        },
        reject(error) {
          settle();
          reject(error);
        },
      });
      options.sent?.();
      this.write(stringifyJson({ jsonrpc: "2.0", id, method, ...(params && { params }) })).catch((error: unknown) =>
        this.#pending.get(id)?.reject(error),
      );
    });
  }

  override async notify(message: JsonObject): Promise<void> {
    if (this.#ended !== undefined) return;
    await this.write(stringifyJson(message));
  }

  /** One message from the server. Text that is no message of the protocol is passed over, as a stray banner is. */
  protected receive(text: string): void {
    let message: unknown;
    try {
      message = parseJson(text);
    } catch {
      return;
    }
    for (const item of Array.isArray(message) ? message : [message]) {
      if (!isJsonObject(item)) continue;
      const answer = readAnswer(item);
      if (answer === undefined) this.deliver(item, undefined, text.length);
      else if (typeof item["id"] === "string") this.#pending.get(item["id"])?.resolve(answer);
    }
  }

  /** The stream has ended: whoever waits is told at once. */
  protected end(reason: string, closedHere: boolean): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    for (const waiting of [...this.#pending.values()]) {
      waiting.reject(this.failed({ kind: "closed", text: reason, sent: true }));
    }
    this.messages.close();
    if (!closedHere) this.onlost?.(reason);
  }

  /** Fails everything under way for another reason than the end of the stream. */
  protected failAll(error: Error): void {
    for (const waiting of [...this.#pending.values()]) waiting.reject(error);
  }
}
