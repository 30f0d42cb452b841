/** Work that goes on after a session has left its pool, and whoever waits for the last of it. */
export class Endings {
  readonly #work = new Set<Promise<void>>();
  #wake: (() => void) | undefined;

  get size(): number {
    return this.#work.size;
  }

  /** The work never rejects. */
  track(work: Promise<void>): void {
    this.#work.add(work);
    void work.finally(() => {
      this.#work.delete(work);
      this.wake();
    });
  }

  /** Something has ended, here or in the pool. */
  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Resolves at the next `wake`. One waits at a time. */
  changed(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}
