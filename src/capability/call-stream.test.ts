import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { createFakeClock, type FakeClock } from "../../testing/fake-clock.ts";
import { CcosError, createEmitter, type RuntimeEvents, type StreamEvent } from "../kernel/index.ts";
import type { CallContext, CallOutcome, EventStream } from "./call.ts";
import { createMarketplace } from "./create-marketplace.ts";
import type { CapabilityMarketplace } from "./marketplace.ts";
import { readCapabilities } from "./read-capabilities.ts";
import { Security } from "./security.ts";

const SESSION = { id: "s_1", provider: "line", reused: true };
const item = (value: number): StreamEvent => ({ type: "data", value });

let clock: FakeClock;
let market: CapabilityMarketplace;
let perform: (context: CallContext) => Promise<CallOutcome>;
let ended: RuntimeEvents["callEnded"][];

beforeEach(() => {
  clock = createFakeClock();
  const events = createEmitter<RuntimeEvents>();
  ended = [];
  events.on("callEnded", (event) => ended.push(event));
  const providers = { providers: () => ["line"], manifestTraits: () => ({}) };
  const delegate = {
    ...providers,
    executeWithSession: (_manifest: unknown, _input: unknown, context: CallContext) => perform(context),
  };
  market = createMarketplace({ clock, events, delegate });
  const { manifests } = readCapabilities(
    `(capability "line.a" :description "d" :output-schema :int :metadata {:line {:requires_session "auto"} :timeout_ms 700})
     (capability "local.double" :description "d" :input-schema [:map [:n :int]] :output-schema :int
       :implementation (fn [{:keys [n]}] (* n 2)))`,
    { trusted: true, providers, file: "f.rtfs" },
  );
  for (const manifest of manifests) market.register(manifest);
});

/** Gives events as the session room does, and then a result, or none. */
function gives(events: readonly StreamEvent[], result?: number): void {
  perform = async ({ events: sink, signal }) => {
    sink?.using({ session: SESSION, attempts: 1 });
    for (const event of events) await sink?.give(event, signal);
    const value = result ?? null;
    return { value, session: SESSION, attempts: 1, hasResult: result !== undefined };
  };
}

async function failureOf(stream: EventStream): Promise<CcosError> {
  const error = await Array.fromAsync(stream).catch((thrown: unknown) => thrown);
  if (error instanceof CcosError) return error;
  throw new Error("It ended without an error.");
}

describe("the stream of a call", () => {
  test("gives the events and then the result, and reports as a call does", async () => {
    gives([item(1), item(2)], 3);
    const stream = market.stream("line.a");
    expect(stream.report).toEqual({ session: null, attempts: 0, events: 0, durationMs: undefined });
    expect(await Array.fromAsync(stream)).toEqual([item(1), item(2), { type: "result", value: 3 }]);
    expect(stream.report).toEqual({ session: SESSION, attempts: 1, events: 3, durationMs: 0 });
    expect(ended).toEqual([
      expect.objectContaining({ ok: true, capabilityId: "line.a", attempts: 1, events: 3, sessionId: "s_1" }),
    ]);
  });

  test("reports while it runs", async () => {
    gives([item(1), item(2)]);
    const stream = market.stream("line.a");
    await stream.next();
    expect(stream.report).toMatchObject({ session: SESSION, attempts: 1, events: 1 });
    await stream.return();
  });

  test("checks the result by the output schema, and not what comes before it", async () => {
    gives([{ type: "data", value: "no number" }], 1.5);
    const stream = market.stream("line.a");
    expect((await stream.next()).value).toEqual({ type: "data", value: "no number" });
    expect(await failureOf(stream)).toMatchObject({ code: "protocol-error", details: { executed: true, value: 1.5 } });
    expect(stream.report).toMatchObject({ session: SESSION, events: 1 });
  });

  test("of what runs here is its result alone", async () => {
    const stream = market.stream("local.double", { n: 21 });
    expect(await Array.fromAsync(stream)).toEqual([{ type: "result", value: 42 }]);
    expect(stream.report).toMatchObject({ session: null, attempts: 0, events: 1 });
    expect(await Array.fromAsync(market.stream("ccos.system.current-timestamp-ms"))).toEqual([
      { type: "result", value: clock.now() },
    ]);
  });

  test("fails as a call does: unknown, not allowed, wrong input, wrong limit of time", async () => {
    expect(await failureOf(market.stream("line.b"))).toMatchObject({ code: "not-found" });
    const security = new Security({ level: "pure" });
    expect(await failureOf(market.stream("line.a", {}, { security }))).toMatchObject({ code: "permission-denied" });
    expect(await failureOf(market.stream("local.double", { n: "x" }))).toMatchObject({ code: "invalid-argument" });
    expect(await failureOf(market.stream("line.a", {}, { timeoutMs: 0 }))).toMatchObject({ code: "invalid-argument" });
  });

  test("fails once, and has ended then", async () => {
    perform = () => Promise.reject(new CcosError("rejected", "No."));
    const stream = market.stream("line.a");
    const steps = await Promise.allSettled([stream.next(), stream.next(), stream.next()]);
    expect(steps.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(await stream.next()).toEqual({ value: undefined, done: true });
  });

  test("has no limit of time but the one it is given; what gives but a result has its usual one", async () => {
    let context: CallContext | undefined;
    perform = (given) => {
      context = given;
      return new Promise((_, reject) => given.signal.addEventListener("abort", () => reject(given.signal.reason)));
    };
    const endless = market.stream("line.a");
    void endless.next();
    await clock.advance(1e9);
    expect([context?.signal.aborted, context?.remainingMs(), context?.events?.resultTimeoutMs]).toEqual([
      false,
      Infinity,
      700,
    ]);
    await endless.return();
    const limited = failureOf(market.stream("line.a", {}, { timeoutMs: 50 }));
    await clock.advance(50);
    expect(await limited).toMatchObject({ code: "deadline-exceeded" });
  });

  test("leaving aborts the call, waits for its session, and is no failure of the call", async () => {
    const released = Promise.withResolvers<void>();
    perform = async ({ events: sink, signal }) => {
      sink?.holds(released.promise);
      await sink?.give(item(1), signal);
      await sink?.give(item(2), signal);
      throw new Error("It was to wait for somebody to take it.");
    };
    const stream = market.stream("line.a");
    await stream.next();
    await clock.settle();
    let left = false;
    const leaving = stream.return().then(() => (left = true));
    await clock.settle();
    expect(ended).toEqual([expect.objectContaining({ ok: true, events: 1 })]);
    expect(left).toBe(false);
    released.resolve();
    await leaving;
    expect(await stream.next()).toEqual({ value: undefined, done: true });
  });

  test("leaving after the end, or twice, does nothing more", async () => {
    gives([item(1)], 2);
    const stream = market.stream("line.a");
    await Array.fromAsync(stream);
    await stream.return();
    await stream[Symbol.asyncDispose]();
    expect(ended).toHaveLength(1);
  });

  test("a result that nobody takes is lost with whoever left", async () => {
    gives([item(1)], 2);
    const stream = market.stream("line.a");
    await stream.next();
    await clock.settle();
    expect(ended).toHaveLength(1);
    await stream.return();
    expect(await stream.next()).toEqual({ value: undefined, done: true });
  });

  test("gives every event once and in order, however many are asked for at once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(20),
        fc.option(fc.integer(), { nil: undefined }),
        fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 12 }),
        async (count, result, batches) => {
          const events = Array.from({ length: count }, (_, index) => item(index));
          gives(events, result);
          const stream = market.stream("line.a");
          const taken: StreamEvent[] = [];
          for (const batch of batches) {
            const steps = await Promise.all(Array.from({ length: batch }, () => stream.next()));
            for (const step of steps) if (step.done !== true) taken.push(step.value);
          }
          const all = [...events, ...(result === undefined ? [] : [{ type: "result" as const, value: result }])];
          const asked = batches.reduce((sum, batch) => sum + batch, 0);
          expect(taken).toEqual(all.slice(0, asked));
          await stream.return();
        },
      ),
    );
  });
});
