/** What a pool tells of itself so that others can be served. */
export interface BudgetMember {
  /** Ends its longest unused session; false where it has none to spare. */
  spareOne(): boolean;
  /** There may be room now. */
  roomMade(): void;
}

/**
 * How many sessions several pools have together: those of one endpoint over all identities, or all there
 * are. A pool that finds no room left makes another give up a session that nobody uses, or waits until one
 * ends.
 */
export class SessionBudget {
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

  /**
   * Takes a place; false where there is none. Whoever really needs it is then told by `roomMade` when one
   * is given back, and others are asked to spare one.
   */
  take(member: BudgetMember, limit: number, need: "needed" | "spare"): boolean {
    if (this.#taken < limit) {
      this.#taken++;
      return true;
    }
    if (need === "spare") return false;
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

interface LimitedPool extends BudgetMember {
  readonly policy: { readonly maxSessionsPerEndpoint: number; readonly maxSessionsTotal: number };
}

/** The budgets that one pool draws on: its endpoint's and the process's, both or neither. */
export class PoolBudgets {
  readonly #pool: LimitedPool;
  readonly #endpoint: SessionBudget;
  readonly #total: SessionBudget;

  constructor(pool: LimitedPool, endpoint: SessionBudget, total: SessionBudget) {
    this.#pool = pool;
    this.#endpoint = endpoint;
    this.#total = total;
    endpoint.join(pool);
    total.join(pool);
  }

  leave(): void {
    this.#endpoint.leave(this.#pool);
    this.#total.leave(this.#pool);
  }

  take(need: "needed" | "spare"): boolean {
    const { maxSessionsPerEndpoint, maxSessionsTotal } = this.#pool.policy;
    if (!this.#endpoint.take(this.#pool, maxSessionsPerEndpoint, need)) return false;
    if (this.#total.take(this.#pool, maxSessionsTotal, need)) return true;
    this.#endpoint.giveBack();
    return false;
  }

  giveBack(): void {
    this.#endpoint.giveBack();
    this.#total.giveBack();
  }

  /** The pool has a session that nobody uses; another may need its place. */
  offer(): void {
    this.#endpoint.offer(this.#pool);
    this.#total.offer(this.#pool);
  }
}
