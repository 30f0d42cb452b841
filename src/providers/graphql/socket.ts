import type { IncomingMessage } from "node:http";

import type { parseMessage as Parse } from "graphql-ws/client";
import type { RawData, WebSocket } from "ws";

import { TooLarge } from "../../http/index.ts";
import { abortError, parseJson, stringifyJson, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { bodyOf, type GraphqlRequest } from "./request.ts";
import { WireError } from "./wire-error.ts";

export interface SocketOptions {
  /** The http or https form of the URL. */
  readonly url: URL;
  /** Go with the request that opens the socket. */
  readonly headers: Readonly<Record<string, string>>;
  readonly connectionInit: JsonObject | undefined;
  /** Most bytes of one message. */
  readonly maxMessageBytes: number;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** The socket has been closed, by whomever but us. */
  readonly onLost: (reason: string) => void;
}

/** What one operation on a socket hears. */
export interface OperationListener {
  /** A response, and how many bytes it took. */
  next(response: JsonValue, bytes: number): void;
  /** The server refuses the operation: the errors of a response. */
  refused(errors: JsonValue): void;
  complete(): void;
  failed(error: Error): void;
}

/** An operation that runs on a socket. */
export interface RunningOperation {
  /** Its listener cannot take more for now, or can again. */
  pause(isPaused: boolean): void;
  /** Nobody listens any more: the server is told, unless it has ended. */
  leave(): void;
}

interface Listening {
  readonly listener: OperationListener;
  isPaused: boolean;
}

const PROTOCOL = "graphql-transport-ws";
const NORMAL = 1000;
const BAD_RESPONSE = 4004;
/** A WebSocket without close frame. */
const ABNORMAL = 1006;
const LINGER_MS = 1_000;

/**
 * One socket that speaks graphql-transport-ws. It never reconnects and never repeats: what that would mean for a
 * session is decided elsewhere.
 *
 * @see https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
export class GraphqlSocket {
  readonly #socket: WebSocket;
  readonly #parse: typeof Parse;
  readonly #onLost: (reason: string) => void;
  readonly #operations = new Map<string, Listening>();
  readonly #acknowledged = Promise.withResolvers<void>();
  readonly #pongs = new Set<() => void>();
  #isOpen = false;
  #isLeaving = false;
  #closed: WireError | undefined;
  #lastId = 0;

  /** Opens it and waits until the server has acknowledged the connection. */
  static async open(options: SocketOptions): Promise<GraphqlSocket> {
    const [{ WebSocket: Socket }, { parseMessage }] = await Promise.all([import("ws"), import("graphql-ws/client")]);
    const { signal } = options;
    if (signal.aborted) throw abortError(signal);
    const socket = new Socket(options.url.href.replace(/^http/, "ws"), PROTOCOL, {
      headers: options.headers,
      maxPayload: options.maxMessageBytes,
      perMessageDeflate: false,
      followRedirects: false,
    });
    const opened = new GraphqlSocket(socket, parseMessage, options);
    const onAbort = (): void => {
      opened.#acknowledged.reject(abortError(signal));
      socket.terminate();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await opened.#acknowledged.promise;
    } catch (error) {
      opened.#isLeaving = true;
      socket.terminate();
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
    return opened;
  }

  private constructor(socket: WebSocket, parse: typeof Parse, options: SocketOptions) {
    this.#socket = socket;
    this.#parse = parse;
    this.#onLost = options.onLost;
    const { connectionInit, now } = options;
    socket.on("open", () => {
      this.#send({ type: "connection_init", ...(connectionInit && { payload: connectionInit }) });
    });
    socket.on("unexpected-response", (_request, answer) => void this.#refused(answer, now()));
    socket.on("message", (data) => this.#arrived(data));
    socket.on("error", (error) => this.#ended(faultOf(error, options.maxMessageBytes)));
    socket.on("close", (code, reason) => {
      this.#ended(new WireError({ kind: "closed", code, reason: reason.toString("utf8"), sent: true }));
    });
  }

  get isOpen(): boolean {
    return this.#isOpen && this.#closed === undefined && this.#socket.readyState === this.#socket.OPEN;
  }

  /** Starts an operation. Throws where the socket has been closed: then the operation has not left. */
  run(request: GraphqlRequest, listener: OperationListener): RunningOperation {
    if (!this.isOpen) throw this.#notSent();
    const id = String(++this.#lastId);
    const listening: Listening = { listener, isPaused: false };
    this.#operations.set(id, listening);
    this.#send({ id, type: "subscribe", payload: bodyOf(request) });
    this.#flow();
    return {
      pause: (isPaused) => {
        listening.isPaused = isPaused;
        this.#flow();
      },
      leave: () => {
        if (!this.#operations.delete(id)) return;
        if (this.isOpen) this.#send({ id, type: "complete" });
        this.#flow();
      },
    };
  }

  /** Whether the server answers a ping in time. */
  async isAlive(signal: AbortSignal): Promise<boolean> {
    if (!this.isOpen) return false;
    const answered = Promise.withResolvers<boolean>();
    const onPong = (): void => answered.resolve(true);
    const onEnd = (): void => answered.resolve(false);
    this.#pongs.add(onPong);
    signal.addEventListener("abort", onEnd, { once: true });
    this.#socket.once("close", onEnd);
    this.#send({ type: "ping" });
    try {
      return await answered.promise;
    } finally {
      this.#pongs.delete(onPong);
      signal.removeEventListener("abort", onEnd);
      this.#socket.off("close", onEnd);
    }
  }

  /** Closes it; a server that does not close its end is not waited for. */
  async close(): Promise<void> {
    this.#isLeaving = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#socket.readyState === this.#socket.CLOSED) return;
    const timer = setTimeout(() => this.#socket.terminate(), LINGER_MS);
    this.#socket.once("close", () => resolve());
    this.#socket.resume();
    this.#socket.close(NORMAL);
    await promise;
    clearTimeout(timer);
  }

  #arrived(data: RawData): void {
    const bytes = Array.isArray(data) ? 0 : data.byteLength;
    let message: ReturnType<typeof Parse>;
    try {
      // Parsed by us, so that no digit of a large integer is lost, and then checked by the protocol's own rules.
      message = this.#parse(parseJson((data as Buffer).toString("utf8")));
    } catch (error) {
      this.#broken(`A message is not of the protocol: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    switch (message.type) {
      case "connection_ack":
        this.#isOpen = true;
        this.#acknowledged.resolve();
        return;
      case "ping":
        this.#send({ type: "pong", ...(message.payload && { payload: message.payload as JsonObject }) });
        return;
      case "pong":
        for (const heard of this.#pongs) heard();
        return;
      case "next":
        this.#operations.get(message.id)?.listener.next(message.payload as unknown as JsonValue, bytes);
        return;
      case "error":
        this.#take(message.id)?.refused(message.payload as unknown as JsonValue);
        return;
      case "complete":
        this.#take(message.id)?.complete();
        return;
      default:
        this.#broken(`The server sent a ${message.type}, which only clients send.`);
    }
  }

  #take(id: string): OperationListener | undefined {
    const found = this.#operations.get(id)?.listener;
    this.#operations.delete(id);
    this.#flow();
    return found;
  }

  /** The upgrade was answered with something else. */
  async #refused(answer: IncomingMessage, now: number): Promise<void> {
    let body = "";
    answer.setEncoding("utf8");
    answer.on("error", () => {});
    try {
      for await (const chunk of answer) if ((body += String(chunk)).length > 4_000) break;
    } catch {
      // What has come says enough.
    }
    const header = (name: string): string | undefined => {
      const value = answer.headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    };
    this.#ended(new WireError({ kind: "status", answer: { status: answer.statusCode ?? 0, header }, body, now }));
    this.#socket.terminate();
  }

  #broken(text: string): void {
    this.#ended(new WireError({ kind: "broken", text }));
    this.#socket.close(BAD_RESPONSE, "Bad response");
  }

  #ended(error: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed =
      error instanceof WireError
        ? error
        : new WireError({ kind: "closed", code: ABNORMAL, reason: error.message, sent: true }, error);
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    this.#acknowledged.reject(error);
    for (const { listener } of this.#operations.values()) listener.failed(error);
    this.#operations.clear();
    if (wasOpen && !this.#isLeaving) this.#onLost(describeEnd(this.#closed));
  }

  #notSent(): WireError {
    const failure = this.#closed?.failure;
    const [code, reason] = failure?.kind === "closed" ? [failure.code, failure.reason] : [ABNORMAL, ""];
    return new WireError({ kind: "closed", code, reason, sent: false });
  }

  /** Reading stops when every operation asks for it: one that is slow must not hold up those that are not. */
  #flow(): void {
    const all = [...this.#operations.values()];
    if (all.length > 0 && all.every(({ isPaused }) => isPaused)) this.#socket.pause();
    else this.#socket.resume();
  }

  #send(message: Readonly<Record<string, unknown>>): void {
    // A failure to send shows as the end of the socket.
    this.#socket.send(stringifyJson(message), () => {});
  }
}

/** What the library refuses to read is the server's fault; anything else is the connection's. */
function faultOf(error: Error & { readonly code?: string }, limit: number): Error {
  if (error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") return new TooLarge(limit);
  return error.code?.startsWith("WS_ERR_") ? new WireError({ kind: "broken", text: error.message }, error) : error;
}

function describeEnd({ failure }: WireError): string {
  if (failure.kind !== "closed") return "The server broke the protocol.";
  return `The socket was closed (${failure.code}${failure.reason === "" ? "" : `, ${failure.reason}`}).`;
}
