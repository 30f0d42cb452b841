import { isJsonObject, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import type { RpcAnswer } from "./transport.ts";

/** What a server says without wanting an answer. */
export interface ServerNotification {
  readonly method: string;
  readonly params: JsonObject;
  /** The length of its text. */
  readonly size: number;
}

/** Something the server wants answered while it works. */
export interface ServerRequest {
  readonly method: string;
  readonly params: JsonObject;
  /** Undefined where it could be for any of several calls. */
  readonly capabilityId: string | undefined;
  /** Aborts when the answer is of no use any more. */
  readonly signal: AbortSignal;
}

/** A request of ours, as far as a server's messages may be about it. */
export interface Hearer {
  /** For whom the server works, where it asks back. */
  readonly capabilityId?: string | undefined;
  /**
   * Hears notifications of this request: those on the stream of its answer, and on a stream that several share those
   * with its progress token or subscription id, and, while no other call is under way, its log.
   */
  readonly heard?: ((notification: ServerNotification) => void) | undefined;
  /** As it stands in the parameters; unique on the session. */
  readonly progressToken?: string | undefined;
}

/** Requests of the server that are answered at the same time; what it asks beyond that is passed over. */
const MOST_ASKED = 64;
const PONG = Promise.resolve<RpcAnswer>({ result: {} });
const UNKNOWN = Promise.resolve<RpcAnswer>({ error: { code: -32601, message: "Method not found" } });
const INTERNAL = -32603;
const SUBSCRIPTION_ID = "io.modelcontextprotocol/subscriptionId";

interface Asked {
  readonly controller: AbortController;
  /** The request it was asked for, where that is known. */
  readonly own: Hearer | undefined;
  /** It came on the stream of that request; else it may have been asked for nobody. */
  readonly isCertain: boolean;
}

/** Brings what a server says of itself to whom it concerns: to one of the requests under way, or to the session. */
export class ServerMessages {
  /** Answers what the server asks back; undefined for what nobody here knows. */
  onasked: ((request: ServerRequest) => Promise<RpcAnswer> | undefined) | undefined;

  readonly #closing = new AbortController();
  readonly #reply: (message: JsonObject) => Promise<void>;
  /** The server's own requests that have not been answered yet. */
  readonly #asked = new Map<unknown, Asked>();
  /** Requests under way that it may talk about, by their ids. */
  readonly #under = new Map<string, Hearer>();

  readonly #listeners = new Map<(notification: ServerNotification) => void, (() => void) | undefined>();

  constructor(reply: (message: JsonObject) => Promise<void>) {
    this.#reply = reply;
  }

  /**
   * Tells of every notification, those of single requests too, until the function it gives is called. `missed` is called
   * when there was a time in which nothing could be heard.
   */
  listen(listener: (notification: ServerNotification) => void, missed?: () => void): () => void {
    this.#listeners.set(listener, missed);
    return () => void this.#listeners.delete(listener);
  }

  /** What was said for a while has been lost. */
  gap(): void {
    for (const missed of this.#listeners.values()) missed?.();
  }

  /** A request leaves. */
  begin(id: string, hearer: Hearer): void {
    if (hearer.capabilityId !== undefined || hearer.heard !== undefined) this.#under.set(id, hearer);
  }

  /** It has ended, and with it what was asked for it: where it was given up, also what may have been asked for it. */
  finish(id: string, hearer: Hearer, gaveUp: boolean): void {
    this.#under.delete(id);
    if (this.#asked.size === 0) return;
    for (const [asked, { own, isCertain, controller }] of this.#asked) {
      if (own !== hearer || !(isCertain || gaveUp)) continue;
      this.#asked.delete(asked);
      controller.abort(new Error("The call has ended."));
      // A server may wait for an answer all the same.
      const error = { code: INTERNAL, message: "The call has ended." };
      this.#reply({ jsonrpc: "2.0", id: asked as JsonValue, error }).catch(() => {});
    }
  }

  /** Aborts when the session ends, for whatever reason. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** The session ends: nobody has to answer any more. */
  close(): void {
    this.#closing.abort(new Error("The session has ended."));
    for (const { controller } of this.#asked.values()) controller.abort(new Error("The session was closed."));
    this.#asked.clear();
  }

  /**
   * A message that is no answer. `own`: the request on whose stream it came, where it has one.
   */
  take(message: JsonObject, own: Hearer | undefined, size: number): void {
    const { method, id } = message;
    if (typeof method !== "string") return;
    const params = isJsonObject(message["params"]) ? message["params"] : {};
    // Each costs an answer, and a server can ask faster than anybody can answer.
    if (id !== undefined) {
      if (this.#asked.size < MOST_ASKED) this.#answer(id, method, params, own);
      return;
    }
    if (method === "notifications/cancelled") this.#drop(params["requestId"]);
    const notification = { method, params, size };
    (own?.heard === undefined ? this.#hearerOf(method, params) : own)?.heard?.(notification);
    for (const listener of this.#listeners.keys()) listener(notification);
  }

  #drop(id: JsonValue | undefined): void {
    this.#asked.get(id)?.controller.abort(new Error("The server wants no answer any more."));
    this.#asked.delete(id);
  }

  /** The request that a notification is about, where it says so, or where only one is possible. */
  #hearerOf(method: string, params: JsonObject): Hearer | undefined {
    if (this.#under.size === 0) return undefined;
    if (method === "notifications/progress") {
      const token = params["progressToken"];
      for (const one of this.#under.values())
        if (one.progressToken !== undefined && one.progressToken === token) return one;
      return undefined;
    }
    const meta = params["_meta"];
    const subscription = isJsonObject(meta) ? meta[SUBSCRIPTION_ID] : undefined;
    if (typeof subscription === "string") return this.#under.get(subscription);
    return method === "notifications/message" ? this.#onlyCall() : undefined;
  }

  #onlyCall(): Hearer | undefined {
    let only: Hearer | undefined;
    for (const one of this.#under.values()) {
      if (one.capabilityId === undefined) continue;
      if (only !== undefined) return undefined;
      only = one;
    }
    return only;
  }

  /** Has a question answered, and sends the answer. */
  #answer(id: JsonValue, method: string, params: JsonObject, own: Hearer | undefined): void {
    const controller = new AbortController();
    const call = own?.capabilityId === undefined ? this.#onlyCall() : own;
    const asked: Asked = { controller, own: call, isCertain: call !== undefined && call === own };
    this.#asked.set(id, asked);
    const request = { method, params, capabilityId: call?.capabilityId, signal: controller.signal };
    const answer = method === "ping" ? PONG : (this.onasked?.(request) ?? UNKNOWN);
    const reply = async (): Promise<void> => {
      const given = await answer;
      if (this.#asked.get(id) !== asked) return;
      this.#asked.delete(id);
      await this.#reply({ jsonrpc: "2.0", id, ...given } as unknown as JsonObject);
    };
    // A server that cannot take the answer is not told more; its call fails by itself.
    reply().catch(() => this.#asked.delete(id));
  }
}
