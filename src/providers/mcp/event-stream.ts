import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

import { createParser, type EventSourceMessage } from "eventsource-parser";

import { TooLarge } from "./fetch.ts";

export interface EventStreamOptions {
  /** Most bytes of one event. */
  readonly limit: number;
  /** Gives true to stop reading. */
  onEvent(event: EventSourceMessage): boolean | void;
  onRetry?(ms: number): void;
}

// A server that has answered ends its stream at once; one that does not is not waited for.
const LINGER_MS = 500;

/**
 * Reads server-sent events until the stream ends or `onEvent` has had enough. In the second case the rest is
 * read to its end in the background, so that the connection serves the next request.
 * Rejects with `TooLarge` for an event beyond the limit, and with whatever the stream fails with.
 */
export function readEvents(body: Readable, options: EventStreamOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder("utf8");
    let done = false;
    let sinceEvent = 0;
    let linger: NodeJS.Timeout | undefined;
    const finish = (error?: unknown): void => {
      done = true;
      if (error === undefined) resolve();
      else reject(error as Error);
    };
    const parser = createParser({
      onEvent(event) {
        sinceEvent = 0;
        if (done || options.onEvent(event) !== true) return;
        finish();
        linger = setTimeout(() => body.destroy(), LINGER_MS);
        linger.unref();
      },
      onRetry: (ms) => options.onRetry?.(ms),
      // Keep-alive comments are no part of an event.
      onComment: () => {
        sinceEvent = 0;
      },
    });
    body.on("data", (chunk: Buffer) => {
      if (done) return;
      sinceEvent += chunk.length;
      try {
        parser.feed(decoder.write(chunk));
        if (!done && sinceEvent > options.limit) throw new TooLarge(options.limit);
      } catch (error) {
        finish(error);
        body.destroy();
      }
    });
    body.on("error", (error) => finish(error));
    body.on("close", () => {
      clearTimeout(linger);
      finish();
    });
    body.on("end", () => finish());
  });
}
