import { describe, expect, test } from "vitest";
import { CcosError, EventQueue, type StreamEvent } from "../kernel/index.ts";
import {
  active,
  counting,
  data,
  failureOf,
  lost,
  numbers,
  script,
  silence,
  take,
  ticking,
} from "../../testing/event-scripts.ts";
import { createManagerRig } from "../../testing/manager-rig.ts";
import { createScriptedHandler } from "../../testing/scripted-handler.ts";

describe("the events of a call", () => {
  test("come in order with the result last, on one session, and leave it free", async () => {
    const rig = createManagerRig();
    const events: StreamEvent[] = [
      data(1),
      { type: "progress", progress: 1, total: 2 },
      { type: "log", level: "info", value: "half" },
      { type: "result", value: { all: 2 } },
    ];
    rig.dials.events = () => script(events);
    const stream = rig.stream(rig.capability("line.a"));
    expect(await Array.fromAsync(stream)).toEqual(events);
    expect(active(rig)).toBe(0);
    expect(stream.report).toMatchObject({ session: { provider: "line", reused: false }, attempts: 1, events: 4 });
    await Array.fromAsync(rig.stream(rig.capability("line.a")));
    expect(rig.counts.opened).toBe(1);
  });

  test("may end without a result", async () => {
    const rig = createManagerRig();
    rig.dials.events = () => script(numbers(1, 2));
    expect(await Array.fromAsync(rig.stream(rig.capability("line.a")))).toEqual(numbers(1, 2));
  });

  test("end with the result, whatever the handler would have given after it", async () => {
    const rig = createManagerRig();
    rig.dials.events = () => script([{ type: "result", value: 1 }, data(2)]);
    expect(await Array.fromAsync(rig.stream(rig.capability("line.a")))).toEqual([{ type: "result", value: 1 }]);
    expect(rig.streaming.size).toBe(0);
  });

  test("end in time where the handler does not get done with its work at the peer", async () => {
    const rig = createManagerRig();
    let wasGivenUp = false;
    rig.dials.events = async function* (call) {
      try {
        yield { type: "result", value: 7 };
      } finally {
        call.signal.addEventListener("abort", () => (wasGivenUp = true));
        await new Promise(() => {});
      }
    };
    const all = Array.fromAsync(rig.stream(rig.capability("line.a")));
    await rig.clock.advance(5_000);
    expect(await all).toEqual([{ type: "result", value: 7 }]);
    expect([active(rig), wasGivenUp]).toEqual([0, true]);
  });

  test("begin with the first that is asked for, and not before", async () => {
    const rig = createManagerRig();
    rig.dials.events = () => script([data(1)]);
    const stream = rig.stream(rig.capability("line.a"));
    await rig.clock.settle();
    expect(rig.counts.openings).toBe(0);
    await stream.return();
    expect([await stream.next(), rig.counts.openings]).toEqual([{ value: undefined, done: true }, 0]);
  });

  test("of a handler that does not stream are its result alone, in its usual time", async () => {
    const rig = createManagerRig();
    const plain = createScriptedHandler(rig.clock, "plain");
    const { stream: _, ...handler } = plain.handler;
    rig.manager.registerHandler(handler);
    const capability = rig.capability("plain.a", { provider: "plain" });
    expect(await Array.fromAsync(rig.stream(capability, { n: 1 }))).toEqual([
      { type: "result", value: { session: 1, input: { n: 1 }, count: 1 } },
    ]);
    plain.dials.callDelayMs = 60_000;
    const late = failureOf(rig.stream(capability));
    await rig.clock.advance(30_000);
    expect(await late).toMatchObject({ code: "deadline-exceeded" });
  });

  test("that are none are a defect of the handler, told as such", async () => {
    const rig = createManagerRig();
    rig.dials.events = () => script([{ type: "noise" } as unknown as StreamEvent]);
    expect(await failureOf(rig.stream(rig.capability("line.a")))).toMatchObject({ code: "internal" });
    expect(active(rig)).toBe(0);
  });

  test("that nest too deep are refused, and the stream is ended at the peer", async () => {
    const rig = createManagerRig();
    let deep: unknown = 1;
    for (let level = 0; level < 1_100; level++) deep = [deep];
    rig.dials.events = () => script([{ type: "data", value: deep as never }, data(2)]);
    expect(await failureOf(rig.stream(rig.capability("line.a")))).toMatchObject({ code: "protocol-error" });
    await rig.clock.settle();
    expect(rig.streaming.size).toBe(0);
  });
});

describe("back-pressure", () => {
  test("the next event is asked for when the last has been taken", async () => {
    const rig = createManagerRig();
    const source = counting();
    rig.dials.events = source.events;
    const stream = rig.stream(rig.capability("line.a"));
    for (const expected of [1, 2, 3]) {
      expect(await take(stream, 1)).toEqual([expected]);
      await rig.clock.settle();
      expect(source.made).toBe(expected + 1);
    }
    await stream.return();
  });

  test("several that are asked for at once come in order", async () => {
    const rig = createManagerRig();
    rig.dials.events = () => script(numbers(1, 3));
    const stream = rig.stream(rig.capability("line.a"));
    const steps = await Promise.all([1, 2, 3, 4, 5].map(() => stream.next()));
    expect(steps.map(({ value }) => value)).toEqual([...numbers(1, 3), undefined, undefined]);
  });

  test("a source that pushes faster than anybody takes is ended at its limit", async () => {
    const rig = createManagerRig();
    rig.dials.events = () => {
      const queue = new EventQueue<StreamEvent>({ limit: 10 });
      for (let value = 0; value < 50; value++) queue.push(data(value));
      return queue;
    };
    const stream = rig.stream(rig.capability("line.a"));
    expect(await take(stream, 10)).toHaveLength(10);
    expect(await failureOf(stream)).toMatchObject({ code: "interrupted", details: { events: 10 } });
    expect(active(rig)).toBe(0);
  });
});

describe("the life of the lease", () => {
  test("whoever leaves early has left when the peer knows and the session is free", async () => {
    const rig = createManagerRig();
    rig.dials.events = counting().events;
    for await (const event of rig.stream(rig.capability("line.a"))) {
      expect(event).toEqual(data(1));
      expect([active(rig), rig.streaming.size]).toEqual([1, 1]);
      break;
    }
    expect([active(rig), rig.streaming.size, rig.alive.size]).toEqual([0, 0, 1]);
    const ended = rig.events.findLast(({ name }) => name === "attemptEnded");
    expect(ended?.event).not.toHaveProperty("error.code");
  });

  test("leaving while the peer is silent ends what it waits for", async () => {
    const rig = createManagerRig();
    rig.dials.events = (call) => silence(call.signal);
    const stream = rig.stream(rig.capability("line.a"));
    const next = stream.next();
    await rig.clock.settle();
    expect(rig.streaming.size).toBe(1);
    await stream.return();
    expect([(await next).done, active(rig), rig.streaming.size]).toEqual([true, 0, 0]);
  });

  test("leaving while it waits for a session opens nothing for it", async () => {
    const rig = createManagerRig();
    rig.dials.openDelayMs = 1_000;
    const stream = rig.stream(rig.capability("line.a"));
    const next = stream.next();
    await rig.clock.advance(10);
    await stream.return();
    expect((await next).done).toBe(true);
    await rig.clock.advance(1_000);
    expect([active(rig), rig.executed.length]).toEqual([0, 0]);
  });

  test("a canceled caller is let go at once", async () => {
    const rig = createManagerRig();
    rig.dials.events = counting().events;
    const controller = new AbortController();
    const stream = rig.stream(rig.capability("line.a"), {}, { signal: controller.signal });
    await take(stream, 2);
    controller.abort();
    expect(await failureOf(stream)).toMatchObject({ code: "canceled", details: { events: 2 } });
    await rig.clock.settle();
    expect([active(rig), rig.streaming.size, rig.alive.size]).toEqual([0, 0, 1]);
  });

  test("a limit of time holds for the whole stream, and there is none by default", async () => {
    const rig = createManagerRig();
    rig.dials.events = (call) => ticking(rig, call.signal, 60_000);
    const endless = rig.stream(rig.capability("line.a"));
    const limited = rig.stream(rig.capability("line.a"), {}, { timeoutMs: 150_000 });
    const both = [take(endless, 5), take(limited, 5).catch((error: unknown) => error)];
    await rig.clock.advance(300_000);
    expect(await both[0]).toEqual([1, 2, 3, 4, 5]);
    expect(await both[1]).toMatchObject({ code: "deadline-exceeded", details: { events: 2 } });
    expect(active(rig)).toBe(1);
    await endless.return();
  });

  test("a handler that does not let go costs its session the place, and nobody waits for ever", async () => {
    const rig = createManagerRig();
    rig.dials.events = () => silence(new AbortController().signal);
    const stream = rig.stream(rig.capability("line.a"));
    void stream.next();
    await rig.clock.settle();
    const left = stream.return();
    await rig.clock.advance(5_000);
    expect((await left).done).toBe(true);
    expect([rig.manager.list(), rig.counts.terminated]).toEqual([[], 1]);
  });

  test("is not overdue while events are taken or waited for, however long that takes", async () => {
    const rig = createManagerRig();
    rig.dials.events = (call) => ticking(rig, call.signal, 90_000);
    const stream = rig.stream(rig.capability("line.a", { session: { lease_timeout_ms: 60_000 } }));
    const taken = take(stream, 10);
    await rig.clock.advance(900_000);
    expect(await taken).toHaveLength(10);
    expect(rig.countOf("leaseReclaimed")).toBe(0);
    await stream.return();
  });

  test("is taken back from whoever forgets to take the next event", async () => {
    const rig = createManagerRig();
    rig.dials.events = counting().events;
    const stream = rig.stream(rig.capability("line.a", { session: { lease_timeout_ms: 60_000 } }));
    await take(stream, 3);
    await rig.clock.advance(120_000);
    expect(rig.countOf("leaseReclaimed")).toBe(1);
    expect([rig.manager.list(), rig.streaming.size]).toEqual([[], 0]);
    expect(await failureOf(stream)).toMatchObject({ code: "interrupted", details: { events: 3 } });
  });

  test("closing waits for a stream until its deadline, and ends then what nobody reads any more", async () => {
    const rig = createManagerRig();
    rig.dials.events = counting().events;
    const stream = rig.stream(rig.capability("line.a"));
    await take(stream, 1);
    const closed = rig.manager.close({ deadlineMs: 1_000 });
    await rig.clock.advance(999);
    expect(rig.streaming.size).toBe(1);
    expect(await take(stream, 2)).toEqual([2, 3]);
    await rig.clock.advance(1);
    await closed;
    expect([rig.streaming.size, rig.alive.size, rig.clock.pendingTimers]).toEqual([0, 0, 0]);
    expect(await failureOf(stream)).toMatchObject({ code: "pool-closed", details: { events: 3 } });
  });

  test("a block that requires no session opens one for the stream and ends it with that", async () => {
    const rig = createManagerRig();
    rig.dials.events = () => script(numbers(1, 3));
    await Array.fromAsync(rig.stream(rig.capability("line.a", { requiresSession: "false" })));
    await rig.clock.settle();
    expect([rig.counts.opened, rig.counts.terminated]).toEqual([1, 1]);
  });
});

describe("a stream that breaks", () => {
  test("before its first event is replayed on another session", async () => {
    const rig = createManagerRig();
    rig.dials.events = () => script(numbers(1, 2));
    const capability = rig.capability("line.a");
    await Array.fromAsync(rig.stream(capability));
    rig.forgetAll();
    const stream = rig.stream(capability);
    expect(await Array.fromAsync(stream)).toEqual(numbers(1, 2));
    expect(stream.report).toMatchObject({ attempts: 2, events: 2 });
    expect(rig.countOf("sessionReplaced")).toBe(1);
  });

  test("after an event is never run again: the error says how much had come and that the rest is unknown", async () => {
    const rig = createManagerRig();
    rig.dials.events = () => script(numbers(1, 3), new CcosError("session-lost", "The peer has forgotten it."));
    const stream = rig.stream(rig.capability("line.a", { idempotent: true }));
    expect(await take(stream, 3)).toEqual([1, 2, 3]);
    expect(await failureOf(stream)).toMatchObject({
      code: "outcome-unknown",
      message: "The stream broke after 3 events: The peer has forgotten it.",
      details: { events: 3, code: "session-lost" },
    });
    expect(rig.executed).toHaveLength(1);
    expect(stream.report).toMatchObject({ attempts: 1, events: 3 });
  });

  test("after an event keeps an error that says something else", async () => {
    const rig = createManagerRig();
    rig.dials.events = () => script(numbers(1, 2), new CcosError("rejected", "No more."));
    expect(await failureOf(rig.stream(rig.capability("line.a")))).toMatchObject({
      code: "rejected",
      message: "No more.",
      details: { events: 2 },
    });
  });

  test("goes on after the last item where that has a cursor", async () => {
    const rig = createManagerRig();
    const resumed: unknown[] = [];
    rig.dials.events = (call, session) => {
      resumed.push(call.resumeAfter);
      const from = Number(call.resumeAfter ?? 0) + 1;
      const events = [data(from, String(from)), data(from + 1, String(from + 1))];
      if (from >= 5) return script([...events, { type: "result", value: "done" }]);
      return script([...events, { type: "log", level: "info", value: session }], lost(rig));
    };
    const stream = rig.stream(rig.capability("line.a"));
    const all = take(stream, 20);
    await rig.clock.advance(2_000);
    expect(await all).toEqual([1, 2, 1, 3, 4, 2, 5, 6, "done"]);
    expect(resumed).toEqual([undefined, "2", "4"]);
    expect(stream.report).toMatchObject({ attempts: 3, session: { reused: false } });
    expect(active(rig)).toBe(0);
  });

  test("does not go on where the last item had no cursor", async () => {
    const rig = createManagerRig();
    rig.dials.events = () => script([data(1, "1"), data(2)], lost(rig));
    const stream = rig.stream(rig.capability("line.a"));
    expect(await take(stream, 2)).toEqual([1, 2]);
    expect(await failureOf(stream)).toMatchObject({ code: "outcome-unknown" });
    expect(rig.executed).toHaveLength(1);
  });

  test("is taken up no more than four times a second", async () => {
    const rig = createManagerRig();
    let runs = 0;
    rig.dials.events = () => script([data(++runs, String(runs))], new Error("socket hang up"));
    const stream = rig.stream(rig.capability("line.a"));
    const taken = take(stream, 1_000);
    await rig.clock.advance(2_000);
    expect(runs).toBe(9);
    await stream.return();
    await taken;
  });

  test("gives up when taking it up gives nothing, as often as a call would", async () => {
    const rig = createManagerRig();
    rig.dials.events = (call) =>
      call.resumeAfter === undefined ? script([data(1, "1")], new Error("cut")) : script([], new Error("cut again"));
    const stream = rig.stream(rig.capability("line.a", { session: { max_replays: 2 } }));
    expect(await take(stream, 1)).toEqual([1]);
    const failed = failureOf(stream);
    await rig.clock.advance(1_000);
    expect(await failed).toMatchObject({ code: "outcome-unknown", details: { events: 1 } });
    expect(rig.executed).toHaveLength(3);
  });

  test("in a session that held state is not taken up: its state is gone", async () => {
    const rig = createManagerRig();
    rig.dials.events = () => script([data(1, "1")], lost(rig));
    const stream = rig.stream(rig.capability("line.a", { session: { stateful: true } }));
    expect(await failureOf(stream)).toMatchObject({
      code: "outcome-unknown",
      message: expect.stringContaining("held state"),
      details: { events: 1, code: "session-lost" },
    });
    expect(rig.executed).toHaveLength(1);
  });
});
