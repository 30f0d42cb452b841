import {
  abortError,
  CcosError,
  EventQueue,
  stringifyJson,
  throwIfAborted,
  untilAborted,
  type Clock,
  type JsonValue,
  type StreamEvent,
  type Timer,
  valueAt,
} from "../../kernel/index.ts";
import type { SessionCall } from "../../session/handler.ts";
import type { Connection } from "./connection.ts";
import type { Listener } from "./inbox.ts";
import { readAnswer, readRefusal, refusalOf } from "./map-value.ts";
import type { Match } from "./match.ts";
import type { Operation, Subscription } from "./operation.ts";
import type { Waiter } from "./pending.ts";
import { renderRequest, type Request, type RequestId } from "./request.ts";
import type { Scope } from "./template.ts";
import { WireError } from "./wire-error.ts";

export interface StreamOptions {
  readonly connection: Connection;
  readonly operation: Operation;
  readonly subscription: Subscription;
  readonly call: SessionCall;
  readonly clock: Clock;
  readonly token: string | undefined;
}

/** The events of one subscription, or of all that comes over the socket. */
export async function* streamEvents(options: StreamOptions): AsyncGenerator<StreamEvent> {
  const stream = new SubscriptionStream(options);
  try {
    await stream.start();
    yield* stream.queue;
  } finally {
    await stream.leave();
  }
}

/** What one piece of the socket may bring after it was told to pause: frames of two bytes each, at worst. */
const MOST_IN_A_PIECE = 32 * 1024;
/** How long the peer may take to confirm that it sends no more. */
const UNSUBSCRIBE_TIMEOUT_MS = 2000;

class SubscriptionStream implements Listener, Waiter {
  key = -1;
  readonly queue: EventQueue<StreamEvent>;
  readonly #options: StreamOptions;
  /** `asking`: its answer has not come. `open`: events count. `over`: the peer sends no more. */
  #phase: "asking" | "open" | "over" = "asking";
  #left = false;
  #sent = false;
  #id: RequestId | undefined;
  #subscriptionId: JsonValue | undefined;
  /** What came before the answer said which events are ours. */
  #candidates: { readonly message: JsonValue; readonly bytes: number }[] = [];
  #counted: string | undefined;
  #lateness: Timer | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    const { connection, subscription, operation } = options;
    const most = subscription.maxBufferedEvents;
    this.queue = new EventQueue({
      what: `The stream of ${operation.name}`,
      limit: most + MOST_IN_A_PIECE,
      highWater: Math.ceil(most / 4),
      maxBytes: 2 * connection.wire.maxResponseBytes,
      onDrain: () => connection.resume(),
      onLeave: () => this.leave(),
    });
  }

  async start(): Promise<void> {
    const { connection, operation, call } = this.#options;
    throwIfAborted(call.signal);
    if (!connection.isOpen) throw new WireError(await untilAborted(connection.whyGone(), call.signal));
    call.signal.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#request === undefined) this.#phase = "open";
    connection.listen(this);
    if (this.#request === undefined) return;
    if (operation.answer === "none") this.#opens();
    this.#id = await connection.post(
      {
        message: (id) => this.#render(this.#request as Request, id),
        answered: operation.answer !== "none",
        operation: operation.name,
        signal: call.signal,
        sent: () => {
          this.#sent = true;
          call.sent();
        },
      },
      this,
    );
  }

  offer(message: JsonValue, bytes: number): boolean {
    if (this.#left) return this.#isInOrder && this.#isOurs(message);
    if (this.#phase === "over") return false;
    const { complete, failed, events } = this.#options.subscription;
    const { operation, connection } = this.#options;
    if (this.#phase === "asking" && this.#waitsForId) {
      if (this.#candidates.length < this.#options.subscription.maxBufferedEvents)
        this.#candidates.push({ message, bytes });
      return this.#isInOrder && this.#isOurs(message);
    }
    const scope = this.#scope();
    if (failed?.matches(message, scope) === true) {
      const error = valueAt(message, operation.reading.errorPath) ?? message;
      this.#ends(new WireError({ kind: "refused", refusal: refusalOf(error, operation.reading) }));
      return true;
    }
    if (complete?.matches(message, scope) === true) {
      this.#ends();
      return true;
    }
    if (events !== undefined && !events.matches(message, scope)) return false;
    // Nobody else is held up: the peer waits, and not we. Else what waits here is bounded.
    const isFull = this.queue.length >= this.#options.subscription.maxBufferedEvents;
    if (isFull && !connection.pause()) this.#overflows();
    else if (!this.queue.push(this.#eventOf(message), bytes)) connection.pause();
    return true;
  }

  answered(message: JsonValue): void {
    const { operation, subscription } = this.#options;
    if (operation.answer === "none") return;
    try {
      const { connection } = this.#options;
      if (operation.answer === "last") {
        const value = readAnswer(message, operation.reading, connection.wire.correlation);
        this.queue.push({ type: "result", value });
        this.#ends();
        return;
      }
      const refusal = readRefusal(message, operation.reading);
      if (refusal !== undefined) throw new WireError({ kind: "refused", refusal });
      this.#subscriptionId = subscription.idPath && valueAt(message, subscription.idPath);
      if (subscription.idPath !== undefined && this.#subscriptionId === undefined) {
        throw new WireError({ kind: "broken", text: "The answer does not name the subscription." });
      }
    } catch (error) {
      this.#ends(error);
      return;
    }
    this.#opens();
    // Its reader left before it had begun: now it is known what to end.
    if (this.#left) void this.#endAtPeer();
    for (const candidate of this.#candidates.splice(0)) this.offer(candidate.message, candidate.bytes);
  }

  failed(error: WireError): void {
    const { failure } = error;
    const { operation, subscription } = this.#options;
    if (failure.kind !== "closed" || operation.answer === "last") return this.#ends(error);
    // What the connection was for has been done (RFC 6455, section 7.4.1).
    if (failure.code === 1000 && this.#phase === "open" && subscription.complete === undefined) return this.#ends();
    // A subscription ends with its socket: taking it up again runs nothing twice.
    this.#ends(new WireError({ ...failure, sent: false }, error));
  }

  /** Lets go of it, and tells the peer where that is declared. Resolves when the peer has heard of it, or does not want to. */
  async leave(): Promise<void> {
    if (this.#left) return;
    this.#left = true;
    const { connection, operation, subscription, call } = this.#options;
    call.signal.removeEventListener("abort", this.#onAbort);
    this.queue.end();
    // Where answers are told by their order, its events must not be taken for some until it has ended at the peer.
    if (!this.#isInOrder) connection.unlisten(this);
    const isAsked = this.#phase === "asking" && this.#sent && operation.answer === "first" && connection.isOpen;
    if (isAsked && (this.#isInOrder || subscription.unsubscribe !== undefined)) {
      // The late answer will say what to end.
      this.#awaitLateAnswer();
      return;
    }
    await this.#endAtPeer();
  }

  async #endAtPeer(): Promise<void> {
    this.#lateness?.cancel();
    const { connection, operation } = this.#options;
    let flowsOn = false;
    if (this.#phase === "over" || !connection.isOpen) this.#uncount();
    else if (this.#phase === "asking" || operation.answer === "last") {
      connection.giveUp(this, this.#id);
      if (this.#sent && operation.answer === "last") await this.#cancel();
    } else flowsOn = !(await this.#unsubscribe());
    if (!(flowsOn && this.#isInOrder)) connection.unlisten(this);
  }

  #awaitLateAnswer(): void {
    const { connection, clock } = this.#options;
    const { correlation } = connection.wire;
    if (correlation.kind !== "in-order") return;
    const overdue = (): void =>
      connection.abandon("a subscription that was given up was never answered, so answers cannot be told apart");
    this.#lateness = clock.setTimer(correlation.lateAnswerMs, overdue, { background: true });
  }

  readonly #onAbort = (): void => this.queue.fail(abortError(this.#options.call.signal));

  get #request(): Request | undefined {
    const { operation, subscription, call } = this.#options;
    return call.resumeAfter === undefined ? operation.request : (subscription.resume ?? operation.request);
  }

  get #isInOrder(): boolean {
    return this.#options.connection.wire.correlation.kind === "in-order";
  }

  get #matches(): Match[] {
    const { events, complete, failed } = this.#options.subscription;
    return [events, complete, failed].filter((match) => match !== undefined);
  }

  get #waitsForId(): boolean {
    return this.#matches.some(({ names }) => names.has("$subscription"));
  }

  /** An event and no answer, of whichever subscription as long as ours has no name. */
  #isOurs(message: JsonValue): boolean {
    const scope = this.#scope();
    return this.#matches.some((match) => match.matches(message, scope));
  }

  #opens(): void {
    this.#phase = "open";
    const { subscription, connection } = this.#options;
    if (subscription.unsubscribe === undefined) return;
    const key = stringifyJson(this.#render(subscription.unsubscribe, undefined));
    this.#counted = key;
    connection.subscriptions.set(key, (connection.subscriptions.get(key) ?? 0) + 1);
  }

  #uncount(): number {
    const key = this.#counted;
    if (key === undefined) return 0;
    this.#counted = undefined;
    const { subscriptions } = this.#options.connection;
    const others = (subscriptions.get(key) ?? 1) - 1;
    if (others === 0) subscriptions.delete(key);
    else subscriptions.set(key, others);
    return others;
  }

  #ends(error?: unknown): void {
    this.#phase = "over";
    this.#candidates = [];
    if (error === undefined) this.queue.end();
    else this.queue.fail(error);
  }

  #overflows(): void {
    const { operation, subscription } = this.#options;
    const most = subscription.maxBufferedEvents;
    this.queue.fail(
      new CcosError(
        "interrupted",
        `The stream of ${operation.name} was ended: more than ${most} events were waiting to be taken.`,
        {
          remedy:
            "Take events faster, raise :max_buffered_events, or give the stream a session of its own (:session {:max_in_flight 1}).",
          details: { limit: "events", most },
        },
      ),
    );
    void this.leave();
  }

  async #cancel(): Promise<void> {
    const { operation } = this.#options;
    if (operation.cancel !== undefined && this.#id !== undefined) await this.#say(operation.cancel, false);
  }

  /** False where nothing was done that would stop the peer. */
  async #unsubscribe(): Promise<boolean> {
    const { connection, subscription, call } = this.#options;
    if (this.#uncount() > 0) return false;
    if (subscription.unsubscribe !== undefined) {
      const { kind } = connection.wire.correlation;
      await this.#say(subscription.unsubscribe, kind !== "none" && this.#options.operation.answer === "first");
      return true;
    }
    // Nothing would stop the peer, and nobody else is there to hear it.
    if (connection.users > (this.#isInOrder ? 1 : 0)) return false;
    await connection.retire(
      `a stream of ${call.target.operation} was left, and no message ends it`,
      AbortSignal.timeout(UNSUBSCRIBE_TIMEOUT_MS),
    );
    return true;
  }

  async #say(request: Request, answered: boolean): Promise<void> {
    const { connection, operation, clock } = this.#options;
    const late = new AbortController();
    const timer = clock.setTimer(UNSUBSCRIBE_TIMEOUT_MS, () => late.abort(), { background: true });
    const message = (id: RequestId | undefined): JsonValue => this.#render(request, id);
    try {
      await connection.ask({ message, answered, operation: operation.name, signal: late.signal });
    } catch {
      // Who is gone, or does not answer, sends nothing that anybody would take.
    } finally {
      timer.cancel();
    }
  }

  #render(request: Request, id: RequestId | undefined): JsonValue {
    const { connection, operation } = this.#options;
    return renderRequest(request, connection.wire.correlation, this.#scope(request), id, operation.name);
  }

  /** A message that is no request of the caller's has no use for the caller's input as such. */
  #scope(request?: Request): Scope {
    const { call, connection, token } = this.#options;
    return {
      input: call.input,
      values: {
        $cursor: call.resumeAfter,
        $id: this.#id,
        $login: connection.login,
        $subscription: this.#subscriptionId,
        $token: request === undefined ? undefined : token,
      },
    };
  }

  #eventOf(message: JsonValue): StreamEvent {
    const { valuePath, cursorPath } = this.#options.subscription;
    const value = valueAt(message, valuePath) ?? null;
    const cursor = cursorPath && valueAt(message, cursorPath);
    if (cursor === undefined || cursor === null) return { type: "data", value };
    return { type: "data", value, cursor: typeof cursor === "object" ? stringifyJson(cursor) : String(cursor) };
  }
}
