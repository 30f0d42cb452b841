import {
  isJsonObject,
  toCcosError,
  type BreakerState,
  type CcosError,
  type JsonObject,
  type JsonValue,
} from "../kernel/index.ts";
import { admit, CLOSED, settle, stateAt, type Breaker, type Evidence, type Probe } from "./breaker-state.ts";
import type { CircuitBreakerSettings } from "./policy-settings.ts";
import type { Policy, PolicyCall, Work } from "./policy.ts";
import { refuse, shownError, type PolicySurroundings } from "./surroundings.ts";

export interface PeerName {
  readonly provider: string;
  /** Where, without credentials. */
  readonly endpoint: string;
}

export interface BreakerInfo extends PeerName {
  readonly state: BreakerState;
  /** Failures in a row. */
  readonly failures: number;
  /** Milliseconds until calls may try again; undefined where they may, or where only a person can say. */
  readonly retryAfterMs: number | undefined;
}

/**
 * Leaves an ailing peer alone: after `failures` failures in a row no call goes there for `reset_ms`; then
 * `half_open_calls` may try, and close it again when they all succeed. Counted are only failures that show
 * that the peer is ill; what it answers, be it a refusal, shows that it is not.
 *
 * The state belongs to the peer (provider and endpoint); the thresholds are those of the call at hand, and a
 * call without the setting neither counts nor is refused, unless a person has isolated the peer.
 */
export interface CircuitBreaker extends Policy {
  /** Peers that are not simply well; the others are not remembered. */
  list(): BreakerInfo[];
  /** Lets no call through to a peer until `release`, whatever the settings. */
  isolate(peer: PeerName): void;
  /** Takes an isolated or open breaker back to closed. False where it was closed. */
  release(peer: PeerName): boolean;
  /** The state of all peers as JSON, on the wall clock, for another process to go on with. */
  snapshot(): JsonObject;
  /** Takes over a snapshot; peers known here already stay as they are, and what is no snapshot is left out. */
  restore(snapshot: JsonObject): void;
}

export function createCircuitBreaker(around: PolicySurroundings): CircuitBreaker {
  return new StandardCircuitBreaker(around);
}

/** Ailing peers remembered at most; beyond that the one that has been ailing for longest is forgotten. */
const MOST_PEERS = 10_000;
const NEVER_IN_FORCE: CircuitBreakerSettings = { failures: Infinity, resetMs: Infinity, halfOpenCalls: 1 };

interface Entry {
  readonly peer: PeerName;
  breaker: Breaker;
}

class StandardCircuitBreaker implements CircuitBreaker {
  readonly name = "circuit-breaker";
  readonly #around: PolicySurroundings;
  /** By peer; a breaker that is closed and has seen no failure is no entry. */
  readonly #entries = new Map<string, Entry>();

  constructor(around: PolicySurroundings) {
    this.#around = around;
  }

  applies(call: PolicyCall): boolean {
    return call.settings.circuitBreaker !== undefined || this.#entries.size > 0;
  }

  async execute(call: PolicyCall, next: Work): Promise<JsonValue> {
    const settings = call.settings.circuitBreaker;
    if (settings === undefined && this.#entries.get(call.peer)?.breaker.state !== "isolated") return next(call);
    const terms = settings ?? NEVER_IN_FORCE;
    const admission = admit(this.#of(call.peer), terms, this.#now());
    if (!admission.admitted) throw this.#refusal(call, admission.retryAfterMs);
    this.#become(call, admission.next);
    let evidence: Evidence = "none";
    let failure: CcosError | undefined;
    let probe: Probe | undefined = admission.probe;
    // A stream may last for days: that the peer is well is known at its first event.
    call.stream?.onNextEvent(() => {
      this.#become(call, settle(this.#of(call.peer), "healthy", probe, terms, this.#now()));
      probe = undefined;
    });
    try {
      const value = await next(call);
      evidence = "healthy";
      return value;
    } catch (thrown) {
      failure = toCcosError(thrown);
      evidence = evidenceOf(failure);
      throw failure;
    } finally {
      this.#become(call, settle(this.#of(call.peer), evidence, probe, terms, this.#now()), failure);
    }
  }

  list(): BreakerInfo[] {
    const now = this.#now();
    return [...this.#entries.values()].map(({ peer, breaker }) => ({
      ...peer,
      state: stateAt(breaker, now),
      failures: breaker.failures,
      retryAfterMs: breaker.state === "open" && now < breaker.untilAt ? Math.ceil(breaker.untilAt - now) : undefined,
    }));
  }

  isolate(peer: PeerName): void {
    this.#become(peer, { state: "isolated", failures: this.#of(keyOf(peer)).failures });
  }

  release(peer: PeerName): boolean {
    const wasClosed = this.#of(keyOf(peer)).state === "closed";
    this.#become(peer, CLOSED);
    return !wasClosed;
  }

  snapshot(): JsonObject {
    const { clock } = this.#around;
    const wall = clock.now() - clock.monotonic();
    const peers = [...this.#entries.values()].map(({ peer: { provider, endpoint }, breaker }): JsonObject => ({
      provider,
      endpoint,
      // A process that takes over has none of the calls that try here, so there the next call tries.
      state: breaker.state === "half-open" ? "open" : breaker.state,
      failures: breaker.failures,
      ...(breaker.state === "open" && { untilAt: Math.ceil(breaker.untilAt + wall) }),
      ...(breaker.state === "half-open" && { untilAt: clock.now() }),
    }));
    return { peers };
  }

  restore(snapshot: JsonObject): void {
    const { clock } = this.#around;
    for (const entry of Array.isArray(snapshot["peers"]) ? snapshot["peers"] : []) {
      if (!isJsonObject(entry)) continue;
      const { provider, endpoint, state, failures, untilAt } = entry;
      if (typeof provider !== "string" || typeof endpoint !== "string" || typeof failures !== "number") continue;
      const peer: PeerName = { provider, endpoint };
      if (this.#entries.has(keyOf(peer))) continue;
      if (state === "isolated" || state === "closed") this.#put(keyOf(peer), peer, { state, failures });
      if (state === "open" && typeof untilAt === "number") {
        this.#put(keyOf(peer), peer, { state, failures, untilAt: untilAt - clock.now() + clock.monotonic() });
      }
    }
  }

  #now(): number {
    return this.#around.clock.monotonic();
  }

  #of(key: string): Breaker {
    return this.#entries.get(key)?.breaker ?? CLOSED;
  }

  #become({ provider, endpoint }: PeerName, next: Breaker, error?: CcosError): void {
    const peer: PeerName = { provider, endpoint };
    const key = keyOf(peer);
    const { state: from } = this.#of(key);
    this.#put(key, peer, next);
    if (from === next.state) return;
    this.#around.events.emit("breakerChanged", {
      ...peer,
      from,
      to: next.state,
      failures: next.failures,
      error: error === undefined ? undefined : shownError(this.#around, error),
    });
  }

  #put(key: string, peer: PeerName, breaker: Breaker): void {
    if (breaker.state === "closed" && breaker.failures === 0) {
      this.#entries.delete(key);
      return;
    }
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      entry.breaker = breaker;
      return;
    }
    if (this.#entries.size >= MOST_PEERS) this.#forgetOldest();
    this.#entries.set(key, { peer, breaker });
  }

  #forgetOldest(): void {
    for (const [key, { breaker }] of this.#entries) {
      if (breaker.state === "isolated") continue;
      this.#entries.delete(key);
      return;
    }
  }

  #refusal(call: PolicyCall, retryAfterMs: number | undefined): CcosError {
    const { failures, state } = this.#of(call.peer);
    const isIsolated = state === "isolated";
    return refuse(this.#around, call, {
      policy: this.name,
      cause: isIsolated ? "circuit-isolated" : "circuit-open",
      code: "circuit-open",
      message: isIsolated
        ? `Calls to ${call.endpoint} are switched off by hand.`
        : `${call.endpoint} has failed ${failures} times in a row, so it is left alone for now.`,
      remedy: isIsolated ? "Release it when it is well." : "Call again later, or find out what is wrong with the peer.",
      retryAfterMs,
    });
  }
}

/** As `PolicyCall.peer` is made. */
function keyOf({ provider, endpoint }: PeerName): string {
  return `${provider} ${endpoint}`;
}

/** What a failure says of the peer's health. */
function evidenceOf(error: CcosError): Evidence {
  switch (error.code) {
    case "deadline-exceeded":
      // The time may have gone by while the call waited here.
      return error.details?.["sent"] === true ? "ill" : "none";
    case "rejected":
    case "unauthenticated":
    case "session-lost":
      return "healthy";
    default:
      return error.traits.breaker ? "ill" : "none";
  }
}
