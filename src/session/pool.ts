import { abortError, type CcosError } from "../kernel/index.ts";
import { classifyFailure } from "./classify-failure.ts";
import { endSession } from "./end-session.ts";
import { Endings } from "./endings.ts";
import type { Target } from "./handler.ts";
import { LeaseBook, settleOnLease, type Lease } from "./lease.ts";
import type { Parting } from "./kept-session.ts";
import { Lifetimes, type LifetimeOwner, type Succession } from "./lifetimes.ts";
import { OpenBackoff } from "./open-backoff.ts";
import { openSession } from "./open-session.ts";
import { noteUse, part } from "./part-session.ts";
import { acquireTimeout, poolClosed, type PoolCounts } from "./pool-errors.ts";
import type { PoolOptions } from "./pool-surroundings.ts";
import type { PooledSession } from "./pooled-session.ts";
import { PoolBudgets, type BudgetMember } from "./session-budget.ts";
import { strictest, type SessionPolicy } from "./session-policy.ts";
import { clockOffset, isAlive, needsValidation } from "./validate-session.ts";
import { WaitingLine } from "./waiting-line.ts";

const DEFAULT_MAX_IN_FLIGHT = 64;

export type { Lease } from "./lease.ts";

export interface AcquireRequest {
  readonly signal: AbortSignal;
  readonly policy: SessionPolicy;
  /** Who asks, for the report of a lease that never comes back. */
  readonly holder: string;
}

/**
 * The sessions of one key.
 *
 * Callers wait on the pool, in order, and never on one particular opening: whichever session gets room
 * first serves whoever came first. At all times `open + opening <= maxSessions`; a session that is being
 * replaced ahead of its end serves on beside its successor's opening and is not counted.
 */
export class SessionPool implements BudgetMember, LifetimeOwner {
  readonly provider: string;
  readonly target: Target;
  readonly identity: string;
  readonly ephemeral: boolean;
  readonly #options: PoolOptions;
  #policy: SessionPolicy;
  /** Policies taken into account already: most calls bring one of these. */
  readonly #seen = new WeakSet<SessionPolicy>();
  readonly #open = new Set<PooledSession>();
  readonly #openings = new Set<AbortController>();
  /** Serving until their successors are open. */
  readonly #retiring = new Set<PooledSession>();
  /** Out of service, with calls still running; the value says why. */
  readonly #draining = new Map<PooledSession, string>();
  readonly #endings = new Endings();
  readonly #line: WaitingLine<Lease>;
  readonly #backoff: OpenBackoff;
  readonly #lifetimes: Lifetimes;
  readonly #leases: LeaseBook;
  readonly #budgets: PoolBudgets;
  /** Ids of lost sessions that no opening stands in for yet, oldest first. */
  readonly #unreplaced: string[] = [];
  #closed = false;
  #closedAs: Parting = "ended";

  constructor(options: PoolOptions) {
    this.provider = options.handler.provider;
    this.target = options.target;
    this.identity = options.identity;
    this.ephemeral = options.ephemeral;
    this.#options = options;
    this.#policy = options.policy;
    this.#seen.add(options.policy);
    this.#line = new WaitingLine(options.clock);
    this.#backoff = new OpenBackoff(options.clock, options.random);
    this.#lifetimes = new Lifetimes(options.clock, this);
    this.#budgets = new PoolBudgets(this, options.budget, options.totalBudget);
    this.#leases = new LeaseBook(
      options.clock,
      (session) => this.#released(session),
      (lease, holder, heldMs) => this.#overdue(lease, holder, heldMs),
    );
  }

  /** Nothing is open, under way or waited for: forgetting this pool loses nothing. */
  get isEmpty(): boolean {
    const sessions = this.#open.size + this.#openings.size + this.#retiring.size + this.#draining.size;
    return sessions + this.#endings.size + this.#line.length === 0;
  }

  /** For a pool that is forgotten. */
  leaveBudget(): void {
    this.#backoff.cancel();
    this.#budgets.leave();
  }

  get policy(): SessionPolicy {
    return this.#policy;
  }

  /** Every session that is not being ended. */
  sessions(): PooledSession[] {
    return [...this.#open, ...this.#retiring, ...this.#draining.keys()];
  }

  serving(): PooledSession[] {
    return [...this.#open, ...this.#retiring];
  }

  maySpare(): boolean {
    return this.#unused() > this.#policy.minIdle;
  }

  get counts(): PoolCounts {
    let active = 0;
    for (const session of this.sessions()) active += session.active;
    return { open: this.#open.size, opening: this.#openings.size, active, pending: this.#line.length };
  }

  /**
   * Capabilities that share a pool may ask for different limits; the strictest of those seen holds,
   * so that the outcome does not depend on who came first.
   */
  tighten(policy: SessionPolicy): void {
    if (this.#seen.has(policy)) return;
    this.#seen.add(policy);
    this.#policy = strictest(this.#policy, policy);
  }

  /**
   * A lease on a session with room: at once where there is one and nobody waits, else in line.
   * Fails with `pool-closed`, `acquire-timeout` (its cause is the last opening error), the error of the
   * opening this call waited for, or the reason of the signal.
   */
  acquire(request: AcquireRequest): Lease | Promise<Lease> {
    if (this.#closed) throw poolClosed(this.target);
    if (request.signal.aborted) throw abortError(request.signal);
    if (this.#line.length === 0) {
      const session = this.#withRoom();
      if (session !== undefined) {
        const lease = this.#lease(session, request.holder);
        if (this.#policy.minIdle > 0) this.#openAsNeeded();
        return lease;
      }
    }
    if (this.#line.length >= this.#policy.maxWaiters && !(this.#line.length === 0 && this.#mayOpen())) {
      const message = `Too many calls wait for a session with ${this.target.endpoint} (max_waiters ${this.#policy.maxWaiters}).`;
      throw acquireTimeout(message, this.counts, this.#backoff.lastError);
    }
    const { acquireTimeoutMs } = request.policy;
    const lease = this.#line.join(request.signal, request.holder, acquireTimeoutMs, () => {
      const message = `No session with ${this.target.endpoint} was free within ${acquireTimeoutMs} ms.`;
      return acquireTimeout(message, this.counts, this.#backoff.lastError);
    });
    this.#openAsNeeded();
    return lease;
  }

  /** The peer no longer knows the session. A loss is one loss, however many calls notice. */
  lose(session: PooledSession, reason: string): void {
    if (session.lost || session.status === "closing" || session.status === "closed") return;
    session.lost = true;
    if (!this.ephemeral) this.#unreplaced.push(session.id);
    // The reason may quote a peer that names the session by its own id.
    this.#options.events.emit("sessionLost", { ...session.describe(), reason: this.#options.redactor.redact(reason) });
    this.evict(session, "lost");
  }

  /** Takes a session out of service; it is ended once its running calls have ended. */
  evict(session: PooledSession, reason: string, why: Parting = "ended"): void {
    if (this.#open.delete(session)) this.#budgets.giveBack();
    else if (!this.#retiring.delete(session)) return;
    session.status = "draining";
    part(this.#options, session, session.lost ? "lost" : why);
    if (session.active === 0) this.#end(session, reason);
    else this.#draining.set(session, reason);
    this.#serve();
  }

  /** Opens the successor of a session whose time will come soon, and lets that serve until it is there. */
  succeed(session: PooledSession, reason: string): void {
    if (this.#closed || !this.#open.delete(session)) return;
    // Its place passes to the successor, so that nobody else can take it in between.
    session.status = "retiring";
    this.#retiring.add(session);
    void this.#openOne(this.#inFlightPerSession(), { predecessor: session, reason });
  }

  /** Ends the session that has been unused for longest; false where every one is in use. */
  spareOne(): boolean {
    const unused = [...this.#open].filter((session) => session.active === 0);
    if (unused.length === 0 || this.#line.length > 0) return false;
    const longest = unused.reduce((first, session) => (session.idleSince < first.idleSince ? session : first));
    this.evict(longest, "made room for another identity", "unused");
    return true;
  }

  roomMade(): void {
    this.#serve();
  }

  /**
   * Settles as `work` does, or with the signal. Keeps the lease until the work has really ended, even where its
   * caller has long left by the signal.
   */
  settleOnLease<T>(lease: Lease, work: Promise<T>, signal: AbortSignal): Promise<T> {
    return settleOnLease(this.#options.clock, lease, work, signal, () =>
      this.evict(lease.session, "did not let go of an aborted call"),
    );
  }

  /**
   * Closes: refuses who waits, gives up openings, lets running calls end, ends every session at its peer.
   * Resolves when nothing is left; whoever closes aborts the running calls when their time is up. `kept`: sessions
   * that others can go on with are let go of, and not ended.
   */
  async close(reason: string, why: Parting = "ended"): Promise<void> {
    this.#closed = true;
    this.#closedAs = why;
    this.#backoff.cancel();
    this.#lifetimes.cancel();
    this.#line.refuseAll(poolClosed(this.target));
    for (const opening of this.#openings) opening.abort(poolClosed(this.target));
    for (const session of this.serving()) this.evict(session, reason, why);
    while (!this.isEmpty) {
      await this.#endings.changed();
    }
  }

  /** The least busy session with room. One that has to say first that it is alive is asked, and passed over. */
  #withRoom(): PooledSession | undefined {
    let best: PooledSession | undefined;
    for (const session of this.#open) {
      if (!session.hasRoom || (best !== undefined && session.active >= best.active)) continue;
      if (needsValidation(this.#options, this.#policy, session)) void this.#validate(session);
      else best = session;
    }
    if (best !== undefined) return best;
    for (const session of this.#retiring) if (session.hasRoom) return session;
    return undefined;
  }

  async #validate(session: PooledSession): Promise<void> {
    session.status = "validating";
    const alive = await isAlive(this.#options, session);
    // It may have been closed or lost meanwhile.
    if (session.status !== "validating") return;
    if (!alive) {
      this.lose(session, "It did not answer when it was asked whether it is alive.");
      return;
    }
    session.status = "open";
    session.idleSince = this.#options.clock.monotonic();
    session.clockOffset = clockOffset(this.#options.clock);
    this.#serve();
  }

  #lease(session: PooledSession, holder: string): Lease {
    session.active++;
    session.calls++;
    session.lastUsedAt = this.#options.clock.now();
    if (session.kept !== undefined) noteUse(session, this.#policy.idleTimeoutMs);
    return this.#leases.give(session, holder, this.#policy.leaseTimeoutMs);
  }

  #released(session: PooledSession): void {
    const { clock } = this.#options;
    session.active--;
    session.lastUsedAt = clock.now();
    if (session.active === 0) {
      session.idleSince = clock.monotonic();
      session.clockOffset = clockOffset(clock);
    }
    const drainReason = this.#draining.get(session);
    if (drainReason !== undefined) {
      if (session.active > 0) return;
      this.#draining.delete(session);
      this.#end(session, drainReason);
    } else if (this.ephemeral) this.evict(session, "served its one call");
    else {
      this.#serve();
      if (session.active === 0) this.#budgets.offer();
    }
  }

  #overdue({ session }: Lease, holder: string, heldMs: number): void {
    const { events } = this.#options;
    events.emit("leaseReclaimed", { ...session.describe(), holder, heldMs });
    this.evict(session, "a lease on it never came back");
  }

  /** Gives room to those who wait, in order, then opens what is still missing. */
  #serve(): void {
    while (this.#line.length > 0) {
      const session = this.#withRoom();
      if (session === undefined) break;
      this.#line.serveFirst((holder) => this.#lease(session, holder));
    }
    this.#openAsNeeded();
  }

  #mayOpen(): boolean {
    return !this.#closed && this.#open.size + this.#openings.size < this.#policy.maxSessions;
  }

  #inFlightPerSession(): number {
    if (this.ephemeral) return 1;
    return this.#policy.maxInFlight ?? this.#options.handler.traits?.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT;
  }

  #unused(): number {
    let unused = 0;
    for (const session of this.#open) if (session.active === 0) unused++;
    return unused;
  }

  /** Opens as many sessions as those who wait need, then the spares, and no more than the limits allow. */
  #openAsNeeded(): void {
    const perSession = this.#inFlightPerSession();
    while (this.#mayOpen()) {
      const needed = this.#line.length > this.#openings.size * perSession;
      // Openings will serve those who wait first; only what is left of them counts as spare.
      const spare =
        this.#line.length === 0 && !this.ephemeral && this.#unused() + this.#openings.size < this.#policy.minIdle;
      if (!needed && !spare) return;
      if (this.#backoff.mustWait(() => this.#serve())) return;
      if (!this.#budgets.take(needed ? "needed" : "spare")) return;
      void this.#openOne(perSession);
    }
  }

  async #openOne(maxInFlight: number, succession?: Succession): Promise<void> {
    const { handler, clock, events } = this.#options;
    const target = this.target;
    const opening = new AbortController();
    this.#openings.add(opening);
    // Taken before anything is awaited, so that two openings never stand in for the same loss.
    const replaces = succession === undefined ? this.#unreplaced.shift() : undefined;
    const startedAt = clock.monotonic();
    events.emit("sessionOpening", { provider: handler.provider, endpoint: target.endpoint });
    try {
      if (succession !== undefined) await this.#options.renewCredentials?.();
      const session = await openSession(this.#options, {
        target,
        maxInFlight,
        openTimeoutMs: this.#policy.openTimeoutMs,
        maxLifetimeMs: this.#policy.maxLifetimeMs,
        opening,
        lost: (which, reason) => this.lose(which, reason),
        alsoWaitFor: (work) => this.#endings.track(work),
      });
      this.#openings.delete(opening);
      this.#backoff.succeeded();
      this.#open.add(session);
      const durationMs = clock.monotonic() - startedAt;
      const { description, resumed } = session;
      events.emit("sessionOpened", { ...session.describe(), durationMs, replaces, description, resumed });
      if (replaces !== undefined) events.emit("sessionReplaced", { ...session.describe(), replaces });
      if (succession !== undefined) this.evict(succession.predecessor, succession.reason);
      if (this.#closed) this.evict(session, "closed", this.#closedAs);
      else this.#serve();
      this.#lifetimes.watch();
      if (session.active === 0) this.#budgets.offer();
      // Whoever it was opened for has left: a session for one call must not wait for another.
      if (this.ephemeral && session.calls === 0) this.evict(session, "not needed");
    } catch (error) {
      this.#openings.delete(opening);
      if (succession === undefined || !this.#reinstate(succession.predecessor)) this.#budgets.giveBack();
      if (replaces !== undefined) this.#unreplaced.unshift(replaces);
      this.#openFailed(classifyFailure(handler, error, { phase: "open", sent: false, target }));
    }
    this.#endings.wake();
  }

  /** Without a successor it serves to its end. False where it has ended already. */
  #reinstate(predecessor: PooledSession): boolean {
    if (!this.#retiring.delete(predecessor)) return false;
    predecessor.status = "open";
    this.#open.add(predecessor);
    return true;
  }

  #openFailed(error: CcosError): void {
    const { events, handler } = this.#options;
    this.#backoff.failed(error);
    events.emit("sessionOpenFailed", {
      provider: handler.provider,
      endpoint: this.target.endpoint,
      error: this.#options.redactor.redactValue(error.toJSON()),
    });
    // Shared with those who waited for it while there is no other hope, and with nobody who comes later.
    if (this.#open.size === 0 && this.#openings.size === 0) this.#line.refuseAll(error);
    this.#openAsNeeded();
  }

  #end(session: PooledSession, reason: string): void {
    this.#leases.rest();
    this.#endings.track(endSession(this.#options, session, reason));
  }
}
