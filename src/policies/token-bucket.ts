/** So many calls in so much time, and how many of them at once. */
export interface BucketTerms {
  readonly limit: number;
  readonly intervalMs: number;
  readonly burst: number;
}

/** Floating point must not make a call wait for the last billionth of a token. */
const ALMOST = 1e-9;

/** A token bucket: it fills evenly at `limit` per `intervalMs`, holds `burst`, and each call takes one. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: number;

  constructor({ limit, intervalMs, burst }: BucketTerms, now: number) {
    this.#perMs = limit / intervalMs;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAt = now;
  }

  /** How long a call waits that has `ahead` others before it. */
  waitMs(now: number, ahead: number): number {
    this.#fill(now);
    const missing = ahead + 1 - this.#tokens;
    return missing <= ALMOST ? 0 : missing / this.#perMs;
  }

  take(now: number): void {
    this.#fill(now);
    this.#tokens -= 1;
  }

  isFull(now: number): boolean {
    this.#fill(now);
    return this.#tokens >= this.#burst - ALMOST;
  }

  #fill(now: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) * this.#perMs);
    this.#filledAt = now;
  }
}
