import { abortError, type CcosError, type Clock } from "../kernel/index.ts";

interface Waiter<T> {
  readonly holder: string;
  resolve(value: T): void;
  reject(error: CcosError): void;
}

/** Callers in the order in which they came. Each leaves served, refused, timed out or canceled: never unsettled. */
export class WaitingLine<T> {
  readonly #waiters: Waiter<T>[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get length(): number {
    return this.#waiters.length;
  }

  /** Joins the end of the line. Leaving early by the signal or after `timeoutMs` costs the others nothing. */
  join(signal: AbortSignal, holder: string, timeoutMs: number, timeoutError: () => CcosError): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = (): void => {
        timer.cancel();
        signal.removeEventListener("abort", onAbort);
      };
      const waiter: Waiter<T> = {
        holder,
        resolve: (value) => {
          settle();
          resolve(value);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      const leave = (error: CcosError): void => {
        const at = this.#waiters.indexOf(waiter);
        if (at !== -1) this.#waiters.splice(at, 1);
        waiter.reject(error);
      };
      const onAbort = (): void => leave(abortError(signal));
      const timer = this.#clock.setTimer(timeoutMs, () => leave(timeoutError()));
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  /** Serves whoever came first with what is made for that holder. The line must not be empty. */
  serveFirst(make: (holder: string) => T): void {
    const waiter = this.#waiters.shift() as Waiter<T>;
    waiter.resolve(make(waiter.holder));
  }

  refuseAll(error: CcosError): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}
