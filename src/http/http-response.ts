import { StringDecoder } from "node:string_decoder";

import type { Dispatcher } from "undici";

/** More than this many bytes. */
export class TooLarge extends Error {
  readonly limit: number;
  constructor(limit: number) {
    super(`more than ${limit} bytes`);
    this.name = "TooLarge";
    this.limit = limit;
  }
}

/** What arrives before anybody reads is kept up to about this many bytes; then the server has to wait. */
const HIGH_WATER = 64 * 1024;
const BYTE_ORDER_MARK = 0xfeff;

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * An answer whose body is read at most once: as text, as an excerpt, or piece by piece. The pieces come
 * straight from the connection: a stream in between would cost a third of a small call.
 */
export class HttpResponse {
  readonly status: number;
  readonly #headers: Headers;
  readonly #controller: Dispatcher.DispatchController;
  readonly #early: Buffer[] = [];
  #size = 0;
  /** It has ended, or the connection has broken. */
  over = false;
  #failure: Error | undefined;
  #reader: BodyReader | undefined;

  constructor(status: number, headers: Headers, controller: Dispatcher.DispatchController) {
    this.status = status;
    this.#headers = headers;
    this.#controller = controller;
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /** Each value of a header that may stand there several times, such as `set-cookie`. */
  headers(name: string): readonly string[] {
    const value = this.#headers[name];
    return value === undefined ? [] : Array.isArray(value) ? value : [value];
  }

  /** The names of all headers, in lower case. */
  headerNames(): string[] {
    return Object.keys(this.#headers);
  }

  /**
   * The whole body; a promise only where it has not all arrived. Throws `TooLarge`, and closes the connection, when
   * it has more than `limit` bytes.
   */
  text(limit: number): string | Promise<string> {
    if (!this.over || this.#failure !== undefined || this.#size > limit) return this.#textInTime(limit);
    return decode(this.#early, this.#size);
  }

  async #textInTime(limit: number): Promise<string> {
    const bytes = await this.bytes(limit);
    return decode([bytes], bytes.length);
  }

  /** The whole body as it came, compressed or not. Throws `TooLarge` as `text` does. */
  async bytes(limit: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    if (Number(this.header("content-length")) > limit) this.destroy(new TooLarge(limit));
    await this.read((chunk) => {
      size += chunk.length;
      if (size > limit) throw new TooLarge(limit);
      chunks.push(chunk);
    });
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size);
  }

  /** The first bytes of a body that nobody needs whole, such as an error page; the rest is not read. */
  async excerpt(limit = 64 * 1024): Promise<string> {
    const decoder = new StringDecoder("utf8");
    let text = "";
    try {
      await this.read((chunk) => {
        text += decoder.write(chunk);
        if (text.length >= limit) throw new TooLarge(limit);
      });
    } catch {
      // What arrived before the connection broke says enough.
    }
    return text;
  }

  /** Lets go of a body that nobody reads, so that its connection can be used again. */
  async discard(): Promise<void> {
    await this.excerpt();
  }

  /**
   * Hands over the body piece by piece until it has ended. Where `onChunk` throws, the connection is closed,
   * and this rejects with what was thrown; it rejects as well when the connection breaks.
   */
  async read(onChunk: (chunk: Buffer) => void): Promise<void> {
    try {
      for (const chunk of this.#early) onChunk(chunk);
    } catch (error) {
      this.destroy(error as Error);
    }
    this.#early.length = 0;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.over) return;
    await new Promise<void>((resolve, reject) => {
      this.#reader = { onChunk, resolve, reject };
      this.#controller.resume();
    });
  }

  /** Lets the server wait while the body is being read; a piece that is on its way may still come. */
  pause(): void {
    if (!this.over) this.#controller.pause();
  }

  /** Goes on after `pause`. */
  resume(): void {
    if (!this.over) this.#controller.resume();
  }

  /** Closes the connection; whoever reads is told why. */
  destroy(reason: Error): void {
    if (this.over) {
      this.#failure ??= reason;
      return;
    }
    this.failed(reason);
    this.#controller.abort(reason);
  }

  /** A piece has arrived. */
  arrived(chunk: Buffer): void {
    if (this.over) return;
    if (this.#reader === undefined) {
      this.#early.push(chunk);
      this.#size += chunk.length;
      if (this.#size > HIGH_WATER) this.#controller.pause();
      return;
    }
    try {
      this.#reader.onChunk(chunk);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  ended(): void {
    this.over = true;
    this.#reader?.resolve();
  }

  failed(error: Error): void {
    if (this.over) return;
    this.over = true;
    this.#failure = error;
    this.#reader?.reject(error);
  }
}

function decode(chunks: readonly Buffer[], size: number): string {
  return withoutMark((chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size)).toString("utf8"));
}

/** A byte order mark is no part of what a body says. */
export function withoutMark(text: string): string {
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}

interface BodyReader {
  onChunk(chunk: Buffer): void;
  resolve(): void;
  reject(error: Error): void;
}
