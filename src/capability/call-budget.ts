import { CcosError } from "../kernel/index.ts";

/** How many calls one program may make in all, those of the capabilities it calls included. */
export class CallBudget {
  readonly #most: number;
  #used = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts one call. Throws `interrupted` when all are used up, which no program can catch. */
  spend(id: string): void {
    if (this.#used >= this.#most) {
      throw new CcosError(
        "interrupted",
        `Budget exhausted: the program has made ${this.#most} calls; ${JSON.stringify(id)} would be one more.`,
        {
          remedy: "Make fewer calls, or raise the limit maxCalls.",
          details: { limit: "maxCalls", kind: "BudgetExhausted" },
        },
      );
    }
    this.#used++;
  }
}
