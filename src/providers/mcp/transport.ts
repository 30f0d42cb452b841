import { randomBytes } from "node:crypto";

import type { JsonObject, JsonValue, RateNews } from "../../kernel/index.ts";
import { abortError } from "../../kernel/index.ts";
import { ServerMessages, type Hearer } from "./server-messages.ts";
import type { Era, RpcError, WireFailure, WireState } from "./wire-error.ts";
import { WireError } from "./wire-error.ts";

export type RpcAnswer = { readonly result: JsonValue } | { readonly error: RpcError };

export interface RequestOptions extends Hearer {
  readonly signal?: AbortSignal | undefined;
  /** Headers of this one request, where the transport has any. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Told what the answer's headers say of a rate limit, where the transport has any. */
  readonly limited?: ((news: RateNews) => void) | undefined;
  /** Called when the request is about to leave. */
  readonly sent?: (() => void) | undefined;
}

/** Server text is quoted up to this length. */
export const QUOTED = 2000;

/**
 * A way to a server: `request` gives the answer as it came over the wire.
 *
 * Every request gets an id that is unique among all holders of the session, in this process or another:
 * two requests with one id on one session would get each other's answers.
 */
export abstract class WireTransport {
  /** What the server knows the session by. */
  sessionId: string | undefined;
  era: Era | undefined;
  protocolVersion: string | undefined;

  /** Told once when the session ends without having been closed from here. */
  onlost: ((reason: string) => void) | undefined;
  /** Where what the server says of itself goes. */
  readonly messages = new ServerMessages((message) => this.notify(message));

  readonly #prefix = randomBytes(9).toString("base64url");
  #count = 0;

  abstract close(): Promise<void>;
  /** Sends a request and gives its answer. Rejects with a `WireError`, or with the reason of the signal. */
  abstract request(method: string, params: JsonObject | undefined, options?: RequestOptions): Promise<RpcAnswer>;
  /** Sends a message that has no answer. */
  abstract notify(message: JsonObject): Promise<void>;
  /** Ends the session at the server, where there is a way to. Never throws. */
  abstract terminate(signal?: AbortSignal): Promise<void>;

  /**
   * Has the server say here what belongs to no request, where it has another place for that. Resolves when it can, or
   * when it is clear that it will not: true where something may come.
   */
  listen(): Promise<boolean> {
    return Promise.resolve(true);
  }

  get state(): WireState {
    return { era: this.era, hasSessionId: this.sessionId !== undefined };
  }

  /** What the server gave to know the session by: never to be shown. */
  get secrets(): readonly string[] {
    return this.sessionId === undefined ? [] : [this.sessionId];
  }

  protected nextId(): string {
    return `${this.#prefix}.${++this.#count}`;
  }

  protected failed(failure: WireFailure, cause?: unknown): WireError {
    return new WireError(failure, this.state, cause);
  }

  /** Hands on a message that is no answer. `own`: the request on whose stream it came, where it has one. */
  protected deliver(message: JsonObject, own?: RequestOptions, size = 0): void {
    this.messages.take(message, own, size);
  }
}

/** What makes an answer of a parsed message; undefined where it is none. */
export function readAnswer(message: JsonObject): RpcAnswer | undefined {
  if ("method" in message || message["jsonrpc"] !== "2.0") return undefined;
  if (Object.hasOwn(message, "result")) return { result: message["result"] as JsonValue };
  const error = readRpcError(message);
  return error === undefined ? undefined : { error };
}

/** The error of a JSON-RPC message; undefined where there is none of the right shape. */
export function readRpcError(message: unknown): RpcError | undefined {
  const error = (message as { error?: unknown } | null | undefined)?.error;
  if (typeof error !== "object" || error === null) return undefined;
  const { code, message: text, data } = error as { code?: unknown; message?: unknown; data?: unknown };
  if (typeof code !== "number") return undefined;
  return { code, message: typeof text === "string" ? text : "", ...(data !== undefined && { data }) };
}

/** The reason a signal was aborted for, as an error. */
export function reasonOf(signal: AbortSignal): Error {
  return abortError(signal);
}
