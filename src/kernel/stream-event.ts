import type { JsonValue } from "./json.ts";

/**
 * One event of a streaming call, in the one shape that it has everywhere: for handlers, in the library, on the
 * command line (a line of JSON each) and in programs. Every member is plain JSON.
 */
export type StreamEvent = DataEvent | ProgressEvent | LogEvent | ResultEvent;

/** An item of the stream: a message, a row, a subscription's payload. */
export interface DataEvent {
  readonly type: "data";
  readonly value: JsonValue;
  /** Where the stream can be taken up again after this item, where the protocol has such a thing. */
  readonly cursor?: string;
}

/** How far the peer has come. */
export interface ProgressEvent {
  readonly type: "progress";
  readonly progress: number;
  readonly total?: number;
  readonly message?: string;
}

/** What the peer tells of its work. */
export interface LogEvent {
  readonly type: "log";
  /** As the protocol names it: `debug`, `info`, `warning`, `error` … */
  readonly level: string;
  readonly logger?: string;
  readonly value: JsonValue;
}

/** The call's own result, where it has one besides its items. The last event, and at most one. */
export interface ResultEvent {
  readonly type: "result";
  readonly value: JsonValue;
}
