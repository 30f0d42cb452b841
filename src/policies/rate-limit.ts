import { isCcosError, isJsonObject, type CcosError, type JsonValue, type RateNews } from "../kernel/index.ts";
import type { RateLimitSettings } from "./policy-settings.ts";
import type { Policy, PolicyCall, Work } from "./policy.ts";
import { Shelf } from "./shelf.ts";
import { eventOf, refuse, refusedBy, type PolicySurroundings } from "./surroundings.ts";
import { TenantLimits } from "./tenant-limits.ts";
import type { BucketTerms } from "./token-bucket.ts";

/**
 * Lets one identity make no more than `limit` calls per `interval_ms` to one peer. A call whose turn comes within
 * its time waits for it, in order; any other is refused at once with `rate-limited` and the time to wait.
 *
 * It learns, limit or none: when the peer refuses with a time to wait, or says that it takes no more calls for a
 * while, that identity (and no other) pauses there, `max_pause_ms` at most.
 */
export function createRateLimit(around: PolicySurroundings): Policy {
  return new RateLimit(around);
}

interface Terms {
  /** Equal for equal settings: calls with the same share a bucket. */
  readonly key: string;
  readonly bucket: BucketTerms | undefined;
}

class RateLimit implements Policy {
  readonly name = "rate-limit";
  readonly #around: PolicySurroundings;
  /** By tenant. */
  readonly #limits: Shelf<TenantLimits>;
  readonly #terms = new WeakMap<RateLimitSettings, Terms>();

  constructor(around: PolicySurroundings) {
    this.#around = around;
    this.#limits = new Shelf(
      () => new TenantLimits(around.clock),
      (limits) => limits.isIdle,
    );
  }

  applies(call: PolicyCall): boolean {
    return call.settings.rateLimit !== undefined;
  }

  execute(call: PolicyCall, next: Work): Promise<JsonValue> {
    const settings = call.settings.rateLimit;
    if (settings === undefined) return next(call);
    const terms = this.#termsOf(settings);
    // Without a limit there is nothing to keep until the peer has something to say.
    const limits = terms.bucket === undefined ? this.#limits.peek(call.tenant) : this.#limits.of(call.tenant);
    if (limits === undefined) return this.#listening(call, next);
    return this.#limited(call, next, settings, limits, terms);
  }

  async #limited(
    call: PolicyCall,
    next: Work,
    settings: RateLimitSettings,
    limits: TenantLimits,
    terms: Terms,
  ): Promise<JsonValue> {
    await this.#enter(call, settings, limits, terms);
    try {
      return await this.#listening(call, next);
    } finally {
      limits.ended();
    }
  }

  /** Runs the call, and learns from its refusal. */
  #listening(call: PolicyCall, next: Work): Promise<JsonValue> {
    return next(call).catch((error: unknown) => {
      if (isCcosError(error)) this.#learnFrom(error, call);
      throw error;
    });
  }

  learn(call: PolicyCall, news: RateNews): void {
    const settings = call.settings.rateLimit;
    if (settings?.learn !== true || !(news.remaining >= 0) || !(news.resetMs > 0)) return;
    const resetMs = Math.min(news.resetMs, settings.maxPauseMs);
    if (resetMs === 0) return;
    const remaining = Math.floor(news.remaining);
    const limits = this.#limits.of(call.tenant);
    const pauses = limits.learn({ remaining, resetMs }, (waiting, waitMs) => this.#refusal(waiting, waitMs));
    if (pauses) this.#around.events.emit("rateLearned", { ...eventOf(call), remaining, resetMs });
  }

  close(reason: CcosError): void {
    for (const limits of this.#limits.all()) limits.close(reason);
  }

  /** Undefined where the call may go at once, else its turn. */
  #enter(
    call: PolicyCall,
    settings: RateLimitSettings,
    limits: TenantLimits,
    { key, bucket }: Terms,
  ): Promise<void> | undefined {
    const waitMs = limits.waitMs(key, bucket);
    if (waitMs === 0) {
      limits.take(key, bucket);
      return undefined;
    }
    if (waitMs >= call.remainingMs()) throw this.#refusal(call, waitMs);
    if (limits.waiting(key) >= settings.maxQueue) throw this.#queueFull(call, waitMs, settings);
    this.#around.events.emit("callDelayed", { ...eventOf(call), policy: this.name, waitMs: Math.ceil(waitMs) });
    return limits.join(key, bucket, call);
  }

  #termsOf(settings: RateLimitSettings): Terms {
    let terms = this.#terms.get(settings);
    if (terms === undefined) {
      const { limit, intervalMs } = settings;
      const burst = settings.burst ?? limit ?? 0;
      const bucket = limit === undefined ? undefined : { limit, intervalMs, burst };
      terms = { key: bucket === undefined ? "" : `${limit}/${intervalMs}/${burst}`, bucket };
      this.#terms.set(settings, terms);
    }
    return terms;
  }

  #learnFrom(error: CcosError, call: PolicyCall): void {
    if (refusedBy(error) !== undefined) return;
    if (error.code === "rate-limited" && error.retryAfterMs !== undefined) {
      this.learn(call, { remaining: 0, resetMs: error.retryAfterMs });
    }
    const said = error.details?.["rateLimit"];
    if (!isJsonObject(said)) return;
    const { remaining, resetMs } = said;
    if (typeof remaining === "number" && typeof resetMs === "number") this.learn(call, { remaining, resetMs });
  }

  #refusal(call: PolicyCall, waitMs: number): CcosError {
    const retryAfterMs = Math.ceil(waitMs);
    return refuse(this.#around, call, {
      policy: this.name,
      cause: "rate-limited",
      code: "rate-limited",
      message: `${call.endpoint} takes the next call of this identity in ${retryAfterMs} ms, and ${Math.floor(call.remainingMs())} ms are left for this one.`,
      remedy: "Call again after that time, give the call more time, or call less often.",
      retryAfterMs,
    });
  }

  #queueFull(call: PolicyCall, waitMs: number, { maxQueue }: RateLimitSettings): CcosError {
    return refuse(this.#around, call, {
      policy: this.name,
      cause: "queue-full",
      code: "rate-limited",
      message: `${maxQueue} calls to ${call.endpoint} wait for their turn already, which is all that may (:rate_limit :max_queue).`,
      remedy: "Call less often, or raise :max_queue.",
      retryAfterMs: Math.ceil(waitMs),
    });
  }
}
