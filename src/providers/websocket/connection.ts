import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

import type { WebSocket } from "ws";

import { abortError, oneLine, throwIfAborted, untilAborted, type Clock, type JsonValue } from "../../kernel/index.ts";
import { decodeFrame, encodeFrame } from "./frame.ts";
import { Exchange, type Outgoing } from "./exchange.ts";
import { Inbox, type Listener } from "./inbox.ts";
import type { Waiter } from "./pending.ts";
import type { RequestId } from "./request.ts";
import type { Wire } from "./wire.ts";
import { WireError, type WireFailure } from "./wire-error.ts";

export interface ConnectionOptions {
  readonly wire: Wire;
  readonly clock: Clock;
  /** Told when it ends without our doing. */
  readonly lost: (reason: string) => void;
  readonly warn: (message: string) => void;
  /** For people. */
  readonly endpoint: string;
}

/** One socket and all that goes on over it: requests that wait, listeners, and the end. */
export class Connection {
  readonly wire: Wire;
  /** The answer to the login, for messages that need what it says. */
  login: JsonValue | undefined;
  /** Frames of any kind that have come. */
  received = 0;
  /** How many streams would end a subscription with the same message. */
  readonly subscriptions = new Map<string, number>();

  readonly #socket: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #inbox: Inbox;
  readonly #writers: (() => void)[] = [];
  readonly #onEnd: (() => void)[] = [];
  /** What is below the socket, and whether what is sent gathers there for the moment. */
  #wires: Socket | undefined;
  #gathers = false;
  #ended: WireFailure | undefined;
  #closing = false;
  #messages = 0;
  #lastId = 0;

  constructor(socket: WebSocket, options: ConnectionOptions) {
    this.wire = options.wire;
    this.#socket = socket;
    this.#options = options;
    this.#inbox = new Inbox({
      correlation: options.wire.correlation,
      clock: options.clock,
      reply: (message) => this.#send(encodeFrame(this.wire.format, message, "a reply")),
      broken: (text) => this.#end({ kind: "broken", text }, 1002),
      strays: () => options.warn(`${options.endpoint} sends answers that nobody asked for; they are dropped.`),
      confused: (text) => this.abandon(text),
      cleared: () => this.#admit(),
    });
    socket.once("upgrade", ({ socket: wires }: IncomingMessage) => (this.#wires = wires));
    socket.on("message", (data, isBinary) => this.#arrived(data as Buffer, isBinary));
    socket.on("ping", () => void this.received++);
    socket.on("pong", () => void this.received++);
    socket.on("error", (error) => this.#failed(error));
    socket.on("close", (code, reason) => this.#closed(code, reason.toString("utf8")));
  }

  get isOpen(): boolean {
    return this.#ended === undefined && !this.#closing && this.#socket.readyState === this.#socket.OPEN;
  }

  get isPaused(): boolean {
    return this.#socket.isPaused;
  }

  /** Requests without an answer, and listeners. */
  get users(): number {
    return this.#inbox.users;
  }

  /** Messages that were nobody's answer although they looked like one. */
  get strayAnswers(): number {
    return this.#inbox.strayAnswers;
  }

  /**
   * Sends, and resolves with the answer; with null, once it has left, where there is none. Rejects with a `WireError`, or
   * as the signal says: then an answer that still comes is dropped.
   */
  ask(outgoing: Outgoing, givenUp?: (id: RequestId) => void): Promise<JsonValue> {
    return new Promise((resolve, reject) => {
      new Exchange(this, outgoing, { resolve, reject, givenUp }).begin();
    });
  }

  /**
   * Sends at once, or, while the peer takes nothing, when its turn has come; the waiter is told of the answer, or of the
   * end. Gives the id of the request. Rejects where the socket is gone or the signal aborts.
   */
  post(outgoing: Outgoing, waiter: Waiter): RequestId | undefined | Promise<RequestId | undefined> {
    const canSend = this.isOpen && this.#mayWrite() && outgoing.signal?.aborted !== true;
    return canSend ? this.#leave(outgoing, waiter) : this.#postLater(outgoing, waiter);
  }

  async #postLater(outgoing: Outgoing, waiter: Waiter): Promise<RequestId | undefined> {
    throwIfAborted(outgoing.signal);
    while (this.isOpen && !this.#mayWrite()) {
      await this.#turn(outgoing.signal);
      throwIfAborted(outgoing.signal);
    }
    if (!this.isOpen) throw new WireError(await untilAborted(this.whyGone(), outgoing.signal));
    return this.#leave(outgoing, waiter);
  }

  #leave(outgoing: Outgoing, waiter: Waiter): RequestId | undefined {
    const { correlation, format } = this.wire;
    const answered = outgoing.answered && correlation.kind !== "none";
    const id = answered && correlation.kind !== "in-order" ? this.#nextId() : undefined;
    const data = encodeFrame(format, outgoing.message(id), outgoing.operation);
    this.#inbox.used();
    this.resume();
    if (answered) this.#inbox.expect(id, waiter);
    outgoing.sent?.();
    this.#send(data, answered ? undefined : () => waiter.answered(null));
    return id;
  }

  giveUp(waiter: Waiter, id: RequestId | undefined): void {
    this.#inbox.giveUp(waiter, id);
  }

  /** Takes messages from now on; the first also gets what came before anybody listened. */
  listen(listener: Listener): void {
    this.resume();
    this.#inbox.listen(listener);
  }

  unlisten(listener: Listener): void {
    if (this.#inbox.unlisten(listener)) this.resume();
  }

  /** Stops reading, where that harms nobody else: false where others use the socket, too. */
  pause(): boolean {
    if (!this.isOpen || this.users > 1) return false;
    this.#socket.pause();
    return true;
  }

  resume(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  /** It is open: from now on it is used by calls. */
  ready(): void {
    this.#inbox.ready();
  }

  /** Called when it ends, by whichever side. */
  onEnd(then: () => void): void {
    if (this.#ended === undefined && !this.#closing) this.#onEnd.push(then);
    else then();
  }

  /** Why nothing can be sent any more. A peer that is about to close says why with its last word. */
  async whyGone(): Promise<WireFailure> {
    await new Promise<void>((resolve) => this.onEnd(resolve));
    const ended = this.#ended;
    if (ended?.kind === "closed") return { ...ended, sent: false };
    return { kind: "closed", code: 1006, reason: "", sent: false, fresh: false, declared: undefined };
  }

  ping(): void {
    if (this.isOpen) this.#socket.ping();
  }

  /** Whether a ping is answered, or anything else comes, within the time. */
  answersPing(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    if (!this.isOpen || signal.aborted) return Promise.resolve(false);
    this.resume();
    return new Promise((resolve) => {
      const socket = this.#socket;
      const done = (alive: boolean): void => {
        timer.cancel();
        signal.removeEventListener("abort", no);
        for (const sign of ["pong", "message"] as const) socket.off(sign, yes);
        socket.off("close", no);
        resolve(alive);
      };
      const yes = (): void => done(true);
      const no = (): void => done(false);
      const timer = this.#options.clock.setTimer(timeoutMs, no, { background: true });
      signal.addEventListener("abort", no, { once: true });
      for (const sign of ["pong", "message"] as const) socket.once(sign, yes);
      socket.once("close", no);
      socket.ping();
    });
  }

  /** Ends it because nothing good can come of it any more. */
  abandon(text: string): void {
    this.#end({ kind: "closed", code: 1006, reason: "", sent: true, fresh: false, declared: undefined, text });
  }

  /** Ends it politely because it is of no use any more. */
  async retire(reason: string, signal: AbortSignal): Promise<void> {
    if (!this.isOpen) return;
    this.#options.lost(reason);
    await this.close(signal);
  }

  /** The closing handshake, for as long as the settings say; then the socket is destroyed. */
  close(signal: AbortSignal): Promise<void> {
    this.#closing = true;
    for (const then of this.#onEnd.splice(0)) then();
    const socket = this.#socket;
    if (socket.readyState === socket.CLOSED) return Promise.resolve();
    return new Promise((resolve) => {
      const destroy = (): void => socket.terminate();
      socket.once("close", () => {
        signal.removeEventListener("abort", destroy);
        resolve();
      });
      this.resume();
      if (this.#ended !== undefined || signal.aborted) return destroy();
      signal.addEventListener("abort", destroy, { once: true });
      socket.close(1000);
    });
  }

  #nextId(): RequestId {
    const { correlation } = this.wire;
    const id = ++this.#lastId;
    return "idType" in correlation && correlation.idType === "string" ? String(id) : id;
  }

  #mayWrite(): boolean {
    return this.#socket.bufferedAmount <= this.wire.maxSendBufferBytes && !this.#inbox.owed;
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.#writers.splice(this.#writers.indexOf(go), 1);
        reject(abortError(signal as AbortSignal));
      };
      signal?.addEventListener("abort", leave, { once: true });
      this.#writers.push(go);
    });
  }

  /** Whoever waited to send looks again. */
  #admit(): void {
    if (this.#writers.length > 0 && (this.#mayWrite() || !this.isOpen)) {
      for (const go of this.#writers.splice(0)) go();
    }
  }

  /** What is sent in one turn leaves together: calls that are answered at once mostly go on at once. */
  #gather(): void {
    const wires = this.#wires;
    if (wires === undefined || this.#gathers) return;
    this.#gathers = true;
    wires.cork();
    process.nextTick(() => {
      this.#gathers = false;
      wires.uncork();
    });
  }

  #send(data: string | Buffer, done?: () => void): void {
    this.#gather();
    this.#socket.send(data, (error) => {
      // A failure to send is the end of the socket, which says so itself.
      if (error === undefined || error === null) done?.();
      this.#admit();
    });
  }

  #arrived(data: Buffer, isBinary: boolean): void {
    if (this.#ended !== undefined) return;
    this.received++;
    let message: JsonValue;
    try {
      message = decodeFrame(this.wire.format, data, isBinary);
    } catch (error) {
      const text = `A message is no JSON: ${oneLine((error as Error).message, 120)}`;
      this.#end({ kind: "broken", text }, 1007);
      return;
    }
    this.#messages++;
    const { ignore, replies } = this.wire;
    if (ignore?.matches(message, NOTHING) === true) return;
    for (const reply of replies) {
      if (!reply.match.matches(message, NOTHING)) continue;
      const said = reply.message.render({ input: null, values: { $message: message, $login: this.login } });
      this.#send(encodeFrame(this.wire.format, said ?? null, "a reply"));
      return;
    }
    this.#inbox.arrived(message, data.length);
  }

  #failed(error: Error & { readonly code?: unknown }): void {
    const code = typeof error.code === "string" ? error.code : "";
    if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") {
      this.#end({ kind: "oversize", limit: this.wire.maxResponseBytes });
    } else if (code.startsWith("WS_ERR_")) {
      this.#end({ kind: "broken", text: `A frame breaks the protocol: ${oneLine(error.message)}` });
    } else {
      this.abandon(oneLine(error.message));
    }
  }

  #closed(code: number, reason: string): void {
    const declared = this.wire.closeCodes.get(String(code));
    const fresh = this.#messages === 0;
    this.#end({ kind: "closed", code, reason: oneLine(reason), sent: true, fresh, declared });
  }

  /** Once: everybody who waits is told, and the socket is freed. */
  #end(failure: WireFailure, closeCode?: number): void {
    if (this.#ended !== undefined) return;
    this.#ended = failure;
    const socket = this.#socket;
    if (closeCode !== undefined && socket.readyState === socket.OPEN) socket.close(closeCode);
    else if (socket.readyState !== socket.CLOSED) socket.terminate();
    const error = new WireError(failure);
    this.#inbox.fail(error);
    for (const go of this.#writers.splice(0)) go();
    for (const then of this.#onEnd.splice(0)) then();
    if (!this.#closing) this.#options.lost(error.message);
  }
}

const NOTHING = { input: null } as const;
