import { abortError, untilAborted, type CcosError, type JsonValue } from "../kernel/index.ts";
import type { Policy, PolicyCall, Work } from "./policy.ts";
import { eventOf, type PolicySurroundings } from "./surroundings.ts";

/**
 * Idempotent calls that ask the same thing as the same identity while one of them runs share its execution. It
 * runs on for as long as anybody waits for it, and has as much time as the most patient of them: a caller that
 * leaves or runs out of time takes nothing from the others.
 */
export function createSingleFlight(around: PolicySurroundings): Policy {
  return new SingleFlight(around);
}

interface Flight {
  readonly leaderId: string;
  readonly controller: AbortController;
  /** Those who wait, still. */
  readonly waiting: Set<PolicyCall>;
  readonly answer: Promise<JsonValue>;
  ended: boolean;
}

class SingleFlight implements Policy {
  readonly name = "single-flight";
  readonly #around: PolicySurroundings;
  readonly #flights = new Map<string, Flight>();

  constructor(around: PolicySurroundings) {
    this.#around = around;
  }

  applies(call: PolicyCall): boolean {
    const { settings, idempotent, cacheMode } = call;
    // Who asks for a new answer does not want one that was begun before.
    return idempotent && (settings.singleFlight || settings.cache !== undefined) && cacheMode === "default";
  }

  async execute(call: PolicyCall, next: Work): Promise<JsonValue> {
    const key = this.applies(call) ? call.shareKey() : undefined;
    if (key === undefined) return next(call);
    const flying = this.#flights.get(key);
    if (flying === undefined) return this.#wait(this.#start(key, call, next), call, (value) => value);
    this.#around.events.emit("callShared", { ...eventOf(call), leaderId: flying.leaderId });
    // A copy at once, before anybody who got the same answer can change it.
    return this.#wait(flying, call, (value) => structuredClone(value));
  }

  close(reason: CcosError): void {
    // Calls that somebody waits for are ended by those; what only the background wants ends here.
    for (const flight of this.#flights.values()) {
      if ([...flight.waiting].every((call) => call.background)) flight.controller.abort(reason);
    }
  }

  #start(key: string, leader: PolicyCall, next: Work): Flight {
    const controller = new AbortController();
    const waiting = new Set<PolicyCall>();
    const shared: PolicyCall = {
      ...leader,
      signal: controller.signal,
      remainingMs: () => {
        let most = 0;
        for (const call of waiting) most = Math.max(most, call.remainingMs());
        return most;
      },
    };
    waiting.add(leader);
    const ended = (): void => {
      flight.ended = true;
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    const answer = next(shared);
    const flight: Flight = { leaderId: leader.callId, controller, waiting, answer, ended: false };
    this.#flights.set(key, flight);
    answer.then(ended, ended);
    // One that nobody waits for any more must not be joined: it is about to be given up.
    controller.signal.addEventListener("abort", ended, { once: true });
    return flight;
  }

  async #wait(flight: Flight, call: PolicyCall, taken: (value: JsonValue) => JsonValue): Promise<JsonValue> {
    flight.waiting.add(call);
    try {
      return await untilAborted(flight.answer.then(taken), call.signal);
    } finally {
      flight.waiting.delete(call);
      if (flight.waiting.size === 0 && !flight.ended) flight.controller.abort(abortError(call.signal));
    }
  }
}
