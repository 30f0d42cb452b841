import type { BreakerState } from "../kernel/index.ts";
import type { CircuitBreakerSettings } from "./policy-settings.ts";

/** What a breaker is in, with only what belongs to it. Instants are on the monotonic clock. */
export type Breaker =
  | { readonly state: "closed"; readonly failures: number }
  | { readonly state: "open"; readonly failures: number; readonly untilAt: number }
  | {
      readonly state: "half-open";
      readonly failures: number;
      /** When each call that tries began; one that takes longer than `reset_ms` no longer keeps others from trying. */
      readonly probes: readonly Probe[];
      readonly successes: number;
    }
  | { readonly state: "isolated"; readonly failures: number };

export interface Probe {
  readonly startedAt: number;
}

export const CLOSED: Breaker = { state: "closed", failures: 0 };

/** What a call showed of the peer's health; `none` where it showed nothing. */
export type Evidence = "healthy" | "ill" | "none";

/** Whether a call may go. `probe` is there where it goes as one that tries. */
export type Admission =
  | { readonly admitted: true; readonly next: Breaker; readonly probe: Probe | undefined }
  | { readonly admitted: false; readonly retryAfterMs: number | undefined };

/** While others try, nobody knows how long that takes; those who are refused ask again after this. */
const ASK_AGAIN_MS = 100;

export function admit(breaker: Breaker, settings: CircuitBreakerSettings, now: number): Admission {
  const { resetMs, halfOpenCalls } = settings;
  switch (breaker.state) {
    case "closed":
      return { admitted: true, next: breaker, probe: undefined };
    case "isolated":
      return { admitted: false, retryAfterMs: undefined };
    case "open":
      if (now < breaker.untilAt) return { admitted: false, retryAfterMs: Math.ceil(breaker.untilAt - now) };
      return admit({ state: "half-open", failures: breaker.failures, probes: [], successes: 0 }, settings, now);
    case "half-open": {
      const trying = breaker.probes.filter((probe) => now - probe.startedAt < resetMs);
      if (trying.length + breaker.successes >= halfOpenCalls)
        return { admitted: false, retryAfterMs: Math.min(resetMs, ASK_AGAIN_MS) };
      const probe: Probe = { startedAt: now };
      return { admitted: true, next: { ...breaker, probes: [...trying, probe] }, probe };
    }
  }
}

/** What a call that was admitted leaves behind. */
export function settle(
  breaker: Breaker,
  evidence: Evidence,
  probe: Probe | undefined,
  { failures: most, resetMs, halfOpenCalls }: CircuitBreakerSettings,
  now: number,
): Breaker {
  const failures = breaker.failures + 1;
  switch (breaker.state) {
    case "closed":
      if (evidence === "healthy") return CLOSED;
      if (evidence === "none") return breaker;
      return failures >= most ? { state: "open", failures, untilAt: now + resetMs } : { state: "closed", failures };
    case "half-open": {
      // Calls from before it opened decide nothing now: they tell of then.
      if (probe === undefined || !breaker.probes.includes(probe)) return breaker;
      if (evidence === "ill") return { state: "open", failures, untilAt: now + resetMs };
      const successes = breaker.successes + (evidence === "healthy" ? 1 : 0);
      if (successes >= halfOpenCalls) return CLOSED;
      return { ...breaker, probes: breaker.probes.filter((other) => other !== probe), successes };
    }
    case "open":
    case "isolated":
      return breaker;
  }
}

/** As it looks at an instant: one whose time is over lets the next call try. */
export function stateAt(breaker: Breaker, now: number): BreakerState {
  return breaker.state === "open" && now >= breaker.untilAt ? "half-open" : breaker.state;
}
