import type { Random } from "../kernel/index.ts";

/**
 * Waits that grow and scatter ("decorrelated jitter"): each lies by chance between the initial delay and three
 * times the one before, and none above the greatest. Callers that failed together do not come back together,
 * and none comes back at once.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export class Backoff {
  readonly #initialMs: number;
  readonly #mostMs: number;
  readonly #random: Random;
  #latestMs: number;

  constructor(
    { initialDelayMs, maxDelayMs }: { readonly initialDelayMs: number; readonly maxDelayMs: number },
    random: Random,
  ) {
    this.#mostMs = maxDelayMs;
    this.#initialMs = Math.min(initialDelayMs, maxDelayMs);
    this.#latestMs = this.#initialMs;
    this.#random = random;
  }

  /** The next wait, in whole milliseconds. */
  nextMs(): number {
    const spread = this.#latestMs * 3 - this.#initialMs;
    this.#latestMs = Math.min(this.#mostMs, this.#initialMs + this.#random.next() * spread);
    return Math.round(this.#latestMs);
  }
}
