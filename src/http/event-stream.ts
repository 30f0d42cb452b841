import { StringDecoder } from "node:string_decoder";

import type { createParser as Create, EventSourceMessage } from "eventsource-parser";

import { TooLarge, type HttpResponse } from "./http-response.ts";

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
export function readEvents(response: HttpResponse, options: EventStreamOptions): Promise<void> {
  if (createParser !== undefined) return read(createParser, response, options);
  return import("eventsource-parser").then((parser) => {
    createParser = parser.createParser;
    return read(createParser, response, options);
  });
}

// Loaded with the first stream, and then at hand without another turn.
let createParser: typeof Create | undefined;

function read(create: typeof Create, response: HttpResponse, options: EventStreamOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder("utf8");
    let done = false;
    let tooLarge = false;
    let linger: NodeJS.Timeout | undefined;
    const parser = create({
      onEvent(event) {
        if (!done) done = options.onEvent(event) === true;
      },
      onRetry: (ms) => options.onRetry?.(ms),
      // What has come of an event, whatever stands between its lines.
      maxBufferSize: options.limit,
      onError(error) {
        if (error.type === "max-buffer-size-exceeded") tooLarge = true;
      },
    });
    const onChunk = (chunk: Buffer): void => {
      if (done) return;
      parser.feed(decoder.write(chunk));
      if (done) {
        resolve();
        if (!response.over)
          linger = setTimeout(() => response.destroy(new Error("The rest is not waited for.")), LINGER_MS).unref();
      } else if (tooLarge) throw new TooLarge(options.limit);
    };
    response
      .read(onChunk)
      .then(resolve, reject)
      .finally(() => clearTimeout(linger));
  });
}
