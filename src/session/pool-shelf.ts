import { EndpointBudget } from "./endpoint-budget.ts";
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

/** The pools there are, by session key. */
export class PoolShelf {
  readonly #around: PoolSurroundings;
  readonly #pools = new Map<string, SessionPool>();
  readonly #budgets = new Map<string, EndpointBudget>();
  readonly #ephemeralPolicies = new WeakMap<SessionPolicy, SessionPolicy>();
  #sweepAt = FIRST_SWEEP;

  constructor(around: PoolSurroundings) {
    this.#around = around;
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
    const pool = new SessionPool({ ...this.#around, budget, handler, target, identity, policy, ephemeral });
    this.#pools.set(resolved.key, pool);
    return pool;
  }

  find(sessionId: string): { readonly pool: SessionPool; readonly session: PooledSession } | undefined {
    for (const pool of this.#pools.values()) {
      const session = pool.sessions().find((candidate) => candidate.id === sessionId);
      if (session !== undefined) return { pool, session };
    }
    return undefined;
  }

  #budgetOf(endpoint: string): EndpointBudget {
    let budget = this.#budgets.get(endpoint);
    if (budget === undefined) this.#budgets.set(endpoint, (budget = new EndpointBudget()));
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
