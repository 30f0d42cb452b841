import type { Caller, SessionUse } from "../capability/call.ts";
import type { Manifest, ProviderBlock } from "../capability/manifest.ts";
import {
  type CallTracing,
  type CcosError,
  type Clock,
  type Emitter,
  type JsonValue,
  type Redactor,
  type RuntimeEvents,
} from "../kernel/index.ts";
import type { PolicyChain } from "../policies/compose.ts";
import type { PolicyCall } from "../policies/policy.ts";
import { classifyFailure } from "./classify-failure.ts";
import type { SessionCall, SessionHandler } from "./handler.ts";
import type { Lease, SessionPool } from "./pool.ts";
import type { PooledSession } from "./pooled-session.ts";
import type { ResolvedTarget } from "./resolve-target.ts";
import { spanFacts } from "./span-facts.ts";
import type { StreamRun } from "./stream-run.ts";

/** What every execution works with; made once. */
export interface ExecutionSurroundings {
  readonly clock: Clock;
  readonly events: Emitter<RuntimeEvents>;
  readonly redactor: Redactor;
  readonly tracing: CallTracing | undefined;
  readonly chain: PolicyChain;
  readonly poolOf: (handler: SessionHandler, resolved: ResolvedTarget) => SessionPool;
  /** Fresh credentials after a refusal: the target to go on with, or undefined where nothing could be renewed. */
  readonly renew: (
    job: ExecutionJob,
    refused: ResolvedTarget,
    session: PooledSession | undefined,
  ) => Promise<ResolvedTarget | undefined>;
}

/** What is to be executed. */
export interface ExecutionJob {
  readonly handler: SessionHandler;
  readonly manifest: Manifest;
  readonly block: ProviderBlock;
  readonly caller: Caller | undefined;
  readonly callId: string;
  readonly input: JsonValue;
  readonly idempotent: boolean;
  /** Where its events go, if it gives any. */
  readonly stream: StreamRun | undefined;
  /** Position of the call in the manager's order: sessions opened before it count as reused. */
  readonly sequence: number;
}

/**
 * One call, executed as often as it takes and never more often than is safe.
 *
 * A lost session did not execute the call, so another session replays it, whatever the call is. A refused
 * credential is renewed once. An unknown outcome is replayed only where running twice is harmless.
 * Everything else is the caller's to know.
 */
export class Execution {
  readonly #around: ExecutionSurroundings;
  readonly #job: ExecutionJob;
  #resolved: ResolvedTarget;
  #use: SessionUse | null = null;
  #attempts = 0;
  /** How long the latest attempt had to wait for its session. */
  #waitedMs = 0;
  /** Sessions lost under this call, oldest first. */
  #lost: PooledSession[] | undefined;
  #uncertain = 0;
  #renewed = false;

  constructor(around: ExecutionSurroundings, job: ExecutionJob, resolved: ResolvedTarget) {
    this.#around = around;
    this.#job = job;
    this.#resolved = resolved;
  }

  get attempts(): number {
    return this.#attempts;
  }

  get session(): SessionUse | null {
    return this.#use;
  }

  /** Runs it within the time and until the signal of `call`. Running it again goes on where the last run failed. */
  async run(call: PolicyCall): Promise<JsonValue> {
    for (;;) {
      let pool: SessionPool | undefined;
      let session: PooledSession | undefined;
      let servedBefore = 0;
      try {
        pool = this.#around.poolOf(this.#job.handler, this.#resolved);
        const leasing = this.#acquire(call, pool);
        const lease = leasing instanceof Promise ? await leasing : leasing;
        session = lease.session;
        servedBefore = session.served;
        this.#took(session);
        const value = await this.#attempt(call, pool, lease);
        session.served++;
        return value;
      } catch (error) {
        const failure = error as CcosError;
        if (failure.code === "rejected" && session !== undefined) session.served++;
        if (call.signal.aborted || !(await this.#mayGoOn(failure, pool, session, servedBefore))) throw failure;
        const { stream } = this.#job;
        if (stream?.mayRunAgain === false) throw failure;
        await stream?.pause(call.signal);
      }
    }
  }

  #acquire(call: PolicyCall, pool: SessionPool): Lease | Promise<Lease> {
    const { callId } = this.#job;
    const { clock } = this.#around;
    this.#waitedMs = 0;
    const lease = pool.acquire({ signal: call.signal, policy: this.#resolved.resolvedPolicy.policy, holder: callId });
    if (!(lease instanceof Promise)) return lease;
    const since = clock.monotonic();
    return lease.then((got) => {
      this.#waitedMs = clock.monotonic() - since;
      return got;
    });
  }

  #took(session: PooledSession): void {
    const reused = session.openedSequence < this.#job.sequence;
    this.#use = { id: session.id, provider: session.provider, reused };
    const { callId, stream } = this.#job;
    const { events } = this.#around;
    stream?.using(session, reused, this.#attempts + 1);
    if (reused && this.#attempts === 0 && events.hears("sessionReused")) {
      events.emit("sessionReused", { ...session.describe(), callId, capabilityId: this.#resolved.capability.id });
    }
  }

  #attempt(call: PolicyCall, pool: SessionPool, lease: Lease): Promise<JsonValue> {
    let begun = false;
    const outcome = this.#around.chain.aroundAttempt(call, (limited) => {
      begun = true;
      return this.#attemptWithin(limited, pool, lease);
    });
    if (begun) return outcome;
    // A policy that waits first may end the call before it has begun.
    return outcome.finally(() => {
      if (!begun) lease.release();
    });
  }

  async #attemptWithin(limits: PolicyCall, pool: SessionPool, lease: Lease): Promise<JsonValue> {
    const { events, clock, tracing, chain } = this.#around;
    const { handler, callId, input, stream } = this.#job;
    const { signal } = limits;
    const { session } = lease;
    const { capability, target } = this.#resolved;
    const attempt = ++this.#attempts;
    let sent = false;
    const startedAt = clock.monotonic();
    const event = () => ({ ...session.describe(), callId, capabilityId: capability.id, attempt });
    const ended = () => ({ ...event(), durationMs: clock.monotonic() - startedAt });
    if (events.hears("attemptStarted")) {
      const facts = spanFacts(handler, session, target);
      events.emit("attemptStarted", { ...event(), operation: target.operation, waitedMs: this.#waitedMs, ...facts });
    }
    const trace = tracing?.attempt(callId);
    const call: SessionCall = {
      capability,
      target,
      input,
      signal,
      remainingMs: () => limits.remainingMs(),
      attempt,
      callId,
      headers: trace?.headers,
      sent: () => void (sent = true),
      limited: (news) => chain.learn(limits, news),
    };
    const execute = (): Promise<JsonValue> => {
      if (stream !== undefined) {
        const onFirst = (): void => {
          sent = true;
          this.#begins(session);
        };
        return stream.run({ handler, lease, call, trace, onFirst });
      }
      try {
        return Promise.resolve(handler.executeWithSession(session, call, session.context));
      } catch (error) {
        // A handler that throws at once is no special case.
        return Promise.reject(error as Error);
      }
    };
    const work = trace === undefined ? execute() : trace.run(execute);
    try {
      const value = await pool.settleOnLease(lease, work, signal);
      if (events.hears("attemptEnded")) events.emit("attemptEnded", ended());
      return value;
    } catch (error) {
      let failure = classifyFailure(handler, error, { phase: "execute", sent, target });
      if (signal.aborted) failure = failure.with({ details: { sent } });
      if (events.hears("attemptEnded")) {
        // A stream that was left has served its purpose.
        const error = stream?.left === true ? undefined : this.#around.redactor.redactValue(failure.toJSON());
        events.emit("attemptEnded", { ...ended(), error });
      }
      throw failure;
    }
  }

  /** A stream that gives events is well again: what it met before does not count any more. */
  #begins(session: PooledSession): void {
    session.served++;
    this.#lost = undefined;
    this.#uncertain = 0;
    this.#renewed = false;
  }

  /**
   * How many sessions in a row, up to now, were lost without having served anybody. One with calls still
   * running does not count yet: their answers may be on the way.
   */
  #barrenSessions(): number {
    const settled = (this.#lost ?? []).filter((session) => session.active === 0 || session.served > 0);
    return settled.length - 1 - settled.findLastIndex((session) => session.served > 0);
  }

  get #hasBegun(): boolean {
    const { stream } = this.#job;
    return stream !== undefined && stream.delivered > 0;
  }

  /** Does what a failure asks for; true where the call may run again. */
  async #mayGoOn(
    failure: CcosError,
    pool: SessionPool | undefined,
    session: PooledSession | undefined,
    servedBefore: number,
  ): Promise<boolean> {
    if (pool === undefined) return false;
    const { policy } = this.#resolved.resolvedPolicy;
    switch (failure.code) {
      case "session-lost": {
        if (session === undefined) return false;
        pool.lose(session, failure.message);
        if (policy.stateful && (servedBefore > 0 || this.#hasBegun)) {
          throw failure.with({
            message: `${failure.message} The session held state (:stateful true), and that state is gone, so the call was not replayed.`,
            remedy: "Build the state up again in a new session, then call again.",
          });
        }
        (this.#lost ??= []).push(session);
        if (this.#barrenSessions() < policy.maxReplays) return true;
        throw failure.with({
          remedy:
            "Its sessions are lost before they serve anything: several servers behind one address need sticky sessions.",
        });
      }
      case "unauthenticated": {
        if (this.#renewed) return false;
        const fresh = await this.#around.renew(this.#job, this.#resolved, session);
        // One that failed was none: whoever tries again may renew.
        this.#renewed = true;
        if (fresh === undefined) return false;
        if (session !== undefined) pool.evict(session, "its credentials were refused");
        this.#resolved = fresh;
        return true;
      }
      case "outcome-unknown":
        // A stream that has begun repeats nothing: it goes on after its last item.
        return (this.#job.idempotent || this.#hasBegun) && ++this.#uncertain <= policy.maxReplays;
      case "protocol-error":
        if (session !== undefined) pool.evict(session, "the peer broke the protocol");
        return false;
      default:
        return false;
    }
  }
}
