import {
  attachReport,
  type CallContext,
  type Caller,
  type CallOutcome,
  type EventSink,
  type ManifestTraits,
  type SessionDelegate,
} from "../capability/call.ts";
import type { Manifest } from "../capability/manifest.ts";
import {
  CcosError,
  redactError,
  startDeadline,
  systemClock,
  systemRandom,
  toCcosError,
  type Deadline,
  type JsonValue,
} from "../kernel/index.ts";
import { composePolicies } from "../policies/compose.ts";
import type { ExplainedSettings } from "../policies/policy-settings.ts";
import type { Policy } from "../policies/policy.ts";
import { detectProvider, type DetectedProvider } from "./detect-provider.ts";
import { Execution, type ExecutionJob, type ExecutionSurroundings } from "./execution.ts";
import type { SessionProbe, TargetExplanation } from "./explain-target.ts";
import type { HandlerTraits, SessionHandler } from "./handler.ts";
import { HandlerShelf } from "./handler-shelf.ts";
import { endStored } from "./end-stored.ts";
import { blockOf, closingError } from "./manager-errors.ts";
import type { CloseOptions, OpenOptions, SessionPoolManagerOptions } from "./manager-options.ts";
import { PoolShelf } from "./pool-shelf.ts";
import type { PooledSession } from "./pooled-session.ts";
import type { PoolSurroundings } from "./pool-surroundings.ts";
import { Renewals } from "./renewals.ts";
import { TargetResolver, type ResolvedTarget } from "./resolve-target.ts";
import { policyCall } from "./policy-call.ts";
import { RunningCalls, type CallToRun, type RunningCall } from "./running-calls.ts";
import { describeSession, type SessionInfo } from "./session-info.ts";
import { useSignIns, type UseOfSignIns } from "./sign-in-desk.ts";
import { StreamRun } from "./stream-run.ts";
import { isAlive } from "./validate-session.ts";

/** Our own id of a session: safe to show, and of no use to the peer. */
export type SessionId = string;

/**
 * Finds the handler of a capability by its metadata, the pool by its target, and runs the call there.
 * It knows no protocol: everything it does holds for every provider there is and will be.
 */
export class SessionPoolManager implements SessionDelegate {
  readonly #around: PoolSurroundings;
  readonly #handlers = new HandlerShelf();
  readonly #pools: PoolShelf;
  readonly #targets: TargetResolver;
  readonly #policies: readonly Policy[];
  readonly #executing: ExecutionSurroundings;
  readonly #renewals: Renewals;
  readonly #running = new RunningCalls();
  #sequence = 0;
  #closing: Promise<void> | undefined;

  constructor(options: SessionPoolManagerOptions) {
    this.#around = {
      clock: options.clock ?? systemClock,
      random: options.random ?? systemRandom,
      events: options.events,
      redactor: options.redactor,
      interaction: options.interaction,
      nextSequence: () => ++this.#sequence,
      directory: options.directory,
    };
    this.#renewals = new Renewals(this.#around);
    this.#pools = new PoolShelf(this.#around, (handler, { key, target }) =>
      handler.renewCredentials === undefined ? undefined : () => this.#renewals.once(handler, key, target),
    );
    this.#targets = new TargetResolver({
      targetContext: options.targetContext,
      readVariable: options.readVariable,
      configuration: options.configuration ?? {},
      fingerprintKey: options.fingerprintKey,
      superseded: (key) => this.#pools.retire(key, "its credentials or settings have changed"),
    });
    options.directory?.onGone((id) => this.#gone(id));
    this.#policies = options.policies ?? [];
    this.#executing = {
      clock: this.#around.clock,
      events: options.events,
      redactor: options.redactor,
      tracing: options.tracing,
      chain: composePolicies(this.#policies),
      poolOf: (handler, resolved) => this.#pools.of(handler, resolved),
      renew: (job, refused, session) => this.#renew(job, refused, session),
    };
  }

  /**
   * Makes a provider's sessions available. A later handler of the same provider takes the place of an
   * earlier one as long as that has no sessions; after that it is refused with `invalid-argument`.
   */
  registerHandler(handler: SessionHandler): void {
    const { provider } = handler;
    for (const pool of this.#pools.all()) {
      if (pool.provider === provider) {
        throw new CcosError(
          "invalid-argument",
          `The provider "${provider}" has sessions already, so its handler cannot be replaced.`,
          {
            remedy: "Register handlers before the first call.",
          },
        );
      }
    }
    this.#handlers.add(handler);
  }

  /**
   * Makes a provider's sessions available, and has its handler loaded when the first one is needed. `traits`: what is
   * to be known of it before that; default nothing.
   */
  registerLoader(provider: string, load: () => Promise<unknown>, traits?: HandlerTraits): void {
    this.#handlers.addLoader(provider, load, traits);
  }

  providers(): readonly string[] {
    return this.#handlers.providers();
  }

  manifestTraits(provider: string): ManifestTraits | undefined {
    return this.#handlers.traits(provider);
  }

  /** The provider whose sessions flattened metadata asks for; undefined where it asks for none. */
  detectProvider(metadata: Readonly<Record<string, string>>): DetectedProvider | undefined {
    return detectProvider(metadata);
  }

  /**
   * Runs one call of a capability on a session: one that is open, or a new one, or one waited for.
   * An error carries what is known of the call (`reportOf`).
   */
  async executeWithSession(manifest: Manifest, input: JsonValue, context: CallContext): Promise<CallOutcome> {
    const block = blockOf(manifest);
    const found = this.#handlers.get(block.provider, manifest.id);
    const handler = found instanceof Promise ? await found : found;
    const { events } = this.#around;
    const sequence = this.#around.nextSequence();
    if (block.requiresSession !== "false" && events.hears("sessionRequired")) {
      events.emit("sessionRequired", {
        callId: context.callId,
        capabilityId: manifest.id,
        key: block.key,
        value: block.requiresSession,
      });
    }
    const running = this.#start(context);
    const { events: sink } = context;
    const stream =
      sink === undefined || handler.stream === undefined ? undefined : new StreamRun(sink, this.#around.clock);
    // Whoever wants events has set no limit for a stream; what gives but a result has one like any other call.
    const limit = sink !== undefined && stream === undefined ? this.#limitResult(manifest, sink, running) : undefined;
    const signal = limit?.signal ?? running.signal;
    let execution: Execution | undefined;
    try {
      const resolved = this.#targets.resolve(handler, manifest, block, context.caller);
      const { callId, caller } = context;
      const idempotent = context.idempotent ?? manifest.idempotent ?? resolved.target.idempotent ?? false;
      const job: ExecutionJob = { handler, manifest, block, caller, callId, input, idempotent, stream, sequence };
      const own = new Execution(this.#executing, job, resolved);
      execution = own;
      let behind: Execution | undefined;
      const call = policyCall(resolved, manifest, input, { context, idempotent, signal, limit, stream });
      // What runs in the background is no part of what this call reports.
      const value = await this.#executing.chain.aroundCall(call, (given) => {
        if (!given.background) return own.run(given);
        behind ??= new Execution(this.#executing, job, resolved);
        return behind.run(given);
      });
      const { session, attempts } = execution;
      return stream === undefined
        ? { value, session, attempts }
        : { value, session, attempts, hasResult: stream.hasResult };
    } catch (error) {
      const thrown = toCcosError(error);
      const failure = redactError(stream?.explain(thrown) ?? thrown, this.#around.redactor);
      attachReport(failure, { session: execution?.session ?? null, attempts: execution?.attempts ?? 0 });
      throw failure;
    } finally {
      limit?.[Symbol.dispose]();
      running.finish();
    }
  }

  /** Opens the session a call of this capability would use, unless it is open already, and gives its id. */
  getOrCreateSession(manifest: Manifest, options: OpenOptions = {}): Promise<SessionId> {
    return this.#onSession(manifest, "getOrCreateSession", options, async ({ id }) => id);
  }

  /** The same, and asks the peer whether the session is alive, where the handler can ask. Executes nothing. */
  probeSession(manifest: Manifest, options: OpenOptions = {}): Promise<SessionProbe> {
    return this.#onSession(manifest, "probeSession", options, async (session, handler) => ({
      description: session.description,
      alive: handler.probe === undefined ? undefined : await isAlive({ handler, clock: this.#around.clock }, session),
    }));
  }

  /** What a call of this capability would need and where it would go. Sends nothing; throws only where no handler is. */
  async explainTarget(manifest: Manifest, caller?: Caller): Promise<TargetExplanation> {
    const block = blockOf(manifest);
    const handler = await this.#handlers.get(block.provider, manifest.id);
    const explained = this.#targets.explain(handler, manifest, block, caller);
    return explained.error === undefined
      ? explained
      : { ...explained, error: redactError(explained.error, this.#around.redactor) };
  }

  /** Signs in or out where a capability's calls go, as `SignInDesk` does it. */
  withSignIns<T>(manifest: Manifest, signal: AbortSignal | undefined, use: UseOfSignIns<T>): Promise<T> {
    const running = this.#start({ signal });
    const parts = { around: this.#around, handlers: this.#handlers, targets: this.#targets, signal: running.signal };
    return useSignIns(parts, manifest, blockOf(manifest), use).finally(() => running.finish());
  }

  async #onSession<T>(
    manifest: Manifest,
    what: string,
    options: OpenOptions,
    use: (session: PooledSession, handler: SessionHandler) => Promise<T>,
  ): Promise<T> {
    const block = blockOf(manifest);
    const handler = await this.#handlers.get(block.provider, manifest.id);
    const running = this.#start(options);
    try {
      const resolved = this.#targets.resolve(handler, manifest, block, options.caller);
      const pool = this.#pools.of(handler, resolved);
      const lease = await pool.acquire({
        signal: running.signal,
        policy: resolved.resolvedPolicy.policy,
        holder: `${what} of ${manifest.id}`,
      });
      try {
        return await use(lease.session, handler);
      } finally {
        lease.release();
      }
    } catch (error) {
      throw redactError(toCcosError(error), this.#around.redactor);
    } finally {
      running.finish();
    }
  }

  /**
   * Time for a call that names none, in milliseconds: as the capability's file, the configuration for where it
   * points, or the configuration says; undefined for what needs no session. Throws `invalid-argument` for settings
   * that are wrong.
   */
  timeoutMsOf(manifest: Manifest): number | undefined {
    const { execution } = manifest;
    return execution.kind === "provider"
      ? this.#targets.settingsOf(manifest, execution.block).policies.timeoutMs
      : undefined;
  }

  /**
   * Every setting in force for a capability and where it comes from, as far as its file says where its calls go;
   * undefined for what needs no session. Throws `invalid-argument` for settings that are wrong.
   */
  explainSettings(manifest: Manifest): ExplainedSettings | undefined {
    const { execution } = manifest;
    return execution.kind === "provider" ? this.#targets.explainSettings(manifest, execution.block) : undefined;
  }

  /** Pools that are remembered, those without a session included. */
  get poolCount(): number {
    return this.#pools.size;
  }

  list(): SessionInfo[] {
    return [...this.#pools.all()].flatMap((pool) => pool.sessions().map((session) => describeSession(pool, session)));
  }

  /** Sessions with a record in the store, the longest unused first. */
  listStored(): Promise<SessionInfo[]> {
    return this.#around.directory?.list() ?? Promise.resolve([]);
  }

  /**
   * Takes sessions out of service, one or all, and ends them when their running calls have ended; those of these
   * capabilities as well that only the store holds. Gives their ids: none for an unknown one.
   */
  async closeSessions(manifests: readonly Manifest[], id?: SessionId): Promise<SessionId[]> {
    const here = this.list().filter((info) => id === undefined || info.id === id);
    for (const info of here) this.closeSession(info.id);
    if (here.length > 0 && id !== undefined) return [id];
    return [...here.map((info) => info.id), ...(await this.#endStored(manifests, id))];
  }

  /** Takes a session out of service and ends it when its running calls have ended. False for an unknown id. */
  closeSession(id: SessionId): boolean {
    const found = this.#pools.find(id);
    found?.pool.evict(found.session, "closed by request");
    return found !== undefined;
  }

  async #endStored(manifests: readonly Manifest[], id: SessionId | undefined): Promise<SessionId[]> {
    const ended: SessionId[] = [];
    for (const manifest of manifests) {
      if (manifest.execution.kind !== "provider") continue;
      const { target, key } = await this.explainTarget(manifest);
      if (target === undefined || key === undefined) continue;
      const handler = await this.#handlers.get(manifest.execution.block.provider, manifest.id);
      ended.push(...(await endStored(this.#around, { handler, target, key }, id)));
    }
    return ended;
  }

  /** Somebody else has ended a session, or found it lost. */
  #gone(id: SessionId): void {
    const found = this.#pools.find(id);
    found?.pool.lose(found.session, "Another process found that it is gone.");
  }

  /**
   * Drains and ends everything. Calls still running after `deadlineMs` (default 10,000) are aborted with
   * `pool-closed`. Sessions that another process can go on with are let go of, unless they are to be terminated; all
   * others are ended at their peers. Calling it again waits for the same end.
   */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  async #close({ deadlineMs = 10_000, sessions = "keep" }: CloseOptions): Promise<void> {
    const timer = this.#around.clock.setTimer(deadlineMs, () => {
      const reason = new CcosError(
        "pool-closed",
        `The call was still running ${deadlineMs} ms after closing had begun.`,
        {
          remedy: "Close later, or give closing more time (deadlineMs).",
        },
      );
      this.#running.abortAll(reason);
    });
    try {
      for (const policy of this.#policies) policy.close?.(closingError());
      await Promise.all(
        [...this.#pools.all()].map((pool) =>
          pool.close("the environment closed", sessions === "keep" ? "kept" : "ended"),
        ),
      );
      // After every session: connections that sessions share are needed to end them.
      await Promise.all([...this.#handlers.loaded()].map((handler) => this.#closeHandler(handler)));
      await this.#around.directory?.close();
    } finally {
      timer.cancel();
    }
  }

  async #closeHandler(handler: SessionHandler): Promise<void> {
    try {
      await handler.close?.();
    } catch (error) {
      const { code, message } = toCcosError(error);
      this.#around.events.emit("warning", { code, message: this.#around.redactor.redact(message) });
    }
  }

  #limitResult(manifest: Manifest, { resultTimeoutMs }: EventSink, { signal }: RunningCall): Deadline {
    const what = `The call of ${JSON.stringify(manifest.id)}`;
    return startDeadline(this.#around.clock, resultTimeoutMs, signal, what);
  }

  #start(call: CallToRun): RunningCall {
    if (this.#closing !== undefined) throw closingError();
    return this.#running.start(call);
  }

  /** A target with other credentials than the refused one; undefined where there are none to be had. */
  async #renew(
    job: ExecutionJob,
    refused: ResolvedTarget,
    session: PooledSession | undefined,
  ): Promise<ResolvedTarget | undefined> {
    const { handler, manifest, block, caller } = job;
    // The secret may have been rotated since: then the new one has a pool of its own.
    this.#targets.forget(manifest);
    const current = this.#targets.resolve(handler, manifest, block, caller);
    if (current.identity !== refused.identity) return current;
    if (!(await this.#renewals.once(handler, refused.key, refused.target, session?.openedSequence))) return undefined;
    this.#targets.forget(manifest);
    return this.#targets.resolve(handler, manifest, block, caller);
  }
}
