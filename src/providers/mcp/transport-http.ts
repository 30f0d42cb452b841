import type { Dispatcher } from "undici";

import {
  addressOf,
  readEvents,
  send,
  TooLarge,
  type Exchange,
  type HttpAddress,
  type HttpRequest,
  type HttpResponse,
} from "../../http/index.ts";
import type { JsonObject, JsonValue } from "../../kernel/index.ts";
import { isJsonObject, parseJson, readRateHeaders, Roster, stringifyInput } from "../../kernel/index.ts";
import { asWireError, httpFailure } from "./http-failure.ts";
import type { Sending } from "./proof.ts";
import { addModernHeaders, isModern } from "./modern-headers.ts";
import { NotificationStream } from "./notification-stream.ts";
import { readAnswer, reasonOf, WireTransport, type RequestOptions, type RpcAnswer } from "./transport.ts";
import { WireError, type WireState } from "./wire-error.ts";

export interface HttpTransportOptions {
  readonly url: URL;
  /** Sent with every request: credentials, and what the capability adds. */
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
  /** How requests are sent, where each needs a proof of its own. Default: as they are. */
  readonly sending?: Sending | undefined;
  /** Most bytes of one answer. */
  readonly limit: number;
  readonly now: () => number;
}

const JSON_HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" } as const;
const CANCEL_TIMEOUT_MS = 2000;
const TERMINATE_TIMEOUT_MS = 5000;
const RESUME_TRIES = 3;
const RESUME_DELAY_MS = 1000;
const SHORTEST_RESUME_DELAY_MS = 50;
const LONGEST_RESUME_DELAY_MS = 30_000;
/** A session id is visible ASCII: anything else could not be sent back. */
const SESSION_ID = /^[\u0021-\u007e]{1,1024}$/;

/** Headers by what they were made of. */
interface StandingHeaders {
  readonly sessionId: string | undefined;
  readonly protocolVersion: string | undefined;
  readonly bare: Readonly<Record<string, string>>;
  readonly json: Readonly<Record<string, string>>;
}

/** Streamable HTTP of every revision: one POST a message, answered as JSON or as an event stream. */
export class HttpTransport extends WireTransport {
  readonly #options: HttpTransportOptions;
  readonly #address: HttpAddress;
  readonly #underWay = new Roster<Exchange>();
  readonly #sending: Sending;
  #closed = false;
  #standing: StandingHeaders | undefined;
  #notifications: NotificationStream | undefined;
  #listening: Promise<boolean> | undefined;

  constructor(options: HttpTransportOptions) {
    super();
    this.#options = options;
    this.#address = addressOf(options.url);
    this.#sending = options.sending ?? send;
  }

  override async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.messages.close();
    this.#notifications?.close();
    for (const exchange of this.#underWay) exchange.abort(new Error("The session was closed."));
  }

  override async request(
    method: string,
    params: JsonObject | undefined,
    options: RequestOptions = {},
  ): Promise<RpcAnswer> {
    if (this.#closed) throw this.failed({ kind: "closed", text: "The session is closed.", sent: false });
    const { signal } = options;
    if (signal?.aborted) throw reasonOf(signal);
    const state = this.state;
    const id = this.nextId();
    const body = stringifyInput({ jsonrpc: "2.0", id, method, ...(params && { params }) });
    let headers = this.#headers("json");
    const modern = state.era === "modern" || isModern(params);
    if (modern || options.headers !== undefined) {
      headers = { ...headers };
      if (modern) addModernHeaders(headers, method, params);
      Object.assign(headers, options.headers, JSON_HEADERS);
    }
    const underWay = this.#underWay;
    this.messages.begin(id, options);
    let sent = false;
    const started = (): void => {
      sent = true;
      options.sent?.();
    };
    try {
      const response = await this.#send({ method: "POST", headers, body, signal, started, underWay });
      if (options.limited !== undefined) {
        const news = readRateHeaders((name) => response.header(name), this.#options.now());
        if (news !== undefined) options.limited(news);
      }
      if (!isSuccess(response)) throw await this.#refusal(response, state);
      if (method === "initialize") this.#adoptSession(response);
      return await this.#readAnswer(response, id, options, state);
    } catch (error) {
      if (signal?.aborted) {
        // The modern revision reads the closed stream as the cancellation.
        if (sent && state.era === "legacy" && method !== "initialize") this.#cancel(id);
        throw reasonOf(signal);
      }
      if (this.#closed) throw new WireError({ kind: "closed", text: "The session was closed.", sent }, state, error);
      throw asWireError(error, state);
    } finally {
      this.messages.finish(id, options, signal?.aborted === true);
    }
  }

  override listen(): Promise<boolean> {
    // In the other era there is a request for it.
    if (this.era !== "legacy" || this.#closed) return Promise.resolve(false);
    this.#notifications ??= new NotificationStream({
      limit: this.#options.limit,
      open: (lastEventId, signal) => {
        const headers: Record<string, string> = { ...this.#headers("bare"), accept: "text/event-stream" };
        if (lastEventId !== undefined) headers["last-event-id"] = lastEventId;
        return this.#send({ method: "GET", headers, signal });
      },
      deliver: (message, size) => {
        if (typeof message["method"] === "string") this.deliver(message, undefined, size);
      },
      reopened: () => this.messages.gap(),
      lost: (reason) => this.onlost?.(reason),
    });
    this.#listening ??= this.#notifications.open();
    return this.#listening;
  }

  override async notify(message: JsonObject): Promise<void> {
    try {
      const headers = this.#headers("json");
      const body = stringifyInput(message);
      const response = await this.#send({ method: "POST", headers, body, underWay: this.#underWay });
      if (!isSuccess(response)) throw await this.#refusal(response, this.state);
      await response.discard();
    } catch (error) {
      throw asWireError(error, this.state);
    }
  }

  override async terminate(signal?: AbortSignal): Promise<void> {
    if (this.sessionId === undefined || this.era !== "legacy") return;
    const timeout = AbortSignal.timeout(TERMINATE_TIMEOUT_MS);
    try {
      const response = await this.#send({
        method: "DELETE",
        headers: this.#headers("bare"),
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      await response.discard();
    } catch {
      // A server that is gone has forgotten the session by itself; one that refuses keeps it until it expires.
    }
    this.sessionId = undefined;
  }

  /** What every request of the session carries, and for `json` what a message does. Not to be changed. */
  #headers(kind: "bare" | "json"): Readonly<Record<string, string>> {
    const { sessionId, protocolVersion } = this;
    let standing = this.#standing;
    // The same for almost every call: putting them together each time would cost as much as writing the request.
    if (standing === undefined || standing.sessionId !== sessionId || standing.protocolVersion !== protocolVersion) {
      const bare: Record<string, string> = { ...this.#options.headers };
      if (sessionId !== undefined) bare["mcp-session-id"] = sessionId;
      if (protocolVersion !== undefined) bare["mcp-protocol-version"] = protocolVersion;
      this.#standing = standing = { sessionId, protocolVersion, bare, json: { ...bare, ...JSON_HEADERS } };
    }
    return standing[kind];
  }

  #send(request: HttpRequest): Promise<HttpResponse> {
    return this.#sending(this.#options.dispatcher, this.#address, request);
  }

  /** What an answer that is no success says. */
  async #refusal(response: HttpResponse, state: WireState): Promise<WireError> {
    const encoding = encodingOf(response);
    if (encoding !== undefined) {
      const text = `The answer is compressed (${encoding}), which nobody asked for.`;
      response.destroy(new Error(text));
      return new WireError({ kind: "broken", text }, state);
    }
    return new WireError(httpFailure(response, await response.excerpt(), this.#options.now()), state);
  }

  #adoptSession(response: HttpResponse): void {
    const id = response.header("mcp-session-id");
    if (id === undefined || id === "") return;
    if (!SESSION_ID.test(id)) {
      throw this.failed({
        kind: "broken",
        text: "The session id that the server gave has characters no header can carry.",
      });
    }
    this.sessionId = id;
  }

  async #readAnswer(response: HttpResponse, id: string, options: RequestOptions, state: WireState): Promise<RpcAnswer> {
    const type = (response.header("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase();
    if (type === "application/json") {
      const text = response.text(this.#options.limit);
      return this.#answerOf(typeof text === "string" ? text : await text, id, options, state);
    }
    if (type === "text/event-stream") return this.#streamedAnswer(response, id, options, state);
    const text = await response.excerpt(1024);
    if (text === "" || response.status === 202 || response.status === 204) {
      throw new WireError({ kind: "cut", text: `The server said HTTP ${response.status} and gave no answer.` }, state);
    }
    throw new WireError(
      { kind: "broken", text: `The answer is ${type || "of no declared type"}, neither JSON nor an event stream.` },
      state,
    );
  }

  #answerOf(text: string, id: string, options: RequestOptions, state: WireState): RpcAnswer {
    let message: JsonValue;
    try {
      message = parseJson(text);
    } catch (error) {
      throw new WireError({ kind: "broken", text: "The answer is not JSON." }, state, error);
    }
    for (const item of Array.isArray(message) ? message : [message]) {
      const answer = this.#take(item, id, options);
      if (answer !== undefined) return answer;
    }
    throw new WireError({ kind: "broken", text: "The answer is no answer to this request." }, state);
  }

  /** The answer to `id`; anything else goes to whom it concerns. */
  #take(message: JsonValue, id: string, options: RequestOptions, size = 0): RpcAnswer | undefined {
    if (!isJsonObject(message)) return undefined;
    const answer = readAnswer(message);
    if (answer === undefined) {
      if (typeof message["method"] === "string") this.deliver(message, options, size);
      return undefined;
    }
    // An error without an id answers the only request that this POST carried.
    const own = message["id"] === id || ("error" in answer && (message["id"] ?? null) === null);
    return own ? answer : undefined;
  }

  /**
   * The answer from an event stream. A stream that breaks is taken up again where the server numbers its
   * events (in the revisions that have this); otherwise the call fails at once instead of at its deadline.
   */
  async #streamedAnswer(
    first: HttpResponse,
    id: string,
    options: RequestOptions,
    state: WireState,
  ): Promise<RpcAnswer> {
    const { signal } = options;
    let response = first;
    let lastEventId: string | undefined;
    let delayMs = RESUME_DELAY_MS;
    for (let tries = 0; ;) {
      let answer: RpcAnswer | undefined;
      let failure: unknown;
      try {
        await readEvents(response, {
          limit: this.#options.limit,
          onRetry: (ms) => {
            delayMs = Math.min(Math.max(ms, SHORTEST_RESUME_DELAY_MS), LONGEST_RESUME_DELAY_MS);
          },
          onEvent: (event) => {
            if (event.id) {
              lastEventId = event.id;
              tries = 0;
            }
            if (event.data === "" || (event.event !== undefined && event.event !== "message")) return false;
            answer = this.#takeEvent(event.data, id, options, state);
            return answer !== undefined;
          },
        });
      } catch (error) {
        if (error instanceof TooLarge || error instanceof WireError || signal?.aborted || this.#closed) throw error;
        failure = error;
      }
      if (answer !== undefined) return answer;
      const cut = new WireError({ kind: "cut", text: "The stream ended before the answer." }, state, failure);
      if (lastEventId === undefined || state.era !== "legacy") throw cut;
      for (;;) {
        if (tries++ >= RESUME_TRIES) throw cut;
        await pause(delayMs, signal);
        if (this.#closed) throw cut;
        const next = await this.#resume(lastEventId, signal);
        if (next !== undefined) {
          response = next;
          break;
        }
      }
    }
  }

  #takeEvent(data: string, id: string, options: RequestOptions, state: WireState): RpcAnswer | undefined {
    let message: JsonValue;
    try {
      message = parseJson(data);
    } catch (error) {
      throw new WireError({ kind: "broken", text: "An event of the answer is not JSON." }, state, error);
    }
    for (const item of Array.isArray(message) ? message : [message]) {
      const answer = this.#take(item, id, options, data.length);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  async #resume(lastEventId: string, signal: AbortSignal | undefined): Promise<HttpResponse | undefined> {
    const headers = { ...this.#headers("bare"), accept: "text/event-stream", "last-event-id": lastEventId };
    try {
      const response = await this.#send({ method: "GET", headers, signal, underWay: this.#underWay });
      if (response.status === 200) return response;
      await response.discard();
    } catch {
      signal?.throwIfAborted();
    }
    return undefined;
  }

  /** Tells the server that nobody waits any more. It goes out by itself: the call has already ended. */
  #cancel(id: string): void {
    const headers = this.#headers("json");
    const body = stringifyInput({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: id } });
    const signal = AbortSignal.timeout(CANCEL_TIMEOUT_MS);
    this.#send({ method: "POST", headers, body, signal }).then(
      (response) => response.discard(),
      () => {},
    );
  }
}

/** A compression that was not asked for; undefined where there is none. */
function encodingOf(response: HttpResponse): string | undefined {
  const encoding = response.header("content-encoding");
  return encoding === "identity" ? undefined : encoding;
}

function isSuccess(response: HttpResponse): boolean {
  return response.status >= 200 && response.status < 300 && encodingOf(response) === undefined;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
