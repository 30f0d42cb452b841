import type { SessionHandler, Target } from "./handler.ts";
import { sessionContext, type PoolSurroundings } from "./pool-surroundings.ts";

/** Renewals under way: however many calls and sessions need it, a credential is renewed once, as a rotating token works only once. */
export class Renewals {
  readonly #around: PoolSurroundings;
  readonly #running = new Map<string, Promise<boolean>>();

  constructor(around: PoolSurroundings) {
    this.#around = around;
  }

  /** Renews the credentials of a session key, or waits for whoever does. False where there was nothing to renew. */
  once(handler: SessionHandler, key: string, target: Target): Promise<boolean> {
    let renewal = this.#running.get(key);
    if (renewal === undefined) {
      const context = sessionContext(this.#around, new AbortController().signal, () => {});
      const work = (async () => (await handler.renewCredentials?.(target, context)) ?? false)();
      renewal = work.finally(() => this.#running.delete(key));
      this.#running.set(key, renewal);
    }
    return renewal;
  }
}
