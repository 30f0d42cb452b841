import { describe, expect, test } from "vitest";

import { bedOf, canceled, type Bed } from "../../../test/websocket/fake-socket.ts";
import type { JsonObject, JsonValue, StreamEvent } from "../../kernel/index.ts";
import type { SessionCall } from "../../session/handler.ts";
import { streamEvents } from "./subscription.ts";

interface Streaming extends Bed {
  readonly events: AsyncGenerator<StreamEvent>;
}

function streaming(block: JsonObject, input: JsonValue = {}, more: Partial<SessionCall> = {}): Streaming {
  const bed = bedOf(block);
  return { ...bed, events: another(bed, input, more) };
}

function another(bed: Bed, input: JsonValue = {}, more: Partial<SessionCall> = {}): AsyncGenerator<StreamEvent> {
  const { connection, settings, clock } = bed;
  const { operation } = settings;
  const subscription = operation.subscription as NonNullable<typeof operation.subscription>;
  return streamEvents({ connection, operation, subscription, call: bed.call(input, more), clock, token: undefined });
}

const WATCH: JsonObject = {
  method: "watch",
  subscribe: {
    id_path: "result",
    events: { method: "news", "params.on": "{$subscription}" },
    value_path: "params.value",
    complete: { method: "done", "params.on": "{$subscription}" },
    failed: { method: "failed", "params.on": "{$subscription}" },
    unsubscribe: { method: "unwatch", params: ["{$subscription}"] },
  },
};
const news = (on: string, value: JsonValue): JsonObject => ({ jsonrpc: "2.0", method: "news", params: { on, value } });
const data = (value: JsonValue): StreamEvent => ({ type: "data", value });

describe("a subscription", () => {
  test("asks, takes its own events, and ends where the peer says so", async () => {
    const { socket, events, clock, connection } = streaming(WATCH, { topic: "x" });
    const first = events.next();
    await clock.settle();
    expect(socket.sent).toEqual([{ jsonrpc: "2.0", id: 1, method: "watch", params: { topic: "x" } }]);
    socket.say({ id: 1, result: "s1" });
    socket.say(news("s2", "another's"));
    socket.say(news("s1", 1));
    socket.say(news("s1", 2));
    socket.say({ method: "done", params: { on: "s1" } });
    expect((await first).value).toEqual(data(1));
    expect(await Array.fromAsync(events)).toEqual([data(2)]);
    expect(connection.users).toBe(0);
    expect(socket.sent).toHaveLength(1);
  });

  test("takes what came before its answer, too", async () => {
    const { socket, events, clock } = streaming(WATCH);
    const first = events.next();
    await clock.settle();
    socket.say(news("s1", "early"));
    socket.say(news("s2", "another's"));
    socket.say({ id: 1, result: "s1" });
    expect((await first).value).toEqual(data("early"));
    const second = events.next();
    socket.say({ method: "done", params: { on: "s1" } });
    expect((await second).done).toBe(true);
  });

  test("tells the peer when its reader leaves, and is gone when the peer has heard", async () => {
    const { socket, events, clock, connection } = streaming(WATCH);
    const first = events.next();
    await clock.settle();
    socket.say({ id: 1, result: "s1" });
    socket.say(news("s1", 1));
    await first;
    const left = events.return(undefined);
    await clock.settle();
    expect(socket.last).toEqual({ jsonrpc: "2.0", id: 2, method: "unwatch", params: ["s1"] });
    socket.say(news("s1", "too late"));
    socket.say({ id: 2, result: true });
    await left;
    expect(connection.users).toBe(0);
    expect(connection.isOpen).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  test("does not wait for ever for a peer that does not confirm", async () => {
    const { socket, events, clock } = streaming(WATCH);
    const first = events.next();
    await clock.settle();
    socket.say({ id: 1, result: "s1" });
    socket.say(news("s1", 1));
    await first;
    const left = events.return(undefined);
    await clock.advance(2000);
    await left;
  });

  test("that is canceled before its answer is ended when the answer comes", async () => {
    const controller = new AbortController();
    const { socket, events, clock } = streaming(WATCH, {}, { signal: controller.signal });
    const first = events.next().catch((error: unknown) => error);
    await clock.settle();
    controller.abort(canceled());
    expect(await first).toMatchObject({ code: "canceled" });
    expect(socket.sent).toHaveLength(1);
    socket.say({ id: 1, result: "s1" });
    await clock.settle();
    expect(socket.last).toMatchObject({ method: "unwatch", params: ["s1"] });
  });

  test("that is refused, or fails later, ends with the words of the peer", async () => {
    const refused = streaming(WATCH);
    const first = refused.events.next().catch((error: unknown) => error);
    await refused.clock.settle();
    refused.socket.say({ id: 1, error: { code: 7, message: "not you" } });
    expect(await first).toMatchObject({ failure: { kind: "refused", refusal: { message: "not you", code: "7" } } });

    const failing = streaming(WATCH);
    const next = failing.events.next().catch((error: unknown) => error);
    await failing.clock.settle();
    failing.socket.say({ id: 1, result: "s1" });
    failing.socket.say({ method: "failed", params: { on: "s1" }, error: { code: 9, message: "no more" } });
    expect(await next).toMatchObject({ failure: { kind: "refused", refusal: { message: "no more" } } });
  });

  test("whose answer does not name it is a broken protocol", async () => {
    const { socket, events, clock } = streaming({
      ...WATCH,
      subscribe: { ...(WATCH["subscribe"] as object), id_path: "result.id" },
    });
    const first = events.next().catch((error: unknown) => error);
    await clock.settle();
    socket.say({ id: 1, result: {} });
    expect(await first).toMatchObject({ failure: { kind: "broken" } });
  });

  test("that another one would end with the same message is ended by the last of them", async () => {
    const block = {
      correlate: "none",
      message: { op: "subscribe", channel: "{channel}" },
      subscribe: {
        events: { channel: "{channel}" },
        unsubscribe: { message: { op: "unsubscribe", channel: "{channel}" } },
      },
    };
    const bed = streaming(block, { channel: "x" });
    const other = another(bed, { channel: "x" });
    const firsts = [bed.events.next(), other.next()];
    await bed.clock.settle();
    bed.socket.say({ channel: "x", n: 1 });
    await Promise.all(firsts);
    await other.return(undefined);
    expect(bed.socket.last).toMatchObject({ op: "subscribe" });
    await bed.events.return(undefined);
    expect(bed.socket.last).toEqual({ op: "unsubscribe", channel: "x" });
  });

  test("goes on after a cursor with the message that is declared for that", async () => {
    const block = {
      method: "watch",
      subscribe: {
        cursor_path: "params.n",
        resume: { method: "watch", params: { after: "{$cursor}", topic: "{topic}" } },
      },
    };
    const fresh = streaming(block, { topic: "x" });
    const first = fresh.events.next();
    await fresh.clock.settle();
    fresh.socket.say({ id: 1, result: true });
    fresh.socket.say({ method: "news", params: { n: 7 } });
    expect((await first).value).toEqual({ type: "data", value: { n: 7 }, cursor: "7" });

    const resumed = streaming(block, { topic: "x" }, { resumeAfter: "7" });
    void resumed.events.next().catch(() => {});
    await resumed.clock.settle();
    expect(resumed.socket.last).toMatchObject({ method: "watch", params: { after: "7", topic: "x" } });
  });

  test.each([
    [1001, { kind: "closed", code: 1001, sent: false }],
    [1006, { kind: "closed", code: 1006, sent: false }],
  ])(
    "whose socket is closed with %i is lost with it, and has run nothing twice when it is taken up again",
    async (code, failure) => {
      const { socket, events, clock } = streaming(WATCH);
      const first = events.next().catch((error: unknown) => error);
      await clock.settle();
      socket.say({ id: 1, result: "s1" });
      socket.end(code);
      expect(await first).toMatchObject({ failure });
    },
  );
});

describe("a call with events before its answer", () => {
  const BLOCK = {
    method: "build",
    answer: "last",
    cancel: { method: "cancel", params: { id: "{$id}" } },
    subscribe: { events: { method: "progress" } },
  };

  test("gives the events, and the answer as its result", async () => {
    const { socket, events, clock } = streaming(BLOCK);
    const all = Array.fromAsync(events);
    await clock.settle();
    socket.say({ method: "progress", params: { done: 1 } });
    socket.say({ id: 1, result: { ok: true } });
    socket.say({ method: "progress", params: { done: "too late" } });
    expect(await all).toEqual([data({ done: 1 }), { type: "result", value: { ok: true } }]);
  });

  test("is canceled at the peer when its reader leaves", async () => {
    const { socket, events, clock, connection } = streaming(BLOCK);
    const first = events.next();
    await clock.settle();
    socket.say({ method: "progress", params: 1 });
    await first;
    await events.return(undefined);
    expect(socket.last).toEqual({ jsonrpc: "2.0", method: "cancel", params: { id: 1 } });
    socket.say({ id: 1, result: "late" });
    expect(connection.strayAnswers).toBe(0);
  });

  test("is of unknown outcome when its socket is cut", async () => {
    const { socket, events, clock } = streaming(BLOCK);
    const first = events.next().catch((error: unknown) => error);
    await clock.settle();
    socket.end(1006);
    expect(await first).toMatchObject({ failure: { kind: "closed", sent: true } });
  });
});

describe("a subscription beside answers in order", () => {
  const BLOCK = {
    correlate: { kind: "in-order", late_answer_ms: 1000 },
    message: "{$input}",
    subscribe: { id_path: "sub", events: { on: "{$subscription}" }, unsubscribe: { message: "stop" } },
  };

  test("takes no event for an answer: not before its own, nor after its reader has left", async () => {
    const { socket, events, clock, ask, connection } = streaming(BLOCK, "start");
    const first = events.next();
    await clock.settle();
    socket.say({ on: 7, n: "early" });
    socket.say({ sub: 7 });
    expect((await first).value).toEqual(data({ on: 7, n: "early" }));
    const left = events.return(undefined);
    await clock.settle();
    const call = ask();
    socket.say({ on: 7, n: "late" });
    socket.say({ stopped: true });
    await left;
    socket.say("mine");
    expect(await call).toBe("mine");
    expect(connection.users).toBe(0);
  });

  test("that is canceled before its answer is ended when that comes, and the session when it never does", async () => {
    for (const isAnswered of [true, false]) {
      const controller = new AbortController();
      const { socket, events, clock, connection } = streaming(BLOCK, "start", { signal: controller.signal });
      const first = events.next().catch((error: unknown) => error);
      await clock.settle();
      controller.abort(canceled());
      expect(await first).toMatchObject({ code: "canceled" });
      if (isAnswered) {
        socket.say({ sub: 7 });
        await clock.settle();
        expect(socket.last).toBe("stop");
        socket.say({ stopped: true });
        await clock.settle();
        expect([connection.users, clock.pendingTimers]).toEqual([0, 0]);
      } else {
        await clock.advance(1000);
        expect(connection.isOpen).toBe(false);
      }
    }
  });
});

describe("a raw stream", () => {
  const RAW = { correlate: "none", subscribe: { max_buffered_events: 8 } };

  test("is every message, from the first on", async () => {
    const { socket, events } = streaming(RAW);
    socket.say("before anybody listens");
    const first = events.next();
    socket.say({ any: "thing" });
    expect((await first).value).toEqual(data("before anybody listens"));
    expect((await events.next()).value).toEqual(data({ any: "thing" }));
  });

  test("ends where the peer closes normally", async () => {
    const { socket, events } = streaming(RAW);
    const all = Array.fromAsync(events);
    socket.say(1);
    socket.end(1000);
    expect(await all).toEqual([data(1)]);
  });

  test("stops the peer while nobody takes anything, loses nothing of what has come, and goes on", async () => {
    const { socket, events, clock } = streaming(RAW);
    const first = events.next();
    await clock.settle();
    // A piece of the socket that was read already still comes.
    for (let n = 0; n < 100; n++) socket.say(n);
    await first;
    expect(socket.isPaused).toBe(true);
    for (let n = 1; n < 100; n++) expect((await events.next()).value).toEqual(data(n));
    expect(socket.isPaused).toBe(false);
  });

  test("that is left with nothing to end it ends the session, where nobody else uses it", async () => {
    const { socket, events, lost } = streaming(RAW);
    const first = events.next();
    socket.say(1);
    await first;
    await events.return(undefined);
    expect(socket.readyState).toBe(socket.CLOSED);
    expect(lost).toEqual([expect.stringContaining("was left, and no message ends it")]);
  });

  test("beside others is ended alone, with a clear error, when too much waits", async () => {
    const bed = streaming({ ...WATCH, subscribe: { ...(WATCH["subscribe"] as object), max_buffered_events: 8 } });
    const { socket, clock, connection } = bed;
    const others: unknown[] = [];
    connection.listen({ offer: (message) => others.push(message) > 0, failed() {} });
    const first = bed.events.next();
    await clock.settle();
    socket.say({ id: 1, result: "s1" });
    for (let n = 0; n < 20; n++) socket.say(news("s1", n));
    await first;
    expect(socket.isPaused).toBe(false);
    const rest: unknown[] = [];
    const error = await (async () => {
      for (;;) rest.push((await bed.events.next()).value);
    })().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "interrupted",
      message: "The stream of watch was ended: more than 8 events were waiting to be taken.",
      details: { limit: "events", most: 8 },
    });
    expect(rest).toHaveLength(8);
    expect(others.length).toBe(20);
    expect(connection.isOpen).toBe(true);
    expect(socket.last).toMatchObject({ method: "unwatch", params: ["s1"] });
  });
});
