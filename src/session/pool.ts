import { abortError, CcosError, type Timer } from "../kernel/index.ts";
import { classifyFailure } from "./classify-failure.ts";
import { endSession } from "./end-session.ts";
import type { BudgetMember } from "./endpoint-budget.ts";
import type { Target } from "./handler.ts";
import { Lifetimes } from "./lifetimes.ts";
import { OpenBackoff } from "./open-backoff.ts";
import { openSession } from "./open-session.ts";
import type { PoolOptions } from "./pool-surroundings.ts";
import type { PooledSession } from "./pooled-session.ts";
import type { SessionPolicy } from "./session-policy.ts";
import { WaitingLine } from "./waiting-line.ts";

const DEFAULT_MAX_IN_FLIGHT = 64;
/** A session whose handler does not let go of an aborted call for this long is unfit. */
const ABORT_GRACE_MS = 5_000;

/** The right to run one call on a session. */
export interface Lease {
  readonly session: PooledSession;
  /** Gives the right back. Releasing again does nothing. */
  release(): void;
}

export interface AcquireRequest {
  readonly signal: AbortSignal;
  readonly policy: SessionPolicy;
}

/**
 * The sessions of one key.
 *
 * Callers wait on the pool, in order, and never on one particular opening: whichever session gets room
 * first serves whoever came first. At all times `open + opening <= maxSessions`.
 */
export class SessionPool implements BudgetMember {
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
  /** Out of service, with calls still running; the value says why. */
  readonly #draining = new Map<PooledSession, string>();
  readonly #ending = new Set<Promise<void>>();
  readonly #line: WaitingLine<Lease>;
  readonly #backoff: OpenBackoff;
  readonly #lifetimes: Lifetimes;
  /** Ids of lost sessions that no opening stands in for yet, oldest first. */
  readonly #unreplaced: string[] = [];
  #closed = false;
  #wakeClose: (() => void) | undefined;

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
    this.#lifetimes = new Lifetimes(options.clock, (session, reason) => this.evict(session, reason));
    options.budget.join(this);
  }

  /** Nothing is open, under way or waited for: forgetting this pool loses nothing. */
  get isEmpty(): boolean {
    return this.#open.size + this.#openings.size + this.#draining.size + this.#ending.size + this.#line.length === 0;
  }

  /** For a pool that is forgotten. */
  leaveBudget(): void {
    this.#backoff.cancel();
    this.#options.budget.leave(this);
  }

  /** Open sessions and those that are draining. */
  sessions(): PooledSession[] {
    return [...this.#open, ...this.#draining.keys()];
  }

  get scope(): string {
    return this.#policy.scope;
  }

  get counts(): { readonly open: number; readonly opening: number; readonly active: number; readonly pending: number } {
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
    const mine = this.#policy;
    this.#policy = {
      ...mine,
      maxSessions: Math.min(mine.maxSessions, policy.maxSessions),
      maxSessionsPerEndpoint: Math.min(mine.maxSessionsPerEndpoint, policy.maxSessionsPerEndpoint),
      maxInFlight: leastOf(mine.maxInFlight, policy.maxInFlight),
      maxWaiters: Math.min(mine.maxWaiters, policy.maxWaiters),
    };
  }

  /**
   * A lease on a session with room: at once where there is one and nobody waits, else in line.
   * Fails with `pool-closed`, `acquire-timeout` (its cause is the last opening error), the error of the
   * opening this call waited for, or the reason of the signal.
   */
  acquire(request: AcquireRequest): Lease | Promise<Lease> {
    if (this.#closed) throw this.#closedError();
    if (request.signal.aborted) throw abortError(request.signal);
    if (this.#line.length === 0) {
      const session = this.#withRoom();
      if (session !== undefined) return this.#lease(session);
    }
    if (this.#line.length >= this.#policy.maxWaiters && !(this.#line.length === 0 && this.#mayOpen())) {
      throw this.#acquireTimeout(
        `Too many calls wait for a session with ${this.target.endpoint} (max_waiters ${this.#policy.maxWaiters}).`,
      );
    }
    const { acquireTimeoutMs } = request.policy;
    const lease = this.#line.join(request.signal, acquireTimeoutMs, () =>
      this.#acquireTimeout(`No session with ${this.target.endpoint} was free within ${acquireTimeoutMs} ms.`),
    );
    this.#openAsNeeded();
    return lease;
  }

  /** The peer no longer knows the session. A loss is one loss, however many calls notice. */
  lose(session: PooledSession, reason: string): void {
    if (session.lost || session.status === "closing" || session.status === "closed") return;
    session.lost = true;
    if (!this.ephemeral) this.#unreplaced.push(session.id);
    this.#options.events.emit("sessionLost", { ...session.describe(), reason });
    this.evict(session, "lost");
  }

  /** Takes a session out of service; it is ended once its running calls have ended. */
  evict(session: PooledSession, reason: string): void {
    if (!this.#open.delete(session)) return;
    this.#options.budget.giveBack();
    session.status = "draining";
    if (session.active === 0) this.#end(session, reason);
    else this.#draining.set(session, reason);
    this.#serve();
  }

  /** Ends the session that has been unused for longest; false where every one is in use. */
  spareOne(): boolean {
    const unused = [...this.#open].filter((session) => session.active === 0);
    if (unused.length === 0 || this.#line.length > 0) return false;
    const longest = unused.reduce((first, session) => (session.idleSince < first.idleSince ? session : first));
    this.evict(longest, "made room for another identity");
    return true;
  }

  roomMade(): void {
    this.#serve();
  }

  /** Keeps the lease until `work` has really ended, even where its caller has long left by the signal. */
  releaseWhenSettled(lease: Lease, work: Promise<unknown>, signal: AbortSignal): void {
    let grace: Timer | undefined;
    const onAbort = (): void => {
      const giveUp = (): void => {
        this.evict(lease.session, "did not let go of an aborted call");
        lease.release();
      };
      grace = this.#options.clock.setTimer(ABORT_GRACE_MS, giveUp, { background: true });
    };
    const done = (): void => {
      grace?.cancel();
      signal.removeEventListener("abort", onAbort);
      lease.release();
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    work.then(done, done);
  }

  /**
   * Closes: refuses who waits, gives up openings, lets running calls end, ends every session at its peer.
   * Resolves when nothing is left; whoever closes aborts the running calls when their time is up.
   */
  async close(reason: string): Promise<void> {
    this.#closed = true;
    this.#backoff.cancel();
    this.#lifetimes.cancel();
    this.#line.refuseAll(this.#closedError());
    for (const opening of this.#openings) opening.abort(this.#closedError());
    for (const session of [...this.#open]) this.evict(session, reason);
    while (!this.isEmpty) {
      await new Promise<void>((resolve) => (this.#wakeClose = resolve));
    }
  }

  #withRoom(): PooledSession | undefined {
    let best: PooledSession | undefined;
    for (const session of this.#open) {
      if (!session.hasRoom) continue;
      // The least busy one, so that no session queues calls at the peer while another is idle.
      if (best === undefined || session.active < best.active) best = session;
      if (best.active === 0) break;
    }
    return best;
  }

  #lease(session: PooledSession): Lease {
    session.active++;
    session.calls++;
    session.lastUsedAt = this.#options.clock.now();
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      this.#released(session);
    };
    return { session, release };
  }

  #released(session: PooledSession): void {
    session.active--;
    session.lastUsedAt = this.#options.clock.now();
    if (session.active === 0) session.idleSince = this.#options.clock.monotonic();
    const drainReason = this.#draining.get(session);
    if (drainReason !== undefined) {
      if (session.active > 0) return;
      this.#draining.delete(session);
      this.#end(session, drainReason);
    } else if (this.ephemeral) this.evict(session, "served its one call");
    else {
      this.#serve();
      if (session.active === 0) this.#options.budget.offer(this);
    }
  }

  /** Gives room to those who wait, in order, then opens what is still missing. */
  #serve(): void {
    while (this.#line.length > 0) {
      const session = this.#withRoom();
      if (session === undefined) break;
      this.#line.serveFirst(this.#lease(session));
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

  /** Opens as many sessions as those who wait need, and no more than the limit allows. */
  #openAsNeeded(): void {
    const perSession = this.#inFlightPerSession();
    while (this.#mayOpen() && this.#line.length > this.#openings.size * perSession) {
      if (this.#backoff.mustWait(() => this.#serve())) return;
      if (!this.#options.budget.take(this, this.#policy.maxSessionsPerEndpoint)) return;
      void this.#openOne(perSession);
    }
  }

  async #openOne(maxInFlight: number): Promise<void> {
    const { handler, clock, events } = this.#options;
    const target = this.target;
    const opening = new AbortController();
    this.#openings.add(opening);
    // Taken before anything is awaited, so that two openings never stand in for the same loss.
    const replaces = this.#unreplaced.shift();
    const startedAt = clock.monotonic();
    events.emit("sessionOpening", { provider: handler.provider, endpoint: target.endpoint });
    try {
      const session = await openSession(this.#options, {
        target,
        maxInFlight,
        openTimeoutMs: this.#policy.openTimeoutMs,
        maxLifetimeMs: this.#policy.maxLifetimeMs,
        opening,
        lost: (which, reason) => this.lose(which, reason),
        alsoWaitFor: (work) => this.#track(work),
      });
      this.#openings.delete(opening);
      this.#backoff.succeeded();
      this.#open.add(session);
      const durationMs = clock.monotonic() - startedAt;
      events.emit("sessionOpened", { ...session.describe(), durationMs, replaces, description: session.description });
      if (replaces !== undefined) events.emit("sessionReplaced", { ...session.describe(), replaces });
      if (this.#closed) this.evict(session, "closed");
      else this.#serve();
      this.#lifetimes.watch(this.#open, this.#policy);
      // Whoever it was opened for has left: a session for one call must not wait for another.
      if (this.ephemeral && session.calls === 0) this.evict(session, "not needed");
    } catch (error) {
      this.#openings.delete(opening);
      this.#options.budget.giveBack();
      if (replaces !== undefined) this.#unreplaced.unshift(replaces);
      this.#openFailed(classifyFailure(handler, error, { phase: "open", sent: false, target }));
    }
    this.#wake();
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
    else this.#openAsNeeded();
  }

  #end(session: PooledSession, reason: string): void {
    this.#track(endSession(this.#options, session, reason));
  }

  #track(work: Promise<void>): void {
    this.#ending.add(work);
    void work.finally(() => {
      this.#ending.delete(work);
      this.#wake();
    });
  }

  #wake(): void {
    this.#wakeClose?.();
    this.#wakeClose = undefined;
  }

  #acquireTimeout(message: string): CcosError {
    return new CcosError("acquire-timeout", message, {
      remedy: "Call less at once, raise :max_sessions or :max_in_flight, or give more time with :acquire_timeout_ms.",
      details: { ...this.counts },
      cause: this.#backoff.lastError,
    });
  }

  #closedError(): CcosError {
    return new CcosError("pool-closed", `The sessions with ${this.target.endpoint} are being closed.`, {
      remedy: "Call before the environment is closed, or create another environment.",
    });
  }
}

function leastOf(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}
