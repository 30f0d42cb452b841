import type { Dispatcher } from "undici";

import type { Roster, RosterMember } from "../kernel/index.ts";
import { HttpResponse } from "./http-response.ts";

export type HttpMethod = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "TRACE";

/**
 * The lean way to a server: one shared dispatcher, told of each request what it needs and no more. The streams
 * and objects of the platform's `fetch` cost more than everything else in a warm call.
 */
export interface HttpRequest {
  readonly method: HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  /** Gives the exchange up, its body included. */
  readonly signal?: AbortSignal | undefined;
  /** Called when the request leaves: before that a failure means that it never did. */
  readonly started?: (() => void) | undefined;
  /** Holds the exchange until its body has ended, so that it can be given up without a signal of its own. */
  readonly underWay?: Roster<Exchange> | undefined;
}

/** Where a request goes: a URL as the dispatcher wants it. */
export interface HttpAddress {
  readonly origin: string;
  readonly path: string;
}

export function addressOf(url: URL): HttpAddress {
  return { origin: url.origin, path: url.pathname + url.search };
}

const MOST_REDIRECTS = 5;

/**
 * Sends one request. A redirect that keeps the method is followed within the origin only: credentials go
 * where they were meant to go. Any other answer is given back as it is.
 */
export async function send(dispatcher: Dispatcher, to: HttpAddress, request: HttpRequest): Promise<HttpResponse> {
  let { path } = to;
  for (let hop = 0; ; hop++) {
    const response = await exchange(dispatcher, to.origin, path, request);
    if (response.status < 300) return response;
    const next = hop < MOST_REDIRECTS ? redirection(response, request.method, to.origin, path) : undefined;
    if (next === undefined) return response;
    await response.discard();
    path = next;
  }
}

/** The path to go on with; undefined where the answer is none that is followed. */
function redirection(response: HttpResponse, method: string, origin: string, path: string): string | undefined {
  const { status } = response;
  const isRead = method === "GET" || method === "HEAD";
  const keepsMethod = status === 307 || status === 308 || (isRead && status >= 301 && status <= 303);
  if (!keepsMethod) return undefined;
  const location = response.header("location");
  if (location === undefined || !URL.canParse(location, origin + path)) return undefined;
  const next = new URL(location, origin + path);
  return next.origin === origin ? next.pathname + next.search : undefined;
}

/** One request and its answer, redirects included. */
export function exchange(
  dispatcher: Dispatcher,
  origin: string,
  path: string,
  request: HttpRequest,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const handler = new Exchange(request, resolve, reject);
    if (handler.over) return;
    const { method, headers, body = null } = request;
    dispatcher.dispatch({ origin, path, method, headers, body }, handler);
  });
}

/** One request and its answer, as the dispatcher tells of them. */
export class Exchange implements Dispatcher.DispatchHandler, RosterMember {
  seat = -1;
  /** The answer has ended, or will not come. */
  over = false;
  readonly #request: HttpRequest;
  readonly #resolve: (response: HttpResponse) => void;
  readonly #reject: (error: Error) => void;
  readonly #onAbort: (() => void) | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #response: HttpResponse | undefined;

  constructor(request: HttpRequest, resolve: (response: HttpResponse) => void, reject: (error: Error) => void) {
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    const { signal } = request;
    request.underWay?.add(this);
    if (signal === undefined) return;
    // First a variable: the engine takes a function that is assigned to a property for one that will live long,
    // and what such a function refers to outlives the call until the next full collection.
    const onAbort = (): void => this.abort(signal.reason as Error);
    this.#onAbort = onAbort;
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  }

  /** Gives it up: whoever waits for the answer or its body is told at once. */
  abort(reason: Error): void {
    if (this.over) return;
    this.#finish();
    this.#fail(reason);
    this.#controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Given up while the connection was being made.
    if (this.over) controller.abort(new Error("The request was given up."));
    else this.#request.started?.();
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200 || this.over) return;
    this.#response = new HttpResponse(status, headers, controller);
    this.#resolve(this.#response);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#response?.arrived(chunk);
  }

  onResponseEnd(): void {
    this.#finish();
    this.#response?.ended();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.over) return;
    this.#finish();
    this.#fail(error);
  }

  #fail(error: Error): void {
    if (this.#response === undefined) this.#reject(error);
    else this.#response.failed(error);
  }

  #finish(): void {
    this.over = true;
    this.#request.underWay?.delete(this);
    if (this.#onAbort !== undefined) this.#request.signal?.removeEventListener("abort", this.#onAbort);
  }
}
