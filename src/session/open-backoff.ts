import type { CcosError, Clock, Random, Timer } from "../kernel/index.ts";

const FIRST_MS = 50;
const MOST_MS = 5_000;

/** Keeps failing openings from hammering the peer: after each failure in a row the next one waits longer. */
export class OpenBackoff {
  readonly #clock: Clock;
  readonly #random: Random;
  #failures = 0;
  #notBefore = 0;
  #timer: Timer | undefined;
  /** Why the latest opening failed, until one succeeds. */
  lastError: CcosError | undefined;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#notBefore = 0;
    this.lastError = undefined;
  }

  failed(error: CcosError): void {
    this.lastError = error;
    const most = Math.min(MOST_MS, FIRST_MS * 2 ** this.#failures);
    this.#failures++;
    // Half of the wait is chance, so that many processes do not come back in step.
    const backoffMs = most / 2 + (most / 2) * this.#random.next();
    this.#notBefore = this.#clock.monotonic() + Math.max(backoffMs, error.retryAfterMs ?? 0);
  }

  /** True where opening must wait; then `resume` is called once, when it need not any more. */
  mustWait(resume: () => void): boolean {
    const waitMs = this.#notBefore - this.#clock.monotonic();
    if (waitMs <= 0) return false;
    const onTimer = (): void => {
      this.#timer = undefined;
      resume();
    };
    // Those who wait have timers of their own; a spare session alone keeps no process alive.
    this.#timer ??= this.#clock.setTimer(waitMs, onTimer, { background: true });
    return true;
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
