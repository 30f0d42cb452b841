import { abortError, Roster, type CcosError, type RosterMember } from "../kernel/index.ts";

/** What a running call brings: its signal, and perhaps a way to end it. */
export interface CallToRun {
  readonly signal?: AbortSignal | undefined;
  readonly abort?: ((reason: CcosError) => void) | undefined;
}

/** A call under way. `finish` it when it is over. */
export interface RunningCall {
  /** Ends with the caller's, and with closing. */
  readonly signal: AbortSignal;
  finish(): void;
}

/** The calls under way, so that closing can end them. */
export class RunningCalls {
  readonly #calls = new Roster<Call>();

  start(call: CallToRun): RunningCall {
    const { signal, abort } = call;
    const running =
      signal !== undefined && abort !== undefined ? new Call(this.#calls, signal, abort) : this.#withSignal(signal);
    this.#calls.add(running);
    return running;
  }

  abortAll(reason: CcosError): void {
    for (const call of this.#calls) call.abort(reason);
  }

  /** For a caller who cannot be asked to end the call: it gets a signal of its own, which follows the caller's. */
  #withSignal(parent: AbortSignal | undefined): Call {
    const controller = new AbortController();
    const abort = (reason: CcosError): void => controller.abort(reason);
    if (parent === undefined) return new Call(this.#calls, controller.signal, abort);
    const onAbort = (): void => abort(abortError(parent));
    if (parent.aborted) onAbort();
    else parent.addEventListener("abort", onAbort, { once: true });
    return new Call(this.#calls, controller.signal, abort, () => parent.removeEventListener("abort", onAbort));
  }
}

class Call implements RunningCall, RosterMember {
  seat = -1;
  readonly signal: AbortSignal;
  readonly abort: (reason: CcosError) => void;
  readonly #roster: Roster<Call>;
  readonly #onFinish: (() => void) | undefined;

  constructor(roster: Roster<Call>, signal: AbortSignal, abort: (reason: CcosError) => void, onFinish?: () => void) {
    this.#roster = roster;
    this.signal = signal;
    this.abort = abort;
    this.#onFinish = onFinish;
  }

  finish(): void {
    this.#roster.delete(this);
    this.#onFinish?.();
  }
}
