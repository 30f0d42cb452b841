import { CcosError, untilAborted, type StreamEvent } from "../kernel/index.ts";
import {
  reportOf,
  type CallOutcome,
  type CallReport,
  type EventSink,
  type EventStream,
  type StreamReport,
} from "./call.ts";

type Step = IteratorResult<StreamEvent, undefined>;

interface Waiting {
  readonly resolve: (step: Step | Promise<Step>) => void;
}

/** What a call is once it runs, to the stream that hands out its events. */
export interface StreamedCall {
  abort(reason: CcosError): void;
  readonly resultTimeoutMs: number;
}

/**
 * The events of one call, for whoever iterates. The call begins when the first one is asked for; each is handed over
 * when somebody takes it, and nothing gathers here. The call's own result, where it has one, is the last event.
 */
export class CallStream implements EventStream, EventSink {
  readonly #start: (stream: CallStream) => Promise<CallOutcome & { readonly durationMs: number }>;
  #call: StreamedCall | undefined;
  #ended: Promise<void> | undefined;
  /** One that nobody has taken yet. */
  #offered: { readonly event: StreamEvent; readonly taken: () => void } | undefined;
  /** Whoever asks for more than one at once. */
  readonly #waiting: Waiting[] = [];
  #last: StreamEvent | undefined;
  #error: { readonly reason: unknown } | undefined;
  #over = false;
  #left = false;
  #released: Promise<void> = Promise.resolve();
  #report: CallReport = { session: null, attempts: 0 };
  #events = 0;
  #durationMs: number | undefined;

  constructor(start: (stream: CallStream) => Promise<CallOutcome & { readonly durationMs: number }>) {
    this.#start = start;
  }

  get report(): StreamReport {
    return { ...this.#report, events: this.#events, durationMs: this.#durationMs };
  }

  get left(): boolean {
    return this.#left;
  }

  get resultTimeoutMs(): number {
    return this.#call?.resultTimeoutMs ?? Infinity;
  }

  /** For the call: it has begun, and this is how it is ended. */
  runs(call: StreamedCall): void {
    this.#call = call;
  }

  using(report: CallReport): void {
    this.#report = report;
  }

  holds(released: Promise<void>): void {
    this.#released = released;
  }

  give(event: StreamEvent, signal: AbortSignal): Promise<void> {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      this.#events++;
      waiting.resolve({ value: event, done: false });
      return Promise.resolve();
    }
    const taken = new Promise<void>((resolve) => (this.#offered = { event, taken: resolve }));
    return untilAborted(taken, signal);
  }

  next(): Promise<Step> {
    this.#ended ??= this.#run();
    const offered = this.#offered;
    if (offered !== undefined) {
      this.#offered = undefined;
      this.#events++;
      offered.taken();
      return Promise.resolve({ value: offered.event, done: false });
    }
    if (!this.#over) return new Promise((resolve) => this.#waiting.push({ resolve }));
    const last = this.#last;
    this.#last = undefined;
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) return Promise.reject(error.reason as Error);
    return Promise.resolve(last === undefined ? { value: undefined, done: true } : { value: last, done: false });
  }

  async return(): Promise<Step> {
    this.#left = true;
    this.#last = undefined;
    this.#error = undefined;
    // One that was never begun never will be.
    this.#ended ??= Promise.resolve(this.#finish());
    if (!this.#over) this.#call?.abort(new CcosError("canceled", "Its consumer has left the stream."));
    await this.#ended;
    await this.#released;
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #run(): Promise<void> {
    try {
      const { value, hasResult, session, attempts, durationMs } = await this.#start(this);
      this.#report = { session, attempts };
      this.#durationMs = durationMs;
      if (hasResult !== false && !this.#left) {
        this.#last = { type: "result", value };
        this.#events++;
      }
    } catch (error) {
      this.#report = reportOf(error);
      if (!this.#left) this.#error = { reason: error };
    }
    this.#finish();
  }

  #finish(): void {
    this.#over = true;
    this.#offered = undefined;
    for (const { resolve } of this.#waiting.splice(0)) resolve(this.next());
  }
}
