import { describe, expect, test } from "vitest";
import { policyBench, policyChecks, takes, type PolicyRig } from "../../testing/policy-suite.ts";
import type { PolicyCallParts } from "../../testing/policy-call.ts";
import { CcosError, type JsonObject, type JsonValue } from "../kernel/index.ts";
import { createCache, type PolicyCall, type PolicySettings, type ResponseCache } from "./index.ts";

type CacheSettings = NonNullable<PolicySettings["cache"]>;
const cache: CacheSettings = { ttlMs: 1_000, staleWhileRevalidateMs: 0, maxEntries: 100, maxBytes: 10_000 };
const rig: PolicyRig = { create: createCache, on: { cache }, off: { cache: undefined } };

describe("as every policy", () => {
  for (const { name, run } of policyChecks(rig)) test(name, run);
});

/** Calls that are idempotent, of work that answers with the number of its runs. */
function cacheBench(settings: Partial<CacheSettings> = {}) {
  const bench = policyBench(rig);
  const runs: PolicyCall[] = [];
  let answer = (): JsonValue | CcosError => ({ run: runs.length, list: [9007199254740993n] });
  const on = { cache: { ...cache, ...settings } };
  return {
    ...bench,
    cache: bench.policy as ResponseCache,
    runs,
    answers: (given: () => JsonValue | CcosError) => void (answer = given),
    get(parts: PolicyCallParts = {}) {
      const work = takes(bench.clock, 0, (call) => (runs.push(call), answer()));
      return bench.run(bench.call({ idempotent: true, settings: on, ...parts }), work);
    },
  };
}

const of = (run: number): JsonObject => ({ run, list: [9007199254740993n] });

test("an answer is given again while it is fresh, exactly as it was, and fetched anew after that", async () => {
  const { get, runs, clock, namesOf, events } = cacheBench();
  expect(await get()).toEqual(of(1));
  await clock.advance(999);
  expect(await get()).toEqual(of(1));
  await clock.advance(1);
  expect(await get()).toEqual(of(2));
  expect(runs).toHaveLength(2);
  expect(namesOf()).toEqual(["cacheMissed", "cacheHit", "cacheMissed"]);
  expect(events[1]?.event).toMatchObject({ ageMs: 999, stale: false });
});

test("nobody changes what others get, neither the first nor any other", async () => {
  const { get } = cacheBench();
  for (let count = 0; count < 3; count++) {
    const answer = (await get()) as JsonObject;
    expect(answer).toEqual(of(1));
    answer["run"] = "spoilt";
    (answer["list"] as JsonValue[]).push("spoilt");
  }
});

test.each<[what: string, one: PolicyCallParts, other: PolicyCallParts]>([
  ["calls that may not run twice", { idempotent: false }, { idempotent: false }],
  ["a kept answer for a call that may not run twice", {}, { idempotent: false }],
  ["what asks something else", { key: "a" }, { key: "b" }],
  ["what has no canonical form", { key: undefined }, { key: undefined }],
  ["identities", { tenant: "ann" }, { tenant: "bob" }],
])("never answered from the cache: %s", async (_what, one, other) => {
  const { get, runs } = cacheBench();
  await get(one);
  await get(other);
  expect(runs).toHaveLength(2);
});

test("failures are not kept", async () => {
  const { get, answers, runs } = cacheBench();
  answers(() => new CcosError("unavailable", "Down."));
  await expect(get()).rejects.toMatchObject({ code: "unavailable" });
  answers(() => "well again");
  expect(await get()).toBe("well again");
  expect(runs).toHaveLength(2);
});

describe("the option of a call", () => {
  test("no-store neither reads nor keeps", async () => {
    const { get } = cacheBench();
    expect(await get({ cacheMode: "no-store" })).toEqual(of(1));
    expect(await get()).toEqual(of(2));
    expect(await get({ cacheMode: "no-store" })).toEqual(of(3));
    expect(await get()).toEqual(of(2));
  });

  test("refresh reads nothing and keeps the new answer", async () => {
    const { get } = cacheBench();
    await get();
    expect(await get({ cacheMode: "refresh" })).toEqual(of(2));
    expect(await get()).toEqual(of(2));
  });
});

describe("stale while revalidate", () => {
  const swr = { staleWhileRevalidateMs: 5_000 };

  test("a stale answer is given at once, and one new one is fetched behind it", async () => {
    const { get, runs, clock, events } = cacheBench(swr);
    await get();
    await clock.advance(2_000);
    const stale = await Promise.all([get(), get(), get()]);
    expect(stale).toEqual([of(1), of(1), of(1)]);
    await clock.settle();
    expect(runs).toHaveLength(2);
    expect(runs[1]).toMatchObject({ background: true });
    expect(
      events.filter(({ name }) => name === "cacheHit").map(({ event }) => (event as { stale: boolean }).stale),
    ).toEqual([true, true, true]);
    expect(await get()).toEqual(of(2));
    expect(clock.pendingTimers).toBe(0);
  });

  test("a caller that has left does not end the fetching", async () => {
    const { get, clock } = cacheBench(swr);
    await get();
    await clock.advance(2_000);
    const controller = new AbortController();
    await get({ signal: controller.signal });
    controller.abort();
    await clock.settle();
    expect(await get()).toEqual(of(2));
  });

  test("where no new one can be had, the stale one stays until its time is over", async () => {
    const { get, answers, clock, namesOf } = cacheBench(swr);
    await get();
    answers(() => new CcosError("unavailable", "Down."));
    await clock.advance(5_999);
    expect(await get()).toEqual(of(1));
    await clock.settle();
    expect(namesOf()).toContain("cacheRefreshFailed");
    await clock.advance(1);
    await expect(get()).rejects.toMatchObject({ code: "unavailable" });
  });

  test("closing ends the fetching and keeps nothing more", async () => {
    const { call, run, clock, policy } = cacheBench(swr);
    const slow = takes(clock, 100);
    const stale = () => call({ idempotent: true, settings: { cache: { ...cache, ...swr } } });
    const first = run(stale(), slow);
    await clock.advance(100);
    await first;
    await clock.advance(2_000);
    await run(stale(), slow);
    expect(clock.pendingTimers).toBeGreaterThan(0);
    policy.close?.(new CcosError("pool-closed", "Closing."));
    await clock.settle();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("bounds", () => {
  test("the answer that was not asked for longest makes room", async () => {
    const { get, runs, cache: kept } = cacheBench({ maxEntries: 2 });
    for (const key of ["a", "b", "a", "c", "a", "b"]) await get({ key });
    expect(runs).toHaveLength(4);
    expect(kept.counts.entries).toBe(2);
  });

  test("the size of all answers is bounded, and one that is larger than that is not kept", async () => {
    const { get, answers, cache: kept, runs } = cacheBench({ maxBytes: 2_000 });
    for (let count = 0; count < 50; count++) {
      answers(() => "x".repeat(300));
      await get({ key: `${count}` });
      expect(kept.counts.bytes).toBeLessThanOrEqual(2_000);
    }
    expect(kept.counts.entries).toBeGreaterThan(3);
    answers(() => "ü".repeat(1_500));
    await get({ key: "large" });
    await get({ key: "large" });
    expect(runs).toHaveLength(52);
  });

  test("an answer that cannot be written as text is given and not kept", async () => {
    const { get, answers, runs } = cacheBench();
    answers(() => ({ odd: Number.NaN }));
    expect(await get()).toEqual({ odd: Number.NaN });
    await get();
    expect(runs).toHaveLength(2);
  });

  test("everything can be forgotten", async () => {
    const { get, cache: kept } = cacheBench();
    await get();
    kept.clear();
    expect(kept.counts).toEqual({ entries: 0, bytes: 0 });
    expect(await get()).toEqual(of(2));
  });
});
