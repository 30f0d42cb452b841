import type { CcosError, JsonValue } from "../kernel/index.ts";
import { Line } from "./line.ts";
import type { Policy, PolicyCall, Work } from "./policy.ts";
import { eventOf, refuse, type PolicySurroundings } from "./surroundings.ts";

/**
 * Lets no more than `max_concurrent` calls run at one peer at once, all identities together; up to `max_queue`
 * wait for their turn, in order, and any more are refused with `bulkhead-full`. Calls of one peer with the same
 * settings count together; a capability with settings of its own has a bulkhead of its own.
 */
export function createBulkhead(around: PolicySurroundings): Policy {
  return new Bulkhead(around);
}

class Hold {
  active = 0;
  readonly line = new Line<PolicyCall>(() => {});
}

class Bulkhead implements Policy {
  readonly name = "bulkhead";
  readonly #around: PolicySurroundings;
  /** By peer and settings; only those in use. */
  readonly #holds = new Map<string, Hold>();

  constructor(around: PolicySurroundings) {
    this.#around = around;
  }

  applies(call: PolicyCall): boolean {
    return call.settings.bulkhead !== undefined;
  }

  async execute(call: PolicyCall, next: Work): Promise<JsonValue> {
    const settings = call.settings.bulkhead;
    if (settings === undefined) return next(call);
    const { maxConcurrent, maxQueue } = settings;
    const key = `${maxConcurrent}/${maxQueue} ${call.peer}`;
    let hold = this.#holds.get(key);
    if (hold === undefined) this.#holds.set(key, (hold = new Hold()));
    // Whoever leaves hands the place on, so there is room only where nobody waits.
    if (hold.active < maxConcurrent) hold.active++;
    else {
      if (hold.line.length >= maxQueue) throw this.#full(call, maxConcurrent, maxQueue);
      this.#around.events.emit("callDelayed", { ...eventOf(call), policy: this.name });
      await hold.line.join(call);
    }
    try {
      return await next(call);
    } finally {
      if (hold.line.length > 0) hold.line.serveFirst();
      else if (--hold.active === 0) this.#holds.delete(key);
    }
  }

  close(reason: CcosError): void {
    for (const { line } of this.#holds.values()) line.refuse(() => reason);
  }

  #full(call: PolicyCall, maxConcurrent: number, maxQueue: number): CcosError {
    return refuse(this.#around, call, {
      policy: this.name,
      cause: "queue-full",
      code: "bulkhead-full",
      message: `${maxConcurrent} calls are under way at ${call.endpoint} and ${maxQueue} wait for their turn, which is all that may (:bulkhead).`,
      remedy: "Call less at once, or raise :max_concurrent or :max_queue.",
    });
  }
}
