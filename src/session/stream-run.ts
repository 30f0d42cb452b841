import type { EventSink } from "../capability/call.ts";
import {
  CcosError,
  nestsDeeperThan,
  sleep,
  untilAborted,
  type AttemptTrace,
  type Clock,
  type ErrorCode,
  type JsonValue,
  type StreamEvent,
} from "../kernel/index.ts";
import type { StreamProgress } from "../policies/policy.ts";
import type { Lease } from "./lease.ts";
import type { SessionCall, SessionHandler } from "./handler.ts";
import type { PooledSession } from "./pooled-session.ts";

/** One attempt of a streaming call. */
export interface StreamAttempt {
  readonly handler: SessionHandler;
  readonly lease: Lease;
  readonly call: SessionCall;
  readonly trace: AttemptTrace | undefined;
  /** Told at the first event of this attempt. */
  readonly onFirst: () => void;
}

/** A stream is taken up again no more often than this, in milliseconds: a peer that cuts it each time is not hammered. */
const RESUME_PAUSE_MS = 250;

/** How long a handler may take to end a stream that has given its result, in milliseconds. */
const LEAVE_TIMEOUT_MS = 5_000;

/** As deep as values may nest that others have to write down again. */
const DEEPEST_VALUE = 1000;

/** Codes that say of a call that it did not run, which is not true of one that has given events. */
const NOT_RUN: ReadonlySet<ErrorCode> = new Set([
  "session-lost",
  "unavailable",
  "bulkhead-full",
  "acquire-timeout",
  "circuit-open",
]);

/**
 * The events of one call on their way from the handler to whoever takes them, over all its attempts.
 *
 * One event at a time: the next is asked for when the last has been taken, so a slow consumer slows the handler down,
 * and nothing gathers here. What was taken is never given again: from then on the call runs again only where the
 * handler can go on after the last item.
 */
export class StreamRun implements StreamProgress {
  readonly #sink: EventSink;
  readonly #clock: Clock;
  #delivered = 0;
  /** Of the last item that was taken; undefined as well where it had none. */
  #cursor: string | undefined;
  #hasResult = false;
  #listeners: (() => void)[] = [];
  #attemptAt = -Infinity;

  constructor(sink: EventSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  get delivered(): number {
    return this.#delivered;
  }

  get mayRunAgain(): boolean {
    return this.#delivered === 0 || this.#cursor !== undefined;
  }

  /** The call has ended with a result of its own. */
  get hasResult(): boolean {
    return this.#hasResult;
  }

  /** Its consumer wants no more, so an aborted attempt is no failure. */
  get left(): boolean {
    return this.#sink.left;
  }

  onNextEvent(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** For whoever asks meanwhile. */
  using(session: PooledSession, reused: boolean, attempts: number): void {
    const { id, provider } = session;
    this.#sink.using({ session: { id, provider, reused }, attempts });
  }

  /** Waits, where the last attempt has only just begun, before a stream is taken up again. */
  async pause(signal: AbortSignal): Promise<void> {
    const waitMs = this.#delivered === 0 ? 0 : this.#attemptAt + RESUME_PAUSE_MS - this.#clock.monotonic();
    if (waitMs > 0) await sleep(this.#clock, waitMs, signal);
  }

  /** Runs one attempt to its end. The lease is to be released when this has settled. */
  async run({ handler, lease, call, trace, onFirst }: StreamAttempt): Promise<JsonValue> {
    const { session } = lease;
    const reclaim = new AbortController();
    const signal = AbortSignal.any([call.signal, reclaim.signal]);
    const ended = Promise.withResolvers<void>();
    this.#sink.holds(ended.promise);
    lease.follow({
      reclaimed: (heldMs) => reclaim.abort(forgotten(call.capability.id, heldMs)),
      released: () => ended.resolve(),
    });
    this.#attemptAt = this.#clock.monotonic();
    // A generator works in the context of whoever asks it for the next item.
    const within = <T>(work: () => T): T => (trace === undefined ? work() : trace.run(work));
    const stream = handler.stream?.(session, { ...call, signal, resumeAfter: this.#cursor }, session.context);
    if (stream === undefined) throw new CcosError("internal", `The provider "${handler.provider}" does not stream.`);
    const iterator = stream[Symbol.asyncIterator]();
    let isFirst = true;
    let isOver = false;
    const next = async (): Promise<IteratorResult<StreamEvent, unknown>> => {
      const step = within(() => iterator.next());
      const over = (): void => void (isOver = true);
      Promise.resolve(step).then(({ done }) => done === true && over(), over);
      return await step;
    };
    try {
      for (;;) {
        lease.count(false);
        const { value: event, done } = await untilAborted(next(), signal);
        lease.count(true);
        if (done === true) return null;
        if (isFirst) onFirst();
        isFirst = false;
        for (const listener of this.#listeners.splice(0)) listener();
        checkEvent(event, handler.provider, call.capability.id);
        if (event.type === "result") {
          this.#hasResult = true;
          return event.value;
        }
        await this.#sink.give(event, signal);
        this.#delivered++;
        if (event.type === "data") this.#cursor = event.cursor;
      }
    } finally {
      // It ends its work at the peer. What goes wrong in that is nobody's business any more.
      const leaving = Promise.try(() => (isOver ? undefined : within(() => iterator.return?.()))).catch(() => {});
      // Where the call is aborted, the lease has a grace of its own, at whose end the session is given up.
      await (signal.aborted || isOver ? leaving : this.#patiently(leaving, reclaim));
    }
  }

  /** Waits for a handler that ends its work by itself, but not for ever: the result is there already. */
  async #patiently(leaving: Promise<unknown>, giveUp: AbortController): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.setTimer(LEAVE_TIMEOUT_MS, () => {
      giveUp.abort(new CcosError("canceled", `The stream did not end within ${LEAVE_TIMEOUT_MS} ms.`));
      resolve();
    });
    await Promise.race([leaving, promise]);
    timer.cancel();
  }

  /** A failure as the caller is told of it: how much had come, and nothing that speaks of trying again. */
  explain(failure: CcosError): CcosError {
    const events = this.#delivered;
    if (events === 0) return failure;
    if (!NOT_RUN.has(failure.code)) return failure.with({ details: { events } });
    const count = events === 1 ? "one event" : `${events} events`;
    return new CcosError("outcome-unknown", `The stream broke after ${count}: ${failure.message}`, {
      remedy:
        "Call again, and expect events that have come already; or ask for what comes after them, where the peer offers that.",
      details: { ...failure.details, events, code: failure.code },
      cause: failure,
    });
  }
}

function forgotten(capabilityId: string, heldMs: number): CcosError {
  return new CcosError(
    "interrupted",
    `The stream of ${JSON.stringify(capabilityId)} was ended: nobody took its next event for ${heldMs} ms (lease_timeout_ms).`,
    { remedy: "Take events as they come, leave the stream when no more are wanted, or raise :lease_timeout_ms." },
  );
}

const TYPES: readonly unknown[] = ["data", "progress", "log", "result"];

/** Handlers may be anybody's, and what they give is handed on to programs and terminals. */
function checkEvent(event: StreamEvent, provider: string, capabilityId: string): void {
  if (typeof event !== "object" || event === null || !TYPES.includes(event.type)) {
    throw new CcosError("internal", `The handler of "${provider}" gave something that is no event of a stream.`, {
      remedy: "This is a defect of the handler; please report it with what led to it.",
    });
  }
  if ("value" in event && nestsDeeperThan(event.value, DEEPEST_VALUE)) {
    throw new CcosError(
      "protocol-error",
      `An event of ${JSON.stringify(capabilityId)} nests deeper than ${DEEPEST_VALUE} levels.`,
      { remedy: "This is a fault of the service: what it gives is too deep to be handed on." },
    );
  }
}
