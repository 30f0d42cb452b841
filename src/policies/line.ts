import { abortError, type CcosError } from "../kernel/index.ts";

export interface Waiter {
  /** Milliseconds the waiter has left. */
  remainingMs(): number;
}

interface Place<W extends Waiter> {
  readonly waiter: W;
  serve(): void;
  refuse(error: CcosError): void;
}

/** Those who wait for their turn, in the order in which they came. Each is served, refused, or leaves by its signal. */
export class Line<W extends Waiter & { readonly signal: AbortSignal }> {
  readonly #places = new Set<Place<W>>();
  readonly #left: () => void;

  /** `left` is told when somebody has gone without being served. */
  constructor(left: () => void) {
    this.#left = left;
  }

  get length(): number {
    return this.#places.size;
  }

  /** The first in line. */
  get first(): W | undefined {
    for (const place of this.#places) return place.waiter;
    return undefined;
  }

  /** Joins at the end; settles when it is this waiter's turn. */
  join(waiter: W): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        waiter.signal.removeEventListener("abort", onAbort);
        this.#places.delete(place);
      };
      const onAbort = (): void => {
        place.refuse(abortError(waiter.signal));
        this.#left();
      };
      const place: Place<W> = {
        waiter,
        serve() {
          leave();
          resolve();
        },
        refuse(error) {
          leave();
          reject(error);
        },
      };
      if (waiter.signal.aborted) return reject(abortError(waiter.signal));
      waiter.signal.addEventListener("abort", onAbort, { once: true });
      this.#places.add(place);
    });
  }

  /** Serves whoever came first. The line must not be empty. */
  serveFirst(): void {
    for (const place of this.#places) return place.serve();
  }

  /** Refuses those for whom `error` gives one; `position` counts from 0 and only those who stay. */
  refuse(error: (waiter: W, position: number) => CcosError | undefined): void {
    let position = 0;
    for (const place of [...this.#places]) {
      const refusal = error(place.waiter, position);
      if (refusal === undefined) position++;
      else place.refuse(refusal);
    }
  }
}
