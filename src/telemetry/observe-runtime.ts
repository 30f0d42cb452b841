import type { AttemptTrace, CallTracing, Emitter, Redactor, RuntimeEvents, Unsubscribe } from "../kernel/index.ts";
import { loadApi, registered } from "./api.ts";
import { MeterRecorder, type CountedWorld } from "./meter-recorder.ts";
import { SpanRecorder } from "./span-recorder.ts";

export interface ObserveOptions extends CountedWorld {
  readonly events: Emitter<RuntimeEvents>;
  readonly redactor: Redactor;
}

export interface Telemetry extends CallTracing, Disposable {}

/**
 * Turns what the runtime tells into spans and metrics of whatever SDK has registered itself with the OpenTelemetry
 * API, before or after this. Where none has, nothing is loaded and nothing is made.
 */
export function observeRuntime(options: ObserveOptions): Telemetry {
  return new RuntimeObserver(options);
}

class RuntimeObserver implements Telemetry {
  readonly #options: ObserveOptions;
  readonly #stops: Unsubscribe[] = [];
  #spans: SpanRecorder | undefined;
  #meters: MeterRecorder | undefined;

  constructor(options: ObserveOptions) {
    this.#options = options;
    const { events } = options;
    this.#stops.push(
      events.on("callStarted", (event) => {
        this.#begin();
        this.#spans?.callStarted(event);
        this.#meters?.callStarted(event);
      }),
      events.on("sessionOpening", () => this.#begin()),
    );
  }

  attempt(callId: string): AttemptTrace | undefined {
    return this.#spans?.attempt(callId);
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops) stop();
    this.#stops.length = 0;
    this.#spans?.close();
    this.#meters?.close();
    this.#spans = undefined;
    this.#meters = undefined;
  }

  /** Everything begins with a call, or with a session opened for one, so that is when an SDK is looked for. */
  #begin(): void {
    if (this.#spans === undefined && registered().trace !== undefined) this.#recordSpans();
    if (this.#meters === undefined && registered().metrics !== undefined) this.#recordMeters();
  }

  #recordSpans(): void {
    const spans = (this.#spans = new SpanRecorder(loadApi(), this.#options.redactor));
    const { events } = this.#options;
    this.#stops.push(
      events.on("callEnded", (event) => spans.callEnded(event)),
      events.on("attemptStarted", (event) => spans.attemptStarted(event)),
      events.on("attemptEnded", (event) => spans.attemptEnded(event)),
      events.on("retryScheduled", (event) => spans.retryScheduled(event)),
      events.on("callDelayed", (event) => spans.callDelayed(event)),
      events.on("callRefused", (event) => spans.callRefused(event)),
      events.on("cacheHit", (event) => spans.cacheHit(event)),
      events.on("callShared", (event) => spans.callShared(event)),
    );
  }

  #recordMeters(): void {
    const { events } = this.#options;
    const meters = (this.#meters = new MeterRecorder(loadApi(), this.#options));
    this.#stops.push(
      events.on("callEnded", (event) => meters.callEnded(event)),
      events.on("attemptStarted", (event) => meters.attemptStarted(event)),
      events.on("sessionOpened", (event) => meters.sessionOpened(event)),
      events.on("sessionOpenFailed", (event) => meters.sessionOpenFailed(event)),
      events.on("sessionReused", (event) => meters.sessionReused(event)),
      events.on("sessionLost", (event) => meters.sessionLost(event)),
      events.on("sessionClosed", (event) => meters.sessionClosed(event)),
      events.on("callRefused", (event) => meters.callRefused(event)),
      events.on("callDelayed", (event) => meters.callDelayed(event)),
      events.on("retryScheduled", (event) => meters.retryScheduled(event)),
      events.on("callShared", (event) => meters.callShared(event)),
      events.on("cacheHit", (event) => meters.cacheHit(event)),
      events.on("cacheMissed", (event) => meters.cacheMissed(event)),
      events.on("breakerChanged", (event) => meters.breakerChanged(event)),
    );
  }
}
