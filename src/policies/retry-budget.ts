import type { Clock } from "../kernel/index.ts";

const WINDOW_MS = 10_000;
const SLOTS = 10;
const SLOT_MS = WINDOW_MS / SLOTS;

/** How much may be run again: a share of the calls, and a floor for where there are few. */
export interface BudgetTerms {
  readonly budgetRatio: number;
  readonly budgetMinPerSecond: number;
}

/**
 * What keeps a failing peer from being called many times over: of the calls to it within the last ten seconds
 * only a share may be run again, and a few a second on top. Without it, three attempts each turn an overload
 * into three times the load.
 */
export class RetryBudget {
  readonly #clock: Clock;
  readonly #calls: number[] = new Array<number>(SLOTS).fill(0);
  readonly #spent: number[] = new Array<number>(SLOTS).fill(0);
  #slot: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#slot = this.#now();
  }

  /** A call came; whether it will need to be run again is not known yet. */
  deposit(): void {
    const slot = this.#turn();
    this.#calls[slot] = (this.#calls[slot] ?? 0) + 1;
  }

  /** Takes one run from the budget. False where there is none left. */
  withdraw({ budgetRatio, budgetMinPerSecond }: BudgetTerms): boolean {
    const slot = this.#turn();
    const granted = budgetRatio * sum(this.#calls) + budgetMinPerSecond * (WINDOW_MS / 1_000);
    // A hair above, so that five calls at a fifth each grant one run whatever floating point makes of it.
    if (sum(this.#spent) + 1 > granted + 1e-9) return false;
    this.#spent[slot] = (this.#spent[slot] ?? 0) + 1;
    return true;
  }

  /** Nothing happened within the window: forgetting this budget loses nothing. */
  get isIdle(): boolean {
    return this.#now() - this.#slot >= SLOTS;
  }

  #now(): number {
    return Math.floor(this.#clock.monotonic() / SLOT_MS);
  }

  /** Empties the slots whose time is over, and gives the place of the present one. */
  #turn(): number {
    const now = this.#now();
    const over = Math.min(now - this.#slot, SLOTS);
    for (let step = 1; step <= over; step++) {
      const place = (this.#slot + step) % SLOTS;
      this.#calls[place] = 0;
      this.#spent[place] = 0;
    }
    this.#slot = Math.max(now, this.#slot);
    return this.#slot % SLOTS;
  }
}

function sum(numbers: readonly number[]): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
