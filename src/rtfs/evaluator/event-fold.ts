import type { Form } from "../forms.ts";
import type { HostEvents } from "../host.ts";
import { Keyword, keyword, RtfsFunction, RtfsMap, type Value } from "../values.ts";
import { failureOfHost } from "./failures.ts";
import { call1, call2, step } from "./invoke.ts";
import { resumeWith, SUSPEND, suspend, vm } from "./machine.ts";
import { Raised } from "./raise.ts";

const ON_EVENT = keyword("on-event");
const INITIAL = keyword("initial");
const ACTION = keyword("action");
const VALUE = keyword("value");
const STATE = keyword("state");

/** What a program does with the events of a call. */
export interface EventHandling {
  /** The arguments of the call, without what is meant for us. */
  readonly args: readonly Value[];
  readonly fn: Value;
  /** What the function is given besides the first event; undefined where it is given events alone. */
  readonly initial: Value | undefined;
}

/** `:on-event` with a function asks for the events of a call. A function is no input, so nothing else can be meant. */
export function eventHandlingOf(args: readonly Value[]): EventHandling | undefined {
  const [map] = args;
  if (args.length !== 1 || !(map instanceof RtfsMap)) return undefined;
  const fn = map.get(ON_EVENT);
  if (!(fn instanceof RtfsFunction)) return undefined;
  return { args: [map.without(ON_EVENT, INITIAL)], fn, initial: map.has(INITIAL) ? map.get(INITIAL) : undefined };
}

/** After so many events others get a turn: a stream that has them all at hand must not hold the event loop. */
const EVENTS_A_TURN = 64;
const END = Object.freeze({ end: true }) as unknown as Value;

/**
 * Hands the events of a call to a function of the program, one after the other; the next is asked for when the
 * function is done with the last. The value is the last state, or, without one, the call's own result. The function
 * ends the call by giving `{:action :complete}`, or by failing: in either case the program goes on when the call has
 * ended at its peer.
 */
export class EventFold {
  readonly #events: HostEvents;
  readonly #fn: Value;
  readonly #folds: boolean;
  readonly #form: Form | undefined;
  readonly #signal: AbortSignal | undefined;
  #state: Value;
  #count = 0;

  constructor(events: HostEvents, { fn, initial }: EventHandling, form: Form | undefined) {
    this.#events = events;
    this.#fn = fn;
    this.#folds = initial !== undefined;
    this.#state = initial ?? null;
    this.#form = form;
    this.#signal = vm.run?.settings.signal;
  }

  /** Asks for the next event; gives the value of the call in the end. */
  next(): Value {
    return this.#guarded(
      () => {
        const isTurnOver = ++this.#count % EVENTS_A_TURN === 0;
        if (step(this.#form) || isTurnOver) return suspend({ kind: "yield", start: () => this.#wait() });
        return this.#wait();
      },
      (event) => (event === END ? this.#state : this.#hand(event)),
    );
  }

  #wait(): Value {
    vm.at = this.#form;
    const promise = this.#events.next().then((event) => event ?? END);
    return suspend({ kind: "wait", promise, failure: (error) => failureOfHost(error, this.#signal) });
  }

  #hand(event: Value): Value {
    if (!this.#folds && event instanceof RtfsMap && event.get(keyword("type")) === "result") {
      this.#state = event.get(VALUE) ?? null;
    }
    return this.#guarded(
      () => (this.#folds ? call2(this.#fn, this.#state, event, this.#form) : call1(this.#fn, event, this.#form)),
      (given) => this.#took(given),
    );
  }

  #took(given: Value): Value {
    if (given instanceof RtfsMap && isComplete(given)) return this.#complete(given);
    if (this.#folds) this.#state = given;
    return this.next();
  }

  #complete(given: RtfsMap): Value {
    const own = [VALUE, STATE].find((key) => given.has(key));
    const value = own === undefined ? this.#state : (given.get(own) as Value);
    return this.#leave(() => value);
  }

  #fail(error: unknown): Value {
    if (error instanceof Raised) {
      return this.#leave(() => {
        throw error;
      });
    }
    // The run itself is over, and waits for nothing any more.
    this.#events.leave().catch(() => {});
    throw error;
  }

  #leave(then: () => Value): Value {
    const left = this.#events.leave().then(
      () => null,
      () => null,
    );
    suspend({ kind: "wait", promise: left, failure: (error) => error });
    return resumeWith(then);
  }

  /** Evaluates with a way on for either outcome: whatever fails ends the stream. */
  #guarded(start: () => Value, then: (value: Value) => Value): Value {
    let value: Value;
    try {
      value = start();
    } catch (error) {
      return this.#fail(error);
    }
    if (value !== SUSPEND) return then(value);
    return resumeWith({ resume: then, fail: (error) => this.#fail(error) });
  }
}

function isComplete(given: RtfsMap): boolean {
  const action = given.get(ACTION);
  return action instanceof Keyword && action.name === "complete";
}
