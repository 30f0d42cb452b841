import type { CcosError, Clock, RateNews, Timer } from "../kernel/index.ts";
import { Line } from "./line.ts";
import type { PolicyCall } from "./policy.ts";
import { TokenBucket, type BucketTerms } from "./token-bucket.ts";

/** A limit that the peer told of, until it takes calls afresh. */
interface Learned {
  remaining: number;
  untilAt: number;
  /** The peer refuses until then; what it said of calls before that is no news. */
  readonly refusing: boolean;
}

/** Those who wait for one bucket, and the bucket; without one where only what was learned counts. */
interface Gate {
  readonly bucket: TokenBucket | undefined;
  readonly line: Line<PolicyCall>;
  timer: Timer | undefined;
}

/** How many calls one identity may make to one peer: by its buckets, and by what the peer said. */
export class TenantLimits {
  readonly #clock: Clock;
  /** By settings: a capability with a limit of its own does not narrow that of the others. */
  readonly #gates = new Map<string, Gate>();
  #learned: Learned | undefined;
  /** Calls under way: the peer may not have counted them yet. */
  #running = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds until a call that comes now is let go; 0 for at once. */
  waitMs(gateKey: string, terms: BucketTerms | undefined): number {
    const gate = this.#gate(gateKey, terms);
    return this.#waitMs(gate, gate.line.length);
  }

  waiting(gateKey: string): number {
    return this.#gates.get(gateKey)?.line.length ?? 0;
  }

  /** Lets a call go that has not to wait. */
  take(gateKey: string, terms: BucketTerms | undefined): void {
    this.#take(this.#gate(gateKey, terms));
  }

  /** A call that was let go has ended. */
  ended(): void {
    this.#running--;
  }

  /** Waits in line. */
  join(gateKey: string, terms: BucketTerms | undefined, call: PolicyCall): Promise<void> {
    const gate = this.#gate(gateKey, terms);
    const turn = gate.line.join(call);
    this.#watch(gate);
    return turn;
  }

  /**
   * Takes note of what the peer said; true where that begins a pause. Those who wait and for whom the wait has
   * become too long are refused.
   */
  learn({ remaining, resetMs }: RateNews, refusal: (call: PolicyCall, waitMs: number) => CcosError): boolean {
    const now = this.#clock.monotonic();
    const known = this.#current(now);
    const untilAt = now + resetMs;
    if (remaining === 0) {
      this.#learned = { remaining: 0, untilAt: Math.max(untilAt, known?.refusing ? known.untilAt : 0), refusing: true };
    } else if (known?.refusing !== true) {
      // The call that brings the news has been counted by the peer; the others under way perhaps not.
      const others = Math.max(0, this.#running - 1);
      this.#learned = { remaining: Math.max(0, remaining - others), untilAt, refusing: false };
    }
    for (const gate of this.#gates.values()) {
      gate.line.refuse((call, position) => {
        const waitMs = this.#waitMs(gate, position);
        return waitMs >= call.remainingMs() ? refusal(call, waitMs) : undefined;
      });
      this.#watch(gate);
    }
    return remaining === 0 && known?.refusing !== true;
  }

  close(reason: CcosError): void {
    for (const gate of this.#gates.values()) {
      gate.line.refuse(() => reason);
      this.#watch(gate);
    }
  }

  /** Nobody waits or runs, no bucket misses a token, and nothing that was learned is still in force. */
  get isIdle(): boolean {
    const now = this.#clock.monotonic();
    if (this.#running > 0 || this.#current(now) !== undefined) return false;
    return [...this.#gates.values()].every(({ bucket, line }) => line.length === 0 && (bucket?.isFull(now) ?? true));
  }

  #gate(key: string, terms: BucketTerms | undefined): Gate {
    let gate = this.#gates.get(key);
    if (gate === undefined) {
      const bucket = terms === undefined ? undefined : new TokenBucket(terms, this.#clock.monotonic());
      const made: Gate = { bucket, line: new Line(() => this.#watch(made)), timer: undefined };
      this.#gates.set(key, (gate = made));
    }
    return gate;
  }

  #current(now: number): Learned | undefined {
    if (this.#learned !== undefined && now >= this.#learned.untilAt) this.#learned = undefined;
    return this.#learned;
  }

  #waitMs(gate: Gate, ahead: number): number {
    const now = this.#clock.monotonic();
    const learned = this.#current(now);
    const pausedMs = learned !== undefined && ahead >= learned.remaining ? learned.untilAt - now : 0;
    return Math.max(pausedMs, gate.bucket?.waitMs(now, ahead) ?? 0);
  }

  #take({ bucket }: Gate): void {
    const now = this.#clock.monotonic();
    bucket?.take(now);
    const learned = this.#current(now);
    if (learned !== undefined) learned.remaining--;
    this.#running++;
  }

  /** Serves those whose turn it is and sets the timer for the next one. */
  #watch(gate: Gate): void {
    gate.timer?.cancel();
    gate.timer = undefined;
    while (gate.line.length > 0) {
      const waitMs = this.#waitMs(gate, 0);
      if (waitMs > 0) {
        gate.timer = this.#clock.setTimer(Math.ceil(waitMs), () => this.#watch(gate));
        return;
      }
      this.#take(gate);
      gate.line.serveFirst();
    }
  }
}
