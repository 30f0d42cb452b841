import type { AnswerHead } from "../../http/index.ts";
import type { JsonObject, JsonValue } from "../../kernel/index.ts";

/** An error of a response, as far as it keeps to the specification. */
export interface ResponseError {
  readonly message: string;
  /** `extensions.code`, or what servers have in its place; in capitals, with underscores. */
  readonly code: string | undefined;
  readonly path: readonly (string | number)[] | undefined;
  /** As the server sent it. */
  readonly raw: JsonObject;
}

/** What went wrong between us and the server, before it is given a meaning. */
export type WireFailure =
  /** A status that is no success, and no GraphQL response with it. `now`: the wall clock when it came. */
  | { readonly kind: "status"; readonly answer: AnswerHead; readonly body: string; readonly now: number }
  /** A success of a media type that is no JSON. */
  | { readonly kind: "content"; readonly mediaType: string }
  /** A response that holds errors and nothing that could be a value. */
  | {
      readonly kind: "response";
      readonly errors: readonly ResponseError[];
      readonly status: number | undefined;
      readonly retryAfterMs: number | undefined;
      /** Part of it has run. */
      readonly executed: boolean;
      readonly data: JsonValue | undefined;
    }
  /** A WebSocket was closed; `sent` is false where the operation had not left. */
  | { readonly kind: "closed"; readonly code: number; readonly reason: string; readonly sent: boolean }
  /** What came is not what the protocol allows. */
  | { readonly kind: "broken"; readonly text: string };

/** A failure on its way to `classify`. */
export class WireError extends Error {
  readonly failure: WireFailure;
  constructor(failure: WireFailure, cause?: unknown) {
    super(failure.kind, cause === undefined ? undefined : { cause });
    this.name = "WireError";
    this.failure = failure;
  }
}
