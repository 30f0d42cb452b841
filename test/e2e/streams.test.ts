import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createEnvironment, type CCOSEnvironment } from "../../src/environment.ts";
import { systemClock, type RuntimeEvents } from "../../src/kernel/index.ts";
import { counting, numbers, script } from "../../testing/event-scripts.ts";
import { createScriptedHandler, type ScriptedHandler } from "../../testing/scripted-handler.ts";

let env: CCOSEnvironment;
let peer: ScriptedHandler;
let ended: RuntimeEvents["callEnded"][];

beforeEach(async () => {
  env = await createEnvironment({ env: {}, config: {}, capabilities: [] });
  peer = createScriptedHandler(systemClock);
  env.sessions.registerHandler(peer.handler);
  ended = [];
  env.on("callEnded", (event) => ended.push(event));
  await env.capabilities.load(`
    (capability "line.count" :description "Counts" :metadata {:line {:endpoint "line://peer" :requires_session "true"}})
    (capability "line.double" :description "Doubles" :metadata {:line {:endpoint "line://peer" :requires_session "true"}})
    (capability "acme.first" :description "The first so many" :effects [:network]
      :input-schema [:map [:n :int]]
      :implementation
        (fn [{:keys [n]}]
          (call "line.count" {:initial []
                              :on-event (fn [all {:keys [value]}]
                                          (if (= (count all) n)
                                            {:action :complete}
                                            (conj all value)))})))`);
});
afterEach(() => env.close());

const active = (): number => env.sessions.list().reduce((sum, session) => sum + session.active, 0);

describe("env.stream", () => {
  test("gives events until it is left, and the session serves on", async () => {
    peer.dials.events = counting().events;
    const taken: unknown[] = [];
    const stream = env.stream("line.count");
    for await (const event of stream) {
      taken.push(event);
      if (taken.length === 3) break;
    }
    expect(taken).toEqual(numbers(1, 3));
    expect(stream.report).toMatchObject({ attempts: 1, events: 3, session: { provider: "line", reused: false } });
    expect([active(), peer.streaming.size]).toEqual([0, 0]);
    expect(await env.callDetailed("line.double")).toMatchObject({ session: { reused: true } });
    expect(ended[0]).toMatchObject({ ok: true, events: 3 });
  });

  test("is left by `await using`", async () => {
    peer.dials.events = counting().events;
    {
      await using stream = env.stream("line.count");
      await stream.next();
      expect(active()).toBe(1);
    }
    expect([active(), peer.streaming.size]).toEqual([0, 0]);
  });

  test("is ended when the environment closes, however forgotten", async () => {
    peer.dials.events = counting().events;
    const stream = env.stream("line.count");
    await stream.next();
    await env.close({ deadlineMs: 20 });
    expect([peer.streaming.size, peer.alive.size]).toEqual([0, 0]);
    await expect(stream.next()).rejects.toMatchObject({ code: "pool-closed" });
    expect(() => env.stream("line.count")).toThrow("closed");
  });
});

describe("a program", () => {
  test("folds events, completes, and leaves nothing leased", async () => {
    peer.dials.events = counting().events;
    const sum = `(call "line.count" {:initial 0 :on-event (fn [n e] (if (< n 10) (+ n (:value e)) {:action :complete}))})`;
    expect(await env.run(sum)).toBe(10);
    expect([active(), peer.streaming.size]).toEqual([0, 0]);
  });

  test("calls other capabilities for each event, on the same session", async () => {
    peer.dials.events = () => script([...numbers(1, 3), { type: "result", value: { done: true } }]);
    const text = `
      (call "line.count" {:initial []
                          :on-event (fn [all e]
                                      (if (= (:type e) "data")
                                        (conj all (:input (call "line.double" {:n (:value e)})))
                                        (conj all (:value e))))})`;
    expect(await env.run(text)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }, { done: true }]);
    expect([peer.counts.opened, active()]).toEqual([1, 0]);
  });

  test("of a capability may do it for its caller", async () => {
    peer.dials.events = counting().events;
    expect(await env.call("acme.first", { n: 4 })).toEqual([1, 2, 3, 4]);
    expect(active()).toBe(0);
    expect(ended.map(({ capabilityId, ok, events }) => [capabilityId, ok, events])).toEqual([
      ["line.count", true, 5],
      ["acme.first", true, undefined],
    ]);
  });

  test("gets what runs here as its result alone, functions and all", async () => {
    const text = `(call "ccos.math.add" {:on-event (fn [e] e)})`;
    await expect(env.run(text)).rejects.toMatchObject({ code: "invalid-argument" });
    const echo = `(call "acme.first" {:n 0 :initial nil :on-event (fn [_ e] (:type e))})`;
    peer.dials.events = counting().events;
    expect(await env.run(echo)).toBe("result");
  });

  test("that is canceled, or out of time, leaves the stream", async () => {
    peer.dials.events = counting().events;
    const text = `(call "line.count" {:on-event (fn [e] (call "ccos.system.sleep-ms" 5))})`;
    await expect(env.run(text, { timeoutMs: 60 })).rejects.toMatchObject({ code: "deadline-exceeded" });
    await expect(env.run(text, { limits: { timeoutMs: 60 } })).rejects.toMatchObject({ code: "interrupted" });
    await expect(env.run(text, { signal: AbortSignal.timeout(60) })).rejects.toMatchObject({ code: "canceled" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([active(), peer.streaming.size]).toEqual([0, 0]);
  });

  test("may give the stream a limit of time by a hint", async () => {
    peer.dials.events = counting().events;
    const text = `(try ^{:runtime.timeout 50} (call "line.count" {:on-event (fn [e] (call "ccos.system.sleep-ms" 5))}) (catch e (:code e)))`;
    expect(await env.run(text)).toBe("deadline-exceeded");
  });

  test("that fails in its function ends the stream and keeps its error", async () => {
    peer.dials.events = counting().events;
    const text = `(call "line.count" {:on-event (fn [e] (throw "enough"))})`;
    await expect(env.run(text)).rejects.toMatchObject({ code: "eval-error", message: "enough" });
    expect([active(), peer.streaming.size]).toEqual([0, 0]);
  });
});
