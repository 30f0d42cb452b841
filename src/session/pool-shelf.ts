import { SessionBudget } from "./session-budget.ts";
import type { SessionHandler } from "./handler.ts";
import { SessionPool } from "./pool.ts";
import type { PoolSurroundings } from "./pool-surroundings.ts";
import type { PooledSession } from "./pooled-session.ts";
import type { ResolvedTarget } from "./resolve-target.ts";
import type { SessionPolicy } from "./session-policy.ts";

/** Pools without a session are forgotten when there are this many pools, and then at every doubling. */
const FIRST_SWEEP = 1_000;
/** Sessions that are opened for one call each and open at the same time, per key. */
const MOST_EPHEMERAL_SESSIONS = 64;

/** How a pool renews the credentials of its target ahead of their end; undefined where it cannot. */
export type RenewalOf = (handler: SessionHandler, resolved: ResolvedTarget) => (() => Promise<boolean>) | undefined;

/** The pools there are, by session key. */
export class PoolShelf {
  readonly #around: PoolSurroundings;
  readonly #pools = new Map<string, SessionPool>();
  readonly #budgets = new Map<string, SessionBudget>();
  readonly #ephemeralPolicies = new WeakMap<SessionPolicy, SessionPolicy>();
  readonly #totalBudget = new SessionBudget();
  readonly #renewal: RenewalOf;
  #sweepAt = FIRST_SWEEP;

  constructor(around: PoolSurroundings, renewal: RenewalOf) {
    this.#around = around;
    this.#renewal = renewal;
  }

  get size(): number {
    return this.#pools.size;
  }

  all(): Iterable<SessionPool> {
    return this.#pools.values();
  }

  /** The pool of a target, made where there is none. */
  of(handler: SessionHandler, resolved: ResolvedTarget): SessionPool {
    const { ephemeral } = resolved;
    const asked = resolved.resolvedPolicy.policy;
    const policy = ephemeral ? this.#ephemeralPolicy(asked) : asked;
    const known = this.#pools.get(resolved.key);
    if (known !== undefined) {
      known.tighten(policy);
      return known;
    }
    this.#forgetEmptyPools();
    const { target, identity } = resolved;
    const budget = this.#budgetOf(target.endpoint);
    const pool = new SessionPool({
      ...this.#around,
      budget,
      totalBudget: this.#totalBudget,
      renewCredentials: this.#renewal(handler, resolved),
      handler,
      target,
      identity,
      policy,
      ephemeral,
      kept: this.#around.directory?.keptSessions(handler, resolved),
    });
    this.#pools.set(resolved.key, pool);
    return pool;
  }

  /** Lets the sessions of a key that nobody will use any more end when their calls have. */
  retire(key: string, reason: string): void {
    const pool = this.#pools.get(key);
    for (const session of pool?.sessions() ?? []) pool?.evict(session, reason);
  }

  find(sessionId: string): { readonly pool: SessionPool; readonly session: PooledSession } | undefined {
    for (const pool of this.#pools.values()) {
      const session = pool.sessions().find((candidate) => candidate.id === sessionId);
      if (session !== undefined) return { pool, session };
    }
    return undefined;
  }

  #budgetOf(endpoint: string): SessionBudget {
    let budget = this.#budgets.get(endpoint);
    if (budget === undefined) this.#budgets.set(endpoint, (budget = new SessionBudget()));
    return budget;
  }

  /** Sessions of one call each are limited by how many may be open, not by how many are kept. */
  #ephemeralPolicy(asked: SessionPolicy): SessionPolicy {
    let policy = this.#ephemeralPolicies.get(asked);
    if (policy === undefined) {
      policy = { ...asked, maxSessions: Math.max(asked.maxSessions, MOST_EPHEMERAL_SESSIONS) };
      this.#ephemeralPolicies.set(asked, policy);
    }
    return policy;
  }

  /** Ever new identities must not fill the memory. Runs as rarely as the number of pools doubles. */
  #forgetEmptyPools(): void {
    if (this.#pools.size < this.#sweepAt) return;
    for (const [key, pool] of this.#pools) {
      if (!pool.isEmpty) continue;
      pool.leaveBudget();
      this.#pools.delete(key);
    }
    for (const [endpoint, budget] of this.#budgets) if (budget.isEmpty) this.#budgets.delete(endpoint);
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#pools.size);
  }
}
