/** What a pool tells of itself so that others at its endpoint can be served. */
export interface BudgetMember {
  /** Ends its longest unused session; false where it has none to spare. */
  spareOne(): boolean;
  /** There may be room now. */
  roomMade(): void;
}

/**
 * How many sessions one endpoint has over all identities. A pool that finds no room left makes another
 * give up a session that nobody uses, or waits until one ends.
 */
export class EndpointBudget {
  #taken = 0;
  readonly #members = new Set<BudgetMember>();
  readonly #waiting = new Set<BudgetMember>();

  join(member: BudgetMember): void {
    this.#members.add(member);
  }

  leave(member: BudgetMember): void {
    this.#members.delete(member);
    this.#waiting.delete(member);
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /** Takes a place; false where there is none, and then `roomMade` is called when one is given back. */
  take(member: BudgetMember, limit: number): boolean {
    if (this.#taken < limit) {
      this.#taken++;
      return true;
    }
    this.#waiting.add(member);
    for (const other of this.#members) {
      if (other !== member && other.spareOne()) break;
    }
    return false;
  }

  /** A member has a session that nobody uses: it goes if another member waits. */
  offer(member: BudgetMember): void {
    if (this.#waiting.size > 0) member.spareOne();
  }

  giveBack(): void {
    this.#taken--;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const member of waiting) member.roomMade();
  }
}
