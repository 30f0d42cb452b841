import { canonicalJson, type ErrorCode, type JsonObject, type JsonPath } from "../../kernel/index.ts";
import type { BlockReader } from "./block-reader.ts";
import type { Format } from "./frame.ts";
import type { Match } from "./match.ts";
import { readRequest, type Request } from "./request.ts";
import type { Template } from "./template.ts";

/** How an answer is known for the one of a request. */
export type Correlation =
  /** By `id`, as JSON-RPC 2.0 says. */
  | { readonly kind: "json-rpc"; readonly idType: "number" | "string" }
  /** By an id that both carry, each in its place. */
  | {
      readonly kind: "id";
      readonly idType: "number" | "string";
      readonly idPath: JsonPath;
      readonly requestIdPath: JsonPath;
    }
  /** The first answer is that of the first request. */
  | { readonly kind: "in-order"; readonly lateAnswerMs: number }
  /** Requests have no answers. */
  | { readonly kind: "none" };

/** The conversation on a socket, the same for all capabilities that share it: it is part of what tells sessions apart. */
export interface Wire {
  readonly format: Format;
  readonly correlation: Correlation;
  /** What the peer says first. Nothing is sent before. */
  readonly hello: Match | undefined;
  readonly login: Login | undefined;
  readonly heartbeat: Heartbeat | undefined;
  /** Messages that are dropped. */
  readonly ignore: Match | undefined;
  /** Messages that are answered at once, such as pings of the application. */
  readonly replies: readonly Reply[];
  readonly compression: boolean;
  /** The longest message, in bytes when inflated. */
  readonly maxResponseBytes: number;
  /** Bytes that may wait to be sent before the next request waits, too. */
  readonly maxSendBufferBytes: number;
  /** How long the peer may take to answer our close frame. */
  readonly closeTimeoutMs: number;
  /** What the peer means by its own close codes. */
  readonly closeCodes: ReadonlyMap<string, ErrorCode>;
}

export interface Login {
  readonly request: Request;
  /** The message that says yes, where that is not the answer to the request. */
  readonly ok: Match | undefined;
  /** The message that says no. */
  readonly refused: Match | undefined;
  /** Where the answer says how many seconds it is good for. */
  readonly expiresInPath: JsonPath | undefined;
  /** Sent without waiting for anything. */
  readonly unanswered: boolean;
}

export interface Heartbeat {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** What is sent; undefined: a ping of the protocol, and only where nothing has come for an interval. */
  readonly request: Request | undefined;
  /** The answer is an answer like that of a call. */
  readonly answered: boolean;
}

export interface Reply {
  readonly match: Match;
  readonly message: Template;
}

export const DEFAULT_MAX_RESPONSE_BYTES = 32 * 1024 * 1024;
const LEAST_RESPONSE_BYTES = 1024;
const DEFAULT_SEND_BUFFER_BYTES = 4 * 1024 * 1024;

/** The keys that shape the socket's conversation. */
const SHAPING = [
  "close_codes",
  "close_timeout_ms",
  "compression",
  "correlate",
  "format",
  "heartbeat",
  "hello",
  "ignore",
  "login",
  "max_send_buffer_bytes",
  "method_path",
  "params_path",
  "replies",
];

export function readWire(reader: BlockReader): Wire {
  const format = reader.choice("format", ["json", "text", "binary"], "json");
  const correlation = readCorrelation(reader);
  if (format !== "json" && (correlation.kind === "json-rpc" || correlation.kind === "id")) {
    reader.fail("format", "is not JSON, and answers are told apart by an id", 'Use :correlate "in-order" or "none".');
  }
  return {
    format,
    correlation,
    hello: reader.match("hello"),
    login: readLogin(reader, correlation),
    heartbeat: readHeartbeat(reader, correlation),
    ignore: reader.match("ignore"),
    replies: reader.inners("replies", ["match", "message"]).map((inner) => ({
      match: inner.match("match") ?? inner.fail("match", "is missing"),
      message: inner.template("message") ?? inner.fail("message", "is missing"),
    })),
    compression: reader.flag("compression", false),
    maxResponseBytes: reader.count("max_response_bytes", DEFAULT_MAX_RESPONSE_BYTES, LEAST_RESPONSE_BYTES),
    maxSendBufferBytes: reader.count("max_send_buffer_bytes", DEFAULT_SEND_BUFFER_BYTES),
    closeTimeoutMs: reader.count("close_timeout_ms", 2000),
    closeCodes: reader.codes("close_codes"),
  };
}

/** The same settings are the same text, however they were written. */
export function shapeOfWire(reader: BlockReader): string {
  const shape: JsonObject = {};
  for (const key of SHAPING) {
    const value = reader.value(key);
    if (value !== undefined) shape[key] = value;
  }
  return canonicalJson(shape) ?? "";
}

function readCorrelation(reader: BlockReader): Correlation {
  const value = reader.value("correlate");
  if (value === undefined || typeof value === "string") {
    const kind = reader.choice("correlate", ["json-rpc", "in-order", "none"], "json-rpc");
    if (kind === "json-rpc") return { kind, idType: "number" };
    return kind === "none" ? { kind } : { kind, lateAnswerMs: DEFAULT_LATE_ANSWER_MS };
  }
  const inner = reader.inner("correlate", ["kind", "id_path", "request_id_path", "id_type", "late_answer_ms"]);
  if (inner === undefined) return reader.fail("correlate", "is missing");
  const kind = inner.choice("kind", ["json-rpc", "id", "in-order", "none"], "id");
  const idType = inner.choice("id_type", ["number", "string"], "number");
  if (kind === "none") return { kind };
  if (kind === "json-rpc") return { kind, idType };
  if (kind === "in-order") return { kind, lateAnswerMs: inner.count("late_answer_ms", DEFAULT_LATE_ANSWER_MS) };
  const idPath = inner.path("id_path") ?? ["id"];
  const requestIdPath = inner.path("request_id_path") ?? idPath;
  if (idPath.length === 0 || requestIdPath.length === 0) inner.fail("id_path", "names no place");
  return { kind, idType, idPath, requestIdPath };
}

const DEFAULT_LATE_ANSWER_MS = 5000;

function readLogin(reader: BlockReader, correlation: Correlation): Login | undefined {
  const inner = reader.inner("login", ["method", "params", "message", "ok", "refused", "expires_in_path", "answer"]);
  if (inner === undefined) return undefined;
  const request = readRequest(inner, correlation, reader);
  if (request === undefined) return inner.fail("message", "is missing", "Say what to send: :message {…}, or :method.");
  const ok = inner.match("ok");
  const refused = inner.match("refused");
  const unanswered = inner.choice("answer", ["first", "none"], "first") === "none";
  if (unanswered && (ok !== undefined || refused !== undefined)) {
    inner.fail("answer", "is none, and an answer is declared", "Leave out :answer, or both :ok and :refused.");
  }
  if (!unanswered && correlation.kind === "none" && ok === undefined) {
    inner.fail(
      "ok",
      "is missing, and nothing else tells the answer",
      'Declare :ok {"type" "welcome"}, or :answer "none".',
    );
  }
  return { request, ok, refused, expiresInPath: inner.path("expires_in_path"), unanswered };
}

function readHeartbeat(reader: BlockReader, correlation: Correlation): Heartbeat | undefined {
  const value = reader.value("heartbeat");
  if (value === false || value === "false") return undefined;
  const keys = ["interval_ms", "timeout_ms", "method", "params", "message", "answer"];
  const inner = value === undefined || value === true || value === "true" ? undefined : reader.inner("heartbeat", keys);
  const request = inner && readRequest(inner, correlation, reader);
  const answered = inner?.choice("answer", ["first", "none"], "first") !== "none";
  return {
    intervalMs: inner?.count("interval_ms", 30_000) ?? 30_000,
    timeoutMs: inner?.count("timeout_ms", 10_000) ?? 10_000,
    request,
    answered: answered && correlation.kind !== "none",
  };
}
