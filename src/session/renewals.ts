import type { SessionHandler, Target } from "./handler.ts";
import { sessionContext, type PoolSurroundings } from "./pool-surroundings.ts";

const MOST_NOTED = 1_000;

/** Renewals under way: however many calls and sessions need it, a credential is renewed once, as a rotating token works only once. */
export class Renewals {
  readonly #around: PoolSurroundings;
  readonly #running = new Map<string, Promise<boolean>>();
  /** When each key was last renewed, in the manager's order. */
  readonly #done = new Map<string, number>();

  constructor(around: PoolSurroundings) {
    this.#around = around;
  }

  /**
   * Renews the credentials of a session key, or waits for whoever does. False where there was nothing to renew.
   * A session that was opened before the last renewal has been refused for what was renewed since: that is enough.
   */
  once(handler: SessionHandler, key: string, target: Target, openedSequence?: number): Promise<boolean> {
    if (openedSequence !== undefined && openedSequence < (this.#done.get(key) ?? 0)) return Promise.resolve(true);
    let renewal = this.#running.get(key);
    if (renewal === undefined) {
      const context = sessionContext(this.#around, new AbortController().signal, () => {});
      const work = (async () => {
        const renewed = (await handler.renewCredentials?.(target, context)) ?? false;
        if (renewed) this.#note(key);
        return renewed;
      })();
      renewal = work.finally(() => this.#running.delete(key));
      this.#running.set(key, renewal);
    }
    return renewal;
  }

  #note(key: string): void {
    this.#done.delete(key);
    this.#done.set(key, this.#around.nextSequence());
    // Whoever is forgotten renews once more than needed.
    for (const oldest of this.#done.keys()) {
      if (this.#done.size <= MOST_NOTED) break;
      this.#done.delete(oldest);
    }
  }
}
