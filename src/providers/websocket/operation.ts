import type { ErrorCode, JsonPath } from "../../kernel/index.ts";
import type { BlockReader } from "./block-reader.ts";
import type { Match } from "./match.ts";
import { readRequest, type Request } from "./request.ts";
import type { Wire } from "./wire.ts";

/** What one capability does on the socket. */
export interface Operation {
  /** The method, or the capability's id. */
  readonly name: string;
  /** Undefined: nothing is sent, one only listens. */
  readonly request: Request | undefined;
  /**
   * `first`: the request has an answer, before any event counts. `last`: it has one, which ends the stream.
   * `none`: it has none.
   */
  readonly answer: "first" | "last" | "none";
  readonly reading: AnswerReading;
  /** Sent when a caller gives its call up, `{$id}` being the id of its request. */
  readonly cancel: Request | undefined;
  readonly subscription: Subscription | undefined;
}

/** Where an answer holds what. */
export interface AnswerReading {
  readonly resultPath: JsonPath;
  /** Where something that is neither missing, null nor false is a refusal. */
  readonly errorPath: JsonPath;
  /** Inside the error. */
  readonly codePath: JsonPath;
  readonly messagePath: JsonPath;
  readonly retryAfterPath: JsonPath | undefined;
  readonly retryAfterUnitMs: number;
  /** What the peer means by its own codes. */
  readonly codes: ReadonlyMap<string, ErrorCode>;
}

/** The events that follow a request, or come without one. */
export interface Subscription {
  /** Where the answer names the subscription: `{$subscription}`. */
  readonly idPath: JsonPath | undefined;
  /** Which messages are its events; undefined: all that are no answers. */
  readonly events: Match | undefined;
  readonly valuePath: JsonPath;
  readonly cursorPath: JsonPath | undefined;
  /** A message that ends it. */
  readonly complete: Match | undefined;
  /** A message that says that it failed. */
  readonly failed: Match | undefined;
  /** Sent when its reader leaves. */
  readonly unsubscribe: Request | undefined;
  /** Sent instead of the request where a stream is taken up again, `{$cursor}` being where. */
  readonly resume: Request | undefined;
  readonly maxBufferedEvents: number;
}

const MOST_BUFFERED_EVENTS = 1_000_000;

const SUBSCRIBE_KEYS = [
  "id_path",
  "events",
  "value_path",
  "cursor_path",
  "complete",
  "failed",
  "unsubscribe",
  "resume",
  "max_buffered_events",
];

export function readOperation(capabilityId: string, reader: BlockReader, wire: Wire): Operation {
  const { correlation } = wire;
  const subscribe = reader.inner("subscribe", SUBSCRIBE_KEYS);
  const declared = readRequest(reader, correlation, reader);
  if (declared === undefined && subscribe === undefined && correlation.kind === "json-rpc") {
    reader.fail("method", "is missing", "Add :method; for a protocol that is not JSON-RPC, say so with :correlate.");
  }
  const request = declared ?? (subscribe === undefined ? { kind: "input" as const } : undefined);
  const answers = correlation.kind === "none" || request === undefined ? "none" : "first";
  const answer = reader.choice("answer", ["first", "last", "none"], answers);
  if (answer !== "none" && answers === "none") {
    reader.fail("answer", "is declared, and nothing tells an answer", "Declare :correlate, or leave out :answer.");
  }
  if (answer === "none" && request !== undefined && correlation.kind === "in-order") {
    reader.fail("answer", "is none, and answers are told by their order", "Each request has to have one then.");
  }
  const operation: Operation = {
    name: reader.text("method") ?? capabilityId,
    request,
    answer,
    reading: readAnswerPaths(reader, wire, request),
    cancel: readCancel(reader, wire),
    subscription: subscribe && readSubscription(subscribe, reader, wire),
  };
  refuseWhatCannotBe(operation, wire, subscribe);
  return operation;
}

function readCancel(reader: BlockReader, { correlation }: Wire): Request | undefined {
  const inner = reader.inner("cancel", ["method", "params", "message"]);
  if (inner === undefined) return undefined;
  if (correlation.kind !== "json-rpc" && correlation.kind !== "id") {
    reader.fail(
      "cancel",
      "is declared, and requests have no id",
      "Only a request with an id can be named to the peer.",
    );
  }
  return readRequest(inner, correlation, reader) ?? inner.fail("message", "is missing", "Say what to send.");
}

function readAnswerPaths(reader: BlockReader, { correlation }: Wire, request: Request | undefined): AnswerReading {
  const enveloped = correlation.kind === "json-rpc" || (correlation.kind === "id" && request?.kind === "method");
  return {
    resultPath: reader.path("result_path") ?? (enveloped ? ["result"] : []),
    errorPath: reader.path("error_path") ?? ["error"],
    codePath: reader.path("error_code_path") ?? ["code"],
    messagePath: reader.path("error_message_path") ?? ["message"],
    retryAfterPath: reader.path("retry_after_path"),
    retryAfterUnitMs: reader.choice("retry_after_unit", ["s", "ms"], "s") === "s" ? 1000 : 1,
    codes: reader.codes("error_codes"),
  };
}

function readSubscription(reader: BlockReader, block: BlockReader, { correlation }: Wire): Subscription {
  const request = (key: string): Request | undefined => {
    const inner = reader.inner(key, ["method", "params", "message"]);
    if (inner === undefined) return undefined;
    return readRequest(inner, correlation, block) ?? inner.fail("message", "is missing", "Say what to send.");
  };
  return {
    idPath: reader.path("id_path"),
    events: reader.match("events"),
    valuePath: reader.path("value_path") ?? (correlation.kind === "json-rpc" ? ["params"] : []),
    cursorPath: reader.path("cursor_path"),
    complete: reader.match("complete"),
    failed: reader.match("failed"),
    unsubscribe: request("unsubscribe"),
    resume: request("resume"),
    maxBufferedEvents: reader.count(
      "max_buffered_events",
      block.count("max_buffered_events", 1024, 1, MOST_BUFFERED_EVENTS),
      1,
      MOST_BUFFERED_EVENTS,
    ),
  };
}

function refuseWhatCannotBe(
  { answer, request, subscription }: Operation,
  wire: Wire,
  reader: BlockReader | undefined,
): void {
  if (subscription === undefined || reader === undefined) return;
  if (wire.correlation.kind === "in-order" && subscription.events === undefined) {
    reader.fail("events", "is missing", "Where answers are told by their order, events have to be told from them.");
  }
  if (subscription.idPath !== undefined && answer !== "first") {
    reader.fail("id_path", "is declared, and no answer comes first");
  }
  if (subscription.idPath === undefined && subscription.events?.names.has("$subscription") === true) {
    reader.fail("id_path", "is missing", "Say where the answer holds what {$subscription} stands for.");
  }
  const asksFromCursor = subscription.resume !== undefined || (request !== undefined && namesCursor(request));
  if (asksFromCursor !== (subscription.cursorPath !== undefined)) {
    reader.fail(
      "cursor_path",
      asksFromCursor ? "is missing" : "is declared, and no message says where to go on",
      "To take up a broken stream again, declare :cursor_path, and :resume or a place {$cursor} in the request.",
    );
  }
}

function namesCursor(request: Request): boolean {
  if (request.kind === "message") return request.template.names.has("$cursor");
  return request.kind === "method" && request.params?.names.has("$cursor") === true;
}
