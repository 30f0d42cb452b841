import { abortError, toCcosError, type CcosError, type JsonValue } from "../kernel/index.ts";
import { Backoff } from "./backoff.ts";
import type { RetrySettings } from "./policy-settings.ts";
import type { Policy, PolicyCall, Work } from "./policy.ts";
import { RetryBudget } from "./retry-budget.ts";
import { Shelf } from "./shelf.ts";
import { eventOf, refusedBy, shownError, type PolicySurroundings } from "./surroundings.ts";

/**
 * Runs a failed call again where that can help and does no harm:
 *
 * - `unavailable`: it never reached the peer, so after a back-off, whatever the call is;
 * - `rate-limited`: after the time the peer names, or the back-off if that is longer;
 * - `circuit-open`: when the breaker lets calls try again, if that is within `max_delay_ms`;
 * - `bulkhead-full`: after a back-off;
 * - `outcome-unknown`, and `deadline-exceeded` of one attempt: only where running it twice is harmless, or where
 *   it is known that nothing was sent.
 *
 * A stream that has given events runs again only where it can go on after the last one, and then whatever it is.
 *
 * A wait that does not fit the time left is not begun: the call fails at once, with the time to wait. An
 * `acquire-timeout` is no reason to run again: the call has waited as long as it was allowed to.
 */
export function createRetry(around: PolicySurroundings): Policy {
  return new Retry(around);
}

class Retry implements Policy {
  readonly name = "retry";
  readonly #around: PolicySurroundings;
  readonly #budgets: Shelf<RetryBudget>;
  /** Wakes a call that waits before it runs again; true says that it will not. */
  readonly #sleepers = new Set<(closing: boolean) => void>();
  #closed = false;

  constructor(around: PolicySurroundings) {
    this.#around = around;
    this.#budgets = new Shelf(
      () => new RetryBudget(around.clock),
      (budget) => budget.isIdle,
    );
  }

  applies(call: PolicyCall): boolean {
    return call.settings.retry !== undefined;
  }

  async execute(call: PolicyCall, next: Work): Promise<JsonValue> {
    const settings = call.settings.retry;
    if (settings === undefined) return next(call);
    const budget = this.#budgets.of(call.peer);
    budget.deposit();
    let backoff: Backoff | undefined;
    let delivered = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        return await next(call);
      } catch (thrown) {
        const error = toCcosError(thrown);
        // A stream that came further was well in between: what it met before does not count any more.
        if (call.stream !== undefined && call.stream.delivered > delivered) {
          delivered = call.stream.delivered;
          attempt = 1;
          backoff = undefined;
        }
        if (call.signal.aborted || attempt >= settings.maxAttempts || !mayRunAgain(error, call))
          throw tried(error, attempt);
        backoff ??= new Backoff(settings, this.#around.random);
        await this.#pause(call, settings, { error, attempt, budget, backoffMs: backoff.nextMs() });
      }
    }
  }

  close(): void {
    this.#closed = true;
    for (const wake of this.#sleepers) wake(true);
  }

  /** Waits before the next run; throws where there will be none. */
  async #pause(
    call: PolicyCall,
    settings: RetrySettings,
    failed: {
      readonly error: CcosError;
      readonly attempt: number;
      readonly budget: RetryBudget;
      readonly backoffMs: number;
    },
  ): Promise<void> {
    const { error, attempt } = failed;
    const delayMs = Math.max(failed.backoffMs, error.retryAfterMs ?? 0);
    const isOwnRefusal = refusedBy(error) !== undefined;
    if (this.#closed || (error.code === "circuit-open" && delayMs > settings.maxDelayMs)) throw tried(error, attempt);
    const remainingMs = call.remainingMs();
    if (delayMs >= remainingMs) {
      this.#refused(call, "no-time-left", delayMs);
      const left = `Trying again takes a wait of ${delayMs} ms, and ${Math.floor(remainingMs)} ms are left.`;
      throw tried(error, attempt).with({
        message: `${tried(error, attempt).message} ${left}`,
        retryAfterMs: error.retryAfterMs ?? delayMs,
      });
    }
    // What a policy of our own refused has not been seen by the peer: running it later adds nothing to its load.
    if (!isOwnRefusal && !failed.budget.withdraw(settings)) {
      this.#refused(call, "budget-used-up", delayMs);
      const text = `It was not tried again: too many calls to ${call.endpoint} fail at present (retry budget).`;
      throw tried(error, attempt).with({
        message: `${tried(error, attempt).message} ${text}`,
        retryAfterMs: error.retryAfterMs ?? delayMs,
      });
    }
    const { events } = this.#around;
    events.emit("retryScheduled", {
      ...eventOf(call),
      attempt: attempt + 1,
      delayMs,
      error: shownError(this.#around, error),
    });
    if (await this.#sleep(delayMs, call.signal)) throw tried(error, attempt);
    if (call.signal.aborted) throw abortError(call.signal);
  }

  /** True where everything closes meanwhile. */
  #sleep(ms: number, signal: AbortSignal): Promise<boolean> {
    if (ms === 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const wake = (closing: boolean): void => {
        timer.cancel();
        signal.removeEventListener("abort", onAbort);
        this.#sleepers.delete(wake);
        resolve(closing);
      };
      const onAbort = (): void => wake(false);
      const timer = this.#around.clock.setTimer(ms, () => wake(false));
      signal.addEventListener("abort", onAbort, { once: true });
      this.#sleepers.add(wake);
    });
  }

  #refused(call: PolicyCall, cause: "no-time-left" | "budget-used-up", retryAfterMs: number): void {
    this.#around.events.emit("callRefused", { ...eventOf(call), policy: this.name, cause, retryAfterMs });
  }
}

function mayRunAgain(error: CcosError, call: PolicyCall): boolean {
  const { stream } = call;
  if (stream?.mayRunAgain === false) return false;
  const isHarmless = call.idempotent || (stream !== undefined && stream.delivered > 0);
  switch (error.code) {
    case "unavailable":
    case "rate-limited":
    case "bulkhead-full":
      return true;
    case "circuit-open":
      // Without a time a person has isolated the peer, and only a person ends that.
      return error.retryAfterMs !== undefined;
    case "outcome-unknown":
      return isHarmless;
    case "deadline-exceeded":
      return isHarmless || error.details?.["sent"] === false;
    default:
      return false;
  }
}

/** The error with what was tried, once that was more than one thing. */
function tried(error: CcosError, attempts: number): CcosError {
  if (attempts === 1) return error;
  return error.with({ message: `${error.message} (Tried ${attempts} times.)`, details: { tried: attempts } });
}
