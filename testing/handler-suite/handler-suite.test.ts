import { describe, expect, test } from "vitest";

import { CcosError, systemClock, type JsonObject, type JsonValue, type StreamEvent } from "../../src/kernel/index.ts";
import type { SessionHandler } from "../../src/session/index.ts";
import { createScriptedHandler, type ScriptedHandler } from "../scripted-handler.ts";
import {
  handlerChecks,
  REJECTION,
  RETRY_AFTER_MS,
  type HandlerPeer,
  type HandlerRig,
  type PeerFault,
} from "./index.ts";

type Handler = SessionHandler<number>;

/** The scripted peer as the suite wants it. One handler serves all of them, as one serves all peers of a protocol. */
class ScriptedPeer implements HandlerPeer {
  readonly scripted: ScriptedHandler = createScriptedHandler(systemClock);
  readonly block: JsonObject;
  readonly env: Record<string, string> = { LINE_TOKEN: "token-of-alice" };
  readonly credential = { variable: "LINE_TOKEN", other: "token-of-bob" };
  readonly renewal = { count: 0, expire: () => void (this.expired = this.generation) };
  readonly stream = {
    input: { text: "events" },
    endless: { text: "endless" },
    events: ["one", "two", "three"].map((value): StreamEvent => ({ type: "data", value })),
    open: 0,
    sent: 0,
  };
  canceled = 0;
  generation = 0;
  expired = -1;
  readonly #held: (() => void)[] = [];
  #holds = false;

  constructor(endpoint: string) {
    this.block = { endpoint, auth_env_var: "LINE_TOKEN" };
  }

  input = (text: string): JsonObject => ({ text });
  output = (text: string): JsonObject => ({ text });
  ran = (text: string): number =>
    this.scripted.executed.filter(({ input }) => (input as JsonObject)["text"] === text).length;
  lose(loss: string): void {
    for (const session of this.scripted.alive) if (loss === "hung up") this.scripted.reportLost(session, loss);
    this.scripted.forgetAll();
  }

  get opened(): number {
    return this.scripted.counts.opened;
  }
  get sessions(): number {
    return this.scripted.alive.size;
  }
  get connections(): number {
    const { openings, opened, failed } = this.scripted.counts;
    return openings - opened - failed + this.sessions;
  }
  get held(): number {
    return this.#held.length;
  }

  dial(fault: PeerFault, times = Infinity): void {
    const { dials } = this.scripted;
    const some =
      <T>(value: T): (() => T | undefined) =>
      () =>
        times-- > 0 ? value : undefined;
    const refuse = (error: CcosError): void => {
      dials.beforeCall = () => {
        throw error;
      };
    };
    switch (fault) {
      case "unauthenticated":
        dials.openFailure = some(new CcosError("unauthenticated", "Refused.", { remedy: "Set LINE_TOKEN." }));
        break;
      case "throttled":
        refuse(new CcosError("rate-limited", "Too soon.", { retryAfterMs: RETRY_AFTER_MS }));
        break;
      case "rejected":
        refuse(new CcosError("rejected", REJECTION));
        break;
      case "hangs-opening":
        dials.openDelayMs = 1e9;
        break;
      case "hangs-calling":
        dials.callDelayMs = 1e9;
        break;
      case "cut":
        dials.callFailure = some(new Error("socket hang up"));
        break;
      default:
        dials.callFailure = some(new CcosError("protocol-error", fault));
    }
  }

  heal(): void {
    Object.assign(this.scripted.dials, {
      openDelayMs: 0,
      callDelayMs: 0,
      beforeCall: () => {},
      openFailure: () => undefined,
      callFailure: () => undefined,
    });
  }

  hold(): () => void {
    this.#holds = true;
    return () => {
      this.#holds = false;
      for (const release of this.#held.splice(0).reverse()) release();
    };
  }

  /** What stands between a call and the scripted peer: holding, and credentials that expire. */
  async admit(
    session: { readonly target: { readonly credentials: Readonly<Record<string, string>> } },
    signal: AbortSignal,
  ): Promise<void> {
    if (Number(session.target.credentials["generation"] ?? 0) <= this.expired)
      throw new CcosError("unauthenticated", "It has expired.");
    if (!this.#holds) return;
    await new Promise<void>((resolve, reject) => {
      this.#held.push(resolve);
      const given = (): void => {
        this.canceled++;
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", given, { once: true });
    });
  }

  stop(): Promise<void> {
    this.lose("forgotten");
    this.scripted.dials.openFailure = () => new CcosError("unavailable", "Nobody is there.");
    return Promise.resolve();
  }
  async restart(): Promise<void> {
    this.lose("forgotten");
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

const peers = new Map<string, ScriptedPeer>();
const peerOf = ({ endpoint }: { readonly endpoint: string }): ScriptedPeer => peers.get(endpoint) as ScriptedPeer;
const addressing = createScriptedHandler(systemClock).handler;

const scripted = (): Required<Omit<Handler, "traits" | "classifyFailure" | "close" | "signIns">> => ({
  provider: "line",
  target(capability, context) {
    const target = addressing.target(capability, context);
    const generation = String(peerOf(target).generation);
    return { ...target, credentials: { ...target.credentials, generation } };
  },
  initializeSession: (target, context) => peerOf(target).scripted.handler.initializeSession(target, context),
  async executeWithSession(session, call, context) {
    const peer = peerOf(session.target);
    call.sent();
    await peer.admit(session, call.signal);
    const answer = (await peer.scripted.handler.executeWithSession(session, call, context)) as JsonObject;
    return answer["input"] as JsonValue;
  },
  terminateSession: (session, context) => peerOf(session.target).scripted.handler.terminateSession(session, context),
  probe: (session) => Promise.resolve(peerOf(session.target).sessions > 0),
  snapshot: ({ state }) => ({ number: state }),
  async restore({ number }, target) {
    if (peerOf(target).scripted.alive.has(number as number)) return { state: number as number };
    throw new CcosError("session-lost", "The peer knows no such session.");
  },
  async renewCredentials(target) {
    const peer = peerOf(target);
    await new Promise((resolve) => setImmediate(resolve));
    peer.generation = ++peer.renewal.count;
    return true;
  },
  async *stream(session, call) {
    const { stream, scripted: peer } = peerOf(session.target);
    if (!peer.alive.has(session.state)) throw new CcosError("session-lost", "The peer knows no such session.");
    stream.open++;
    try {
      for (const event of stream.events) yield await Promise.resolve(event);
      while ((call.input as JsonObject)["text"] === "endless") {
        await new Promise((resolve) => setImmediate(resolve));
        if (call.signal.aborted) throw call.signal.reason;
        stream.sent++;
        yield stream.events[0] as StreamEvent;
      }
    } finally {
      stream.open--;
    }
  },
});

const rigOf = (createHandler: () => Handler): HandlerRig => ({
  createHandler,
  startPeer() {
    const endpoint = `line://peer-${peers.size}`;
    const peer = new ScriptedPeer(endpoint);
    peers.set(endpoint, peer);
    return Promise.resolve(peer);
  },
  losses: { forgotten: "silent", "hung up": "noticed" },
});

describe("the scripted handler", () => {
  for (const { name, run } of handlerChecks(rigOf(scripted))) test(name, run);
});

describe("the suite", () => {
  test("has a name of its own for each check", () => {
    const names = handlerChecks(rigOf(scripted)).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(35);
  });

  test("leaves out what a rig is without, and what a handler does not have, and nothing else", () => {
    const all = handlerChecks(rigOf(scripted));
    const { probe: _, ...withoutProbe } = scripted();
    const fewer = handlerChecks({ ...rigOf(() => withoutProbe), without: { throttled: "no such answer" } });
    const missing = all
      .filter(({ name }) => !fewer.some((check) => check.name === name))
      .map(({ name }) => name.split(":")[0]);
    expect(missing).toEqual(["throttle", "probe"]);
  });

  const base = scripted();
  const execute = base.executeWithSession;
  let answered: JsonValue = null;
  const defects: [string, string, Partial<Handler>][] = [
    [
      "opens something to find a target",
      "target: says where",
      {
        target: (...given) =>
          (peerOf(base.target(...given)).scripted.alive as Set<number>).add(1) && base.target(...given),
      },
    ],
    [
      "shows a secret in the endpoint's neighbourhood",
      "target: keeps credentials",
      { target: (...given) => ({ ...base.target(...given), shape: { ...base.target(...given).credentials } }) },
    ],
    [
      "takes any metadata",
      "target: refuses",
      {
        target: (capability, context) =>
          base.target({ ...capability, metadata: { line_endpoint: "line://peer-0" } }, context),
      },
    ],
    [
      "opens twice",
      "open: one session",
      {
        initializeSession: async (...given) => (
          await base.initializeSession(...given),
          base.initializeSession(...given)
        ),
      },
    ],
    [
      "opens for each call",
      "execute: each call",
      {
        executeWithSession: async (session, call, context) => (
          await base.initializeSession(session.target, context),
          execute(session, call, context)
        ),
      },
    ],
    [
      "mixes up answers",
      "many in flight: 32",
      {
        async executeWithSession(...given) {
          const mine = await execute(...given);
          const earlier = answered ?? mine;
          answered = mine;
          return earlier;
        },
      },
    ],
    [
      "does not let go of a canceled call",
      "cancel: the caller",
      {
        executeWithSession: (session, call, context) =>
          execute(session, { ...call, signal: new AbortController().signal }, context),
      },
    ],
    [
      "keeps a cancellation to itself",
      "cancel: reaches",
      {
        executeWithSession: (session, call, context) =>
          Promise.race([
            execute(session, { ...call, signal: new AbortController().signal }, context),
            new Promise<never>((_, reject) =>
              call.signal.addEventListener("abort", () => reject(call.signal.reason as Error)),
            ),
          ]),
      },
    ],
    [
      "forgets deadlines",
      "deadline: a call",
      {
        executeWithSession: (session, call, context) =>
          execute(session, { ...call, signal: new AbortController().signal }, context),
      },
    ],
    [
      "takes a loss for a rejection",
      "lose: forgotten",
      {
        executeWithSession: (...given) =>
          execute(...given).catch(() => Promise.reject(new CcosError("rejected", "No."))),
      },
    ],
    [
      "replays by itself",
      "cut in mid-answer",
      { executeWithSession: (...given) => execute(...given).catch(() => execute(...given)) },
    ],
    [
      "does not say when a request leaves",
      "cut in mid-answer",
      { executeWithSession: (session, call, context) => execute(session, { ...call, sent: () => {} }, context) },
    ],
    [
      "shows a refused token",
      "unauthenticated",
      {
        initializeSession: (target, context) =>
          base
            .initializeSession(target, context)
            .catch(() =>
              Promise.reject(new CcosError("unauthenticated", `LINE_TOKEN ${target.credentials["token"]} refused`)),
            ),
      },
    ],
    [
      "loses the time to wait",
      "throttle",
      {
        executeWithSession: (...given) =>
          execute(...given).catch((error: CcosError) => Promise.reject(new CcosError(error.code, error.message))),
      },
    ],
    [
      "replaces the peer's words",
      "rejected",
      {
        executeWithSession: (...given) =>
          execute(...given).catch((error: CcosError) => Promise.reject(new CcosError(error.code, "No."))),
      },
    ],
    [
      "cannot be stopped from opening",
      "hang at open",
      {
        initializeSession: (target, context) =>
          base.initializeSession(target, { ...context, signal: new AbortController().signal }),
      },
    ],
    [
      "believes anything it reads",
      "malformed answer",
      { executeWithSession: (...given) => execute(...given).catch(() => "whatever") },
    ],
    [
      "reads without a limit",
      "oversize answer",
      { executeWithSession: (...given) => execute(...given).catch(() => "x".repeat(1e6)) },
    ],
    [
      "throws where a peer is gone",
      "stop of the peer",
      {
        terminateSession: (session) =>
          peerOf(session.target).sessions === 0
            ? Promise.reject(new Error("gone"))
            : base.terminateSession(session, undefined as never),
      },
    ],
    ["ends nothing", "close: the peer sees", { terminateSession: () => Promise.resolve() }],
    [
      "does not tell identities apart",
      "pool: two identities",
      { target: (...given) => ({ ...base.target(...given), credentials: {} }) },
    ],
    [
      "calls a second time to be sure",
      "pool: 32 first calls",
      { executeWithSession: async (...given) => (await execute(...given), execute(...given)) },
    ],
    ["ends nothing when the pool closes", "pool: closing lets", { terminateSession: () => Promise.resolve() }],
    [
      "opens anew where it should restore",
      "snapshot and restore: another",
      { restore: (_record, target, context) => base.initializeSession(target, context) },
    ],
    [
      "believes in every record",
      "snapshot and restore: a record",
      { restore: ({ number }) => Promise.resolve({ state: number as number }) },
    ],
    ["takes every session for alive", "probe", { probe: () => Promise.resolve(true) }],
    ["renews without a new credential", "renewCredentials", { renewCredentials: () => Promise.resolve(true) }],
    [
      "leaves streams open",
      "stream",
      {
        async *stream(session) {
          peerOf(session.target).stream.open++;
          yield* peerOf(session.target).stream.events;
        },
      },
    ],
    [
      "reads on while nobody takes anything",
      "stream: a consumer",
      {
        async *stream(session, call) {
          const { stream } = peerOf(session.target);
          const timer = setInterval(() => stream.sent++, 1);
          try {
            yield* base.stream(session, call, undefined as never);
          } finally {
            clearInterval(timer);
          }
        },
      },
    ],
    [
      "does not let go of a canceled stream",
      "stream: a canceled",
      {
        stream: (session, call, context) =>
          base.stream(session, { ...call, signal: new AbortController().signal }, context),
      },
    ],
    [
      "repeats events on a new session",
      "stream: behind the pool, forgotten",
      {
        async *stream(...given) {
          yield peerOf(given[0].target).stream.events[0] as StreamEvent;
          yield* base.stream(...given);
        },
      },
    ],
    [
      "puts events out of order",
      "stream",
      {
        async *stream(session) {
          yield* peerOf(session.target).stream.events.toReversed();
        },
      },
    ],
  ];

  test.each(defects)("notices a handler that %s", async (_defect, name, change) => {
    const checks = handlerChecks(
      rigOf(() => ({ ...scripted(), ...change })),
      { patienceMs: 400 },
    );
    const failed: string[] = [];
    for (const check of checks.filter((candidate) => candidate.name.startsWith(name))) {
      await check.run().catch(() => failed.push(check.name));
    }
    expect(failed).not.toEqual([]);
  });
});
