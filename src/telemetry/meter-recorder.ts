import type {
  Attributes,
  BatchObservableCallback,
  Counter,
  Histogram,
  Meter,
  ObservableUpDownCounter,
  UpDownCounter,
} from "@opentelemetry/api";
import type { RuntimeEvents } from "../kernel/index.ts";
import type { Api } from "./api.ts";
import { ATTRIBUTES, DURATION_BOUNDS, METRICS, SCOPE } from "./names.ts";

/** A session as the gauge counts it. */
export interface CountedSession {
  readonly provider: string;
  readonly state: string;
}

/** What is counted beside the events. */
export interface CountedWorld {
  /** Sessions as they are now. */
  sessions(): Iterable<CountedSession>;
  isCapability(id: string): boolean;
}

/** Different ids a metric may be split by; the calls of further ones are counted together. */
const MOST_CAPABILITIES = 500;
const OTHER = "_other";

/**
 * Counts and durations. What they are split by is bounded whatever comes from outside: providers, states, codes of
 * errors, and the ids of capabilities that exist, up to a limit.
 */
export class MeterRecorder {
  readonly #opens: Counter;
  readonly #openDuration: Histogram;
  readonly #reuses: Counter;
  readonly #losses: Counter;
  readonly #closes: Counter;
  readonly #waits: Counter;
  readonly #acquireDuration: Histogram;
  readonly #activeCalls: UpDownCounter;
  readonly #callDuration: Histogram;
  readonly #attempts: Counter;
  readonly #replays: Counter;
  readonly #rejections: Counter;
  readonly #refusals: Counter;
  readonly #delays: Counter;
  readonly #retries: Counter;
  readonly #shared: Counter;
  readonly #cacheLookups: Counter;
  readonly #breakerChanges: Counter;
  /** Calls whose start was counted: an SDK may have come while others were under way. */
  readonly #active = new Set<string>();
  readonly #capabilities = new Set<string>();
  readonly #world: CountedWorld;
  readonly #stop: () => void;

  constructor(api: Api, world: CountedWorld) {
    this.#world = world;
    const meter = api.metrics.getMeter(SCOPE);
    const counter = (of: keyof typeof METRICS): Counter => meter.createCounter(METRICS[of].name, METRICS[of]);
    const histogram = (of: keyof typeof METRICS): Histogram =>
      meter.createHistogram(METRICS[of].name, {
        ...METRICS[of],
        advice: { explicitBucketBoundaries: DURATION_BOUNDS },
      });
    this.#opens = counter("opens");
    this.#openDuration = histogram("openDuration");
    this.#reuses = counter("reuses");
    this.#losses = counter("losses");
    this.#closes = counter("closes");
    this.#waits = counter("waits");
    this.#acquireDuration = histogram("acquireDuration");
    this.#activeCalls = meter.createUpDownCounter(METRICS.activeCalls.name, METRICS.activeCalls);
    this.#callDuration = histogram("callDuration");
    this.#attempts = counter("attempts");
    this.#replays = counter("replays");
    this.#rejections = counter("rejections");
    this.#refusals = counter("refusals");
    this.#delays = counter("delays");
    this.#retries = counter("retries");
    this.#shared = counter("shared");
    this.#cacheLookups = counter("cacheLookups");
    this.#breakerChanges = counter("breakerChanges");
    this.#stop = observeSessions(meter, () => world.sessions());
  }

  sessionOpened({ provider, durationMs }: RuntimeEvents["sessionOpened"]): void {
    this.#opens.add(1, { [ATTRIBUTES.provider]: provider });
    this.#openDuration.record(durationMs / 1000, { [ATTRIBUTES.provider]: provider });
  }

  sessionOpenFailed({ provider, error }: RuntimeEvents["sessionOpenFailed"]): void {
    this.#opens.add(1, { [ATTRIBUTES.provider]: provider, [ATTRIBUTES.error]: error.code });
  }

  sessionReused({ provider }: RuntimeEvents["sessionReused"]): void {
    this.#reuses.add(1, { [ATTRIBUTES.provider]: provider });
  }

  sessionLost({ provider }: RuntimeEvents["sessionLost"]): void {
    this.#losses.add(1, { [ATTRIBUTES.provider]: provider });
  }

  sessionClosed({ provider }: RuntimeEvents["sessionClosed"]): void {
    this.#closes.add(1, { [ATTRIBUTES.provider]: provider });
  }

  attemptStarted({ provider, attempt, waitedMs }: RuntimeEvents["attemptStarted"]): void {
    const attributes = { [ATTRIBUTES.provider]: provider };
    this.#attempts.add(1, attributes);
    if (attempt > 1) this.#replays.add(1, attributes);
    if (waitedMs > 0) {
      this.#waits.add(1, attributes);
      this.#acquireDuration.record(waitedMs / 1000, attributes);
    }
  }

  callStarted({ callId }: RuntimeEvents["callStarted"]): void {
    this.#active.add(callId);
    this.#activeCalls.add(1);
  }

  callEnded({ callId, capabilityId, durationMs, attempts, error }: RuntimeEvents["callEnded"]): void {
    if (this.#active.delete(callId)) this.#activeCalls.add(-1);
    const attributes: Attributes = error === undefined ? {} : { [ATTRIBUTES.error]: error.code };
    if (error !== undefined && attempts === 0) this.#rejections.add(1, attributes);
    this.#callDuration.record(durationMs / 1000, {
      ...attributes,
      [ATTRIBUTES.capability]: this.#counted(capabilityId),
    });
  }

  callRefused({ provider, policy, cause }: RuntimeEvents["callRefused"]): void {
    this.#refusals.add(1, { [ATTRIBUTES.provider]: provider, [ATTRIBUTES.policy]: policy, [ATTRIBUTES.cause]: cause });
  }

  callDelayed({ provider, policy }: RuntimeEvents["callDelayed"]): void {
    this.#delays.add(1, { [ATTRIBUTES.provider]: provider, [ATTRIBUTES.policy]: policy });
  }

  retryScheduled({ provider, error }: RuntimeEvents["retryScheduled"]): void {
    this.#retries.add(1, { [ATTRIBUTES.provider]: provider, [ATTRIBUTES.error]: error.code });
  }

  callShared({ provider }: RuntimeEvents["callShared"]): void {
    this.#shared.add(1, { [ATTRIBUTES.provider]: provider });
  }

  cacheHit({ provider, stale }: RuntimeEvents["cacheHit"]): void {
    this.#cacheLookups.add(1, { [ATTRIBUTES.provider]: provider, [ATTRIBUTES.cacheResult]: stale ? "stale" : "hit" });
  }

  cacheMissed({ provider }: RuntimeEvents["cacheMissed"]): void {
    this.#cacheLookups.add(1, { [ATTRIBUTES.provider]: provider, [ATTRIBUTES.cacheResult]: "miss" });
  }

  breakerChanged({ provider, to }: RuntimeEvents["breakerChanged"]): void {
    this.#breakerChanges.add(1, { [ATTRIBUTES.provider]: provider, [ATTRIBUTES.breakerState]: to });
  }

  close(): void {
    this.#stop();
  }

  /** What is called is anybody's text until a capability of that id is known. */
  #counted(id: string): string {
    if (this.#capabilities.has(id)) return id;
    if (this.#capabilities.size >= MOST_CAPABILITIES || !this.#world.isCapability(id)) return OTHER;
    this.#capabilities.add(id);
    return id;
  }
}

/** Counted when somebody reads, so that no change of a state can be missed. */
function observeSessions(meter: Meter, sessions: () => Iterable<CountedSession>): () => void {
  const gauge: ObservableUpDownCounter = meter.createObservableUpDownCounter(METRICS.sessions.name, METRICS.sessions);
  // What has been counted once goes on to be told, as 0: an SDK would repeat the last count of what is left out.
  const counts = new Map<string, { readonly attributes: Attributes; count: number }>();
  let current: (() => Iterable<CountedSession>) | undefined = sessions;
  const observe: BatchObservableCallback = (result) => {
    for (const entry of counts.values()) entry.count = 0;
    for (const { provider, state } of current?.() ?? []) {
      const key = `${provider} ${state}`;
      let entry = counts.get(key);
      if (entry === undefined) {
        entry = { attributes: { [ATTRIBUTES.provider]: provider, [ATTRIBUTES.sessionState]: state }, count: 0 };
        counts.set(key, entry);
      }
      entry.count++;
    }
    for (const { attributes, count } of counts.values()) result.observe(gauge, count, attributes);
    if (current === undefined) meter.removeBatchObservableCallback(observe, [gauge]);
  };
  meter.addBatchObservableCallback(observe, [gauge]);
  // The next reading still tells that there are none any more.
  return () => void (current = undefined);
}
