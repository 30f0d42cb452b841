import { CcosError, type Clock, type JsonValue, type StreamEvent } from "../src/kernel/index.ts";
import type { Session, SessionCall, SessionContext, SessionHandler, Target } from "../src/session/index.ts";

/** What a test may turn while a scripted handler works. Every dial takes effect at the next opening or call. */
export interface ScriptedDials {
  /** How long opening takes on the clock, in milliseconds. */
  openDelayMs: number;
  /** How long a call takes on the clock, in milliseconds. */
  callDelayMs: number;
  /** How many calls a session serves before the peer forgets it; `Infinity` by default. */
  forgetAfter: number;
  /** Asked at every opening; an error makes it fail. `count` starts at 1. */
  openFailure: (count: number) => Error | undefined;
  /** Awaited at every call that reached a living session, before it is executed; an error refuses it. */
  beforeCall: (call: SessionCall) => void | Promise<void>;
  /** Asked at every call that reached a living session, after it was executed; an error takes the answer's place. */
  callFailure: (call: SessionCall) => Error | undefined;
  /** A call that is aborted does not let go. */
  ignoreAbort: boolean;
  /** What one session carries at once, as the handshake says it. */
  maxInFlight: number | undefined;
  /** Makes the events of a streaming call that reached a living session. Default: there is one, its result. */
  events: ((call: SessionCall, session: number) => AsyncIterable<StreamEvent>) | undefined;
  /** Renewing credentials gives this; undefined leaves the handler without renewal. */
  renew: (() => Promise<boolean>) | undefined;
}

/** What a peer saw of one call. */
export interface ScriptedCall {
  readonly session: number;
  readonly identity: string;
  readonly input: JsonValue;
  readonly capabilityId: string;
}

export interface ScriptedHandler {
  readonly handler: SessionHandler<number>;
  readonly dials: ScriptedDials;
  /** Openings begun, finished and failed; sessions ended at the peer. */
  readonly counts: { openings: number; opened: number; failed: number; terminated: number };
  /** Calls the peer executed, in order. */
  readonly executed: ScriptedCall[];
  /** Streams that are open at the peer. */
  readonly streaming: ReadonlySet<SessionCall>;
  /** Sessions the peer knows, by number. */
  readonly alive: ReadonlySet<number>;
  /** Most calls that were under way at once on any one session. */
  readonly mostInFlight: number;
  /** The peer forgets every session, as after a restart. */
  forgetAll(): void;
  /** The session dies and says so by itself. */
  reportLost(session: number, reason: string): void;
}

/**
 * A provider without a network: its peer is an object in memory whose faults are dials, and whose time is the
 * clock it is given. Metadata: `<provider>_endpoint`, `<provider>_auth_env_var`.
 */
export function createScriptedHandler(clock: Clock, provider = "line"): ScriptedHandler {
  const dials: ScriptedDials = {
    openDelayMs: 0,
    callDelayMs: 0,
    forgetAfter: Infinity,
    openFailure: () => undefined,
    beforeCall: () => {},
    callFailure: () => undefined,
    ignoreAbort: false,
    maxInFlight: undefined,
    events: undefined,
    renew: undefined,
  };
  const counts = { openings: 0, opened: 0, failed: 0, terminated: 0 };
  const executed: ScriptedCall[] = [];
  const alive = new Set<number>();
  const served = new Map<number, number>();
  const streaming = new Set<SessionCall>();
  const inFlight = new Map<number, number>();
  const contexts = new Map<number, SessionContext>();
  let mostInFlight = 0;

  const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (ms === 0) return resolve();
      const timer = clock.setTimer(ms, resolve);
      signal?.addEventListener("abort", () => {
        timer.cancel();
        reject(signal.reason as Error);
      });
    });

  const execute = async (session: Session<number>, call: SessionCall): Promise<JsonValue> => {
    call.sent();
    await pause(dials.callDelayMs, dials.ignoreAbort ? undefined : call.signal);
    const number = session.state;
    if (!alive.has(number)) throw new CcosError("session-lost", `The peer knows no session ${number}.`);
    const admission = dials.beforeCall(call);
    if (admission !== undefined) await admission;
    const identity = session.target.credentials["token"] ?? "";
    executed.push({ session: number, identity, input: call.input, capabilityId: call.capability.id });
    const count = (served.get(number) ?? 0) + 1;
    served.set(number, count);
    if (count >= dials.forgetAfter) alive.delete(number);
    const failure = dials.callFailure(call);
    if (failure !== undefined) throw failure;
    return { session: number, input: call.input, count };
  };

  const handler: SessionHandler<number> = {
    provider,
    target(capability, context): Target {
      const endpoint = capability.metadata[`${provider}_endpoint`];
      if (endpoint === undefined) throw new CcosError("invalid-argument", `"${capability.id}" names no :endpoint.`);
      const variable = capability.metadata[`${provider}_auth_env_var`];
      const token = variable === undefined ? undefined : context.secret(variable, { origin: endpoint });
      return {
        endpoint,
        credentials: token === undefined ? {} : { token },
        credentialSource: variable,
        shape: {},
        operation: capability.id,
        settings: undefined,
      };
    },
    async initializeSession(_target, context) {
      const number = ++counts.openings;
      try {
        await pause(dials.openDelayMs, context.signal);
        const failure = dials.openFailure(number);
        if (failure !== undefined) throw failure;
      } catch (error) {
        counts.failed++;
        throw error;
      }
      counts.opened++;
      alive.add(number);
      contexts.set(number, context);
      return { state: number, maxInFlight: dials.maxInFlight, description: `scripted peer, session ${number}` };
    },
    async executeWithSession(session, call) {
      const number = session.state;
      const now = (inFlight.get(number) ?? 0) + 1;
      inFlight.set(number, now);
      mostInFlight = Math.max(mostInFlight, now);
      try {
        return await execute(session, call);
      } finally {
        inFlight.set(number, (inFlight.get(number) ?? 1) - 1);
      }
    },
    async terminateSession(session) {
      counts.terminated++;
      alive.delete(session.state);
      contexts.delete(session.state);
    },
    async *stream(session, call, context) {
      const { events } = dials;
      if (events === undefined) {
        yield { type: "result", value: await handler.executeWithSession(session, call, context) };
        return;
      }
      call.sent();
      const number = session.state;
      if (!alive.has(number)) throw new CcosError("session-lost", `The peer knows no session ${number}.`);
      const identity = session.target.credentials["token"] ?? "";
      executed.push({ session: number, identity, input: call.input, capabilityId: call.capability.id });
      streaming.add(call);
      try {
        yield* events(call, number);
      } finally {
        streaming.delete(call);
      }
    },
    renewCredentials: () => (dials.renew === undefined ? Promise.resolve(false) : dials.renew()),
  };

  return {
    handler,
    dials,
    counts,
    executed,
    streaming,
    alive,
    get mostInFlight() {
      return mostInFlight;
    },
    forgetAll: () => alive.clear(),
    reportLost(session, reason) {
      alive.delete(session);
      contexts.get(session)?.lost(reason);
    },
  };
}
