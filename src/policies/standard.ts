import { createAttemptTimeout } from "./attempt-timeout.ts";
import { createBulkhead } from "./bulkhead.ts";
import { createCache, type ResponseCache } from "./cache.ts";
import { createCircuitBreaker, type BreakerInfo, type CircuitBreaker, type PeerName } from "./circuit-breaker.ts";
import type { Policy } from "./policy.ts";
import { createRateLimit } from "./rate-limit.ts";
import { createRetry } from "./retry.ts";
import { createSingleFlight } from "./single-flight.ts";
import type { PolicySurroundings } from "./surroundings.ts";

/** What stands between calls and their peers, for whoever operates it. */
export interface PolicyShelf {
  /** Circuit breakers of peers that are not simply well. */
  breakers(): BreakerInfo[];
  /** Lets no call through to a peer until it is released, whatever the settings. */
  isolate(peer: PeerName): void;
  /** Closes a breaker that is open or isolated. False where it was closed. */
  release(peer: PeerName): boolean;
  /** Forgets every kept answer. */
  clearCache(): void;
}

export interface StandardPolicies {
  /** For `composePolicies`, which puts them in order. */
  readonly all: readonly Policy[];
  readonly shelf: PolicyShelf;
  readonly circuitBreaker: CircuitBreaker;
  readonly cache: ResponseCache;
}

/** One of each policy; what they do for a call is in its settings. */
export function createStandardPolicies(around: PolicySurroundings): StandardPolicies {
  const circuitBreaker = createCircuitBreaker(around);
  const cache = createCache(around);
  const others = [createSingleFlight, createRetry, createRateLimit, createBulkhead, createAttemptTimeout];
  return {
    all: [cache, circuitBreaker, ...others.map((create) => create(around))],
    shelf: {
      breakers: () => circuitBreaker.list(),
      isolate: (peer) => circuitBreaker.isolate(peer),
      release: (peer) => circuitBreaker.release(peer),
      clearCache: () => cache.clear(),
    },
    circuitBreaker,
    cache,
  };
}
