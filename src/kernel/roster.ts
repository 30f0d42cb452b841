/** What a roster writes into its members: where each of them stands. -1 where it is on none. */
export interface RosterMember {
  seat: number;
}

/**
 * Who is under way, where many come and go. Order means nothing; a member is on one roster at most.
 *
 * A `Set` would do, but under constant coming and going it grows into new tables, and its old ones keep what has
 * left alive until the next full collection: measured, all that a call had held.
 */
export class Roster<T extends RosterMember> {
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  add(member: T): void {
    if (member.seat !== -1) return;
    member.seat = this.#members.length;
    this.#members.push(member);
  }

  delete(member: T): void {
    const { seat } = member;
    if (seat === -1 || this.#members[seat] !== member) return;
    const last = this.#members.pop() as T;
    if (last !== member) {
      this.#members[seat] = last;
      last.seat = seat;
    }
    member.seat = -1;
  }

  /** Those on it now: whoever leaves meanwhile is still visited. */
  [Symbol.iterator](): IterableIterator<T> {
    return [...this.#members].values();
  }
}
