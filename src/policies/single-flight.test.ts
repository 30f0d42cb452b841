import { describe, expect, test } from "vitest";
import type { PolicyCallParts } from "../../testing/policy-call.ts";
import { policyBench, policyChecks, takes, type PolicyRig } from "../../testing/policy-suite.ts";
import { CcosError, isCcosError, type JsonObject } from "../kernel/index.ts";
import { createSingleFlight, type PolicyCall } from "./index.ts";

const rig: PolicyRig = { create: createSingleFlight, on: { singleFlight: true }, off: { singleFlight: false } };

describe("as every policy", () => {
  for (const { name, run } of policyChecks(rig)) test(name, run);
});

/** A bench whose calls are idempotent, and work that counts its runs. */
function flightBench(ms = 100) {
  const bench = policyBench(rig);
  const runs: PolicyCall[] = [];
  const work = takes(bench.clock, ms, (call) => (runs.push(call), { run: runs.length, list: [1] }));
  const call: typeof bench.call = (parts) => bench.call({ idempotent: true, ...parts });
  return { ...bench, call, runs, work };
}

test("calls that ask the same while one runs share its execution; one that comes later does not", async () => {
  const { run, call, work, runs, clock, events } = flightBench();
  const leader = call();
  const all = Promise.all([run(leader, work), run(call(), work), run(call(), work)]);
  await clock.advance(100);
  expect(await all).toEqual([1, 1, 1].map((count) => ({ run: count, list: [1] })));
  expect(runs).toHaveLength(1);
  expect(events).toMatchObject([
    { name: "callShared", event: { leaderId: leader.callId } },
    { name: "callShared", event: { leaderId: leader.callId } },
  ]);
  const later = run(call(), work);
  await clock.advance(100);
  expect(await later).toMatchObject({ run: 2 });
});

test("each gets an answer of its own, so nobody changes what others get", async () => {
  const { run, call, work, clock } = flightBench();
  const all = [run(call(), work), run(call(), work)];
  const spoilt = all[0]?.then((value) => ((value as JsonObject)["list"] = ["spoilt"]));
  await clock.advance(100);
  await spoilt;
  expect(await all[1]).toEqual({ run: 1, list: [1] });
});

test("a failure is shared too", async () => {
  const { run, call, clock } = flightBench();
  const work = takes(clock, 10, () => new CcosError("unavailable", "Down."));
  const all = Promise.allSettled([run(call(), work), run(call(), work)]);
  await clock.advance(10);
  expect((await all).map((result) => result.status)).toEqual(["rejected", "rejected"]);
});

test.each<[what: string, one: PolicyCallParts, other: PolicyCallParts]>([
  ["calls that may not run twice", { idempotent: false }, { idempotent: false }],
  ["an idempotent call with one that is not", {}, { idempotent: false }],
  ["what asks something else", { key: "a" }, { key: "b" }],
  ["what has no canonical form", { key: undefined }, { key: undefined }],
  ["identities", { tenant: "ann" }, { tenant: "bob" }],
  ["a call that wants no kept answer", {}, { cacheMode: "no-store" }],
  ["a call that wants a new answer", {}, { cacheMode: "refresh" }],
])("never shared: %s", async (_what, one, other) => {
  const { run, call, work, runs, clock } = flightBench();
  const all = Promise.all([run(call(one), work), run(call(other), work)]);
  await clock.advance(100);
  await all;
  expect(runs).toHaveLength(2);
});

test("with a cache, sharing needs no setting of its own", async () => {
  const { run, call, work, runs, clock } = flightBench();
  const settings = { singleFlight: false, cache: { ttlMs: 1, staleWhileRevalidateMs: 0, maxEntries: 1, maxBytes: 1 } };
  const all = Promise.all([run(call({ settings }), work), run(call({ settings }), work)]);
  await clock.advance(100);
  await all;
  expect(runs).toHaveLength(1);
});

describe("who leaves", () => {
  test("takes nothing from the others, the one who began it included", async () => {
    const { run, call, work, runs, clock } = flightBench();
    const [leader, follower] = [new AbortController(), new AbortController()];
    const left = [leader, follower].map(({ signal }) =>
      run(call({ signal }), work).catch((error: CcosError) => error.code),
    );
    const stays = run(call(), work);
    await clock.advance(50);
    leader.abort();
    follower.abort();
    expect(await Promise.all(left)).toEqual(["canceled", "canceled"]);
    await clock.advance(50);
    expect(await stays).toMatchObject({ run: 1 });
    expect(runs).toHaveLength(1);
  });

  test("last, ends the execution; who comes then begins another", async () => {
    const { run, call, work, runs, clock } = flightBench();
    const controllers = [new AbortController(), new AbortController()];
    const seen: AbortSignal[] = [];
    const observed = (given: PolicyCall) => (seen.push(given.signal), work(given));
    const left = controllers.map(({ signal }) =>
      run(call({ signal }), observed).catch((error: CcosError) => error.code),
    );
    await clock.settle();
    controllers[0]?.abort();
    await clock.settle();
    expect(seen[0]?.aborted).toBe(false);
    controllers[1]?.abort();
    await clock.settle();
    const next = run(call(), observed);
    expect(await Promise.all(left)).toEqual(["canceled", "canceled"]);
    expect(seen[0]?.aborted).toBe(true);
    await clock.advance(100);
    expect(await next).toMatchObject({ run: 1 });
    expect(runs).toHaveLength(1);
  });
});

test("an execution that was given up is joined by nobody, even where it does not let go", async () => {
  const { run, call, runs, work, clock } = flightBench();
  const controller = new AbortController();
  const stuck = run(call({ signal: controller.signal }), () => new Promise(() => {})).catch(
    (error: CcosError) => error.code,
  );
  controller.abort();
  expect(await stuck).toBe("canceled");
  await clock.settle();
  const next = run(call(), work);
  await clock.advance(100);
  expect(await next).toMatchObject({ run: 1 });
  expect(runs).toHaveLength(1);
});

test("the shared execution has as much time as the most patient of those who wait", async () => {
  const { run, call, clock } = flightBench();
  const left: number[] = [];
  const work = async (given: PolicyCall) => {
    for (let step = 0; step < 3; step++) {
      left.push(given.remainingMs());
      await takes(clock, 10)(given);
    }
    return null;
  };
  const impatient = new AbortController();
  const first = run(call({ remainingMs: 15, signal: impatient.signal }), work).catch((error: unknown) =>
    isCcosError(error),
  );
  await clock.advance(5);
  const second = run(call({ remainingMs: 500 }), work);
  await clock.advance(10);
  impatient.abort();
  expect(await first).toBe(true);
  await clock.advance(20);
  expect(await second).toBeNull();
  expect(left).toEqual([15, 500, 500]);
});

test("an execution that ended in peace is not aborted afterwards", async () => {
  const { run, call, work, runs, clock } = flightBench();
  const running = run(call(), work);
  await clock.advance(100);
  await running;
  await clock.settle();
  expect(runs[0]?.signal.aborted).toBe(false);
});

test("closing ends what only the background waits for", async () => {
  const { run, call, work, clock, policy } = flightBench();
  const behind = run(call({ background: true, key: "a" }), work).catch((error: CcosError) => error.code);
  const inFront = run(call({ key: "b" }), work);
  await clock.settle();
  policy.close?.(new CcosError("pool-closed", "Closing."));
  expect(await behind).toBe("pool-closed");
  await clock.advance(100);
  expect(await inFront).toMatchObject({ run: 1 });
});
