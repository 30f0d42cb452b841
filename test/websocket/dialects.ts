import type { IncomingMessage } from "node:http";

import type { JsonObject, JsonValue } from "../../src/kernel/index.ts";

/** One of the ways in which peers tell answers apart, with a way of saying who one is. */
export interface Dialect {
  /** What a capability declares; the address and the variable are added. */
  readonly block: JsonObject;
  /** What a capability that streams declares besides. */
  readonly streamBlock: JsonObject;
  readonly inOrder: boolean;
  /** Who logs in with a message does it with this operation. */
  readonly loginOp: string | undefined;
  tokenOf(request: IncomingMessage): string | undefined;
  parse(message: JsonObject): { readonly id: JsonValue | undefined; readonly op: string; readonly args: JsonObject };
  answer(id: JsonValue | undefined, result: JsonValue): JsonObject;
  refusal(id: JsonValue | undefined, code: number, text: string, data: JsonObject | undefined): JsonObject;
  event(stream: string, value: JsonValue): JsonObject;
  done(stream: string): JsonObject;
}

/** JSON-RPC 2.0, with a token in a header. */
export const jsonRpc: Dialect = {
  block: {
    method: "echo",
    correlate: "json-rpc",
    cancel: { method: "cancel", params: { id: "{$id}" } },
    error_codes: { "-32001": "session-lost" },
    retry_after_path: "data.retry_after",
  },
  streamBlock: {
    method: "count",
    subscribe: {
      id_path: "result.stream",
      events: { method: "item", "params.stream": "{$subscription}" },
      value_path: "params.value",
      complete: { method: "done", "params.stream": "{$subscription}" },
      unsubscribe: { method: "stop", params: { stream: "{$subscription}" } },
    },
  },
  inOrder: false,
  loginOp: undefined,
  tokenOf: (request) => /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1],
  parse: ({ id, method, params }) => ({ id, op: method as string, args: params as JsonObject }),
  answer: (id, result) => ({ jsonrpc: "2.0", id: id ?? null, result }),
  refusal: (id, code, message, data) => ({
    jsonrpc: "2.0",
    id: id ?? null,
    error: { code, message, ...(data && { data }) },
  }),
  event: (stream, value) => ({ jsonrpc: "2.0", method: "item", params: { stream, value } }),
  done: (stream) => ({ jsonrpc: "2.0", method: "done", params: { stream } }),
};

/** An id of its own in a place of its own, with a login message. */
export const byId: Dialect = {
  block: {
    correlate: { id_path: "head.re", request_id_path: "head.no", id_type: "string" },
    message: { op: "echo", args: "{$input}" },
    result_path: "ok",
    error_path: "bad",
    error_code_path: "why",
    error_message_path: "text",
    error_codes: { "-32001": "session-lost" },
    retry_after_path: "more.retry_after",
    login: { message: { op: "login", args: { token: "{$token}" } } },
    cancel: { message: { op: "cancel", args: { id: "{$id}" } } },
  },
  streamBlock: {
    message: { op: "count", args: { count: "{count}" } },
    subscribe: {
      id_path: "ok.stream",
      events: { on: "{$subscription}", value: "*" },
      value_path: "value",
      complete: { on: "{$subscription}", done: true },
      unsubscribe: { message: { op: "stop", args: { stream: "{$subscription}" } } },
    },
  },
  inOrder: false,
  loginOp: "login",
  tokenOf: () => undefined,
  parse: ({ head, op, args }) => ({
    id: (head as JsonObject | undefined)?.["no"],
    op: op as string,
    args: args as JsonObject,
  }),
  answer: (id, ok) => ({ head: { re: id ?? null }, ok }),
  refusal: (id, why, text, more) => ({ head: { re: id ?? null }, bad: { why, text, ...(more && { more }) } }),
  event: (stream, value) => ({ on: stream, value }),
  done: (stream) => ({ on: stream, done: true }),
};

/** Answers in the order of requests, with a token among the subprotocols. */
export const inOrder: Dialect = {
  block: {
    correlate: "in-order",
    method: "echo",
    method_path: "op",
    params_path: "args",
    result_path: "ok",
    error_codes: { "-32001": "session-lost" },
    retry_after_path: "data.retry_after",
    subprotocols: ["line.v1"],
    auth: { type: "subprotocol", prefix: "token." },
  },
  streamBlock: {
    method: "count",
    subscribe: {
      id_path: "ok.stream",
      events: { "event.stream": "{$subscription}", "event.value": "*" },
      value_path: "event.value",
      complete: { "event.stream": "{$subscription}", "event.done": true },
      unsubscribe: { method: "stop", params: { stream: "{$subscription}" } },
    },
  },
  inOrder: true,
  loginOp: undefined,
  tokenOf: (request) => /token\.([\w-]+)/.exec(String(request.headers["sec-websocket-protocol"]))?.[1],
  parse: ({ op, args }) => ({ id: undefined, op: op as string, args: args as JsonObject }),
  answer: (_id, ok) => ({ ok }),
  refusal: (_id, code, message, data) => ({ error: { code, message, ...(data && { data }) } }),
  event: (stream, value) => ({ event: { stream, value } }),
  done: (stream) => ({ event: { stream, done: true } }),
};
