import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { policyBench, policyChecks, takes, type PolicyBench, type PolicyRig } from "../../testing/policy-suite.ts";
import type { PolicyCallParts } from "../../testing/policy-call.ts";
import { CcosError, createSeededRandom, isCcosError } from "../kernel/index.ts";
import { createRateLimit, DEFAULT_POLICY_SETTINGS, type PolicySettings } from "./index.ts";
import { TokenBucket } from "./token-bucket.ts";

type RateLimitSettings = NonNullable<PolicySettings["rateLimit"]>;
const unlimited = DEFAULT_POLICY_SETTINGS.rateLimit as RateLimitSettings;
const rateLimit: RateLimitSettings = { ...unlimited, limit: 2, intervalMs: 1_000 };
const rig: PolicyRig = { create: createRateLimit, on: { rateLimit }, off: { rateLimit: undefined } };

describe("as every policy", () => {
  for (const { name, run } of policyChecks(rig)) test(name, run);
  describe("without a limit, only learning", () => {
    for (const { name, run } of policyChecks({ ...rig, on: { rateLimit: unlimited } })) test(name, run);
  });
});

/** Makes calls and notes when each was let go, or with which code it was refused. */
function log(bench: PolicyBench) {
  const seen: (string | number)[] = [];
  return {
    seen,
    make(parts: PolicyCallParts = {}, error?: CcosError) {
      const slot = seen.push("waits") - 1;
      const startedAt = bench.clock.monotonic();
      const { remainingMs = 60_000 } = parts;
      const left =
        typeof remainingMs === "number" ? () => startedAt + remainingMs - bench.clock.monotonic() : remainingMs;
      const call = bench.call({ ...parts, remainingMs: left });
      const work = takes(bench.clock, 0, () => {
        seen[slot] = bench.clock.monotonic();
        return error ?? "done";
      });
      return bench.run(call, work).catch((thrown: unknown) => {
        if (isCcosError(thrown) && thrown !== error) seen[slot] = `${thrown.code} ${thrown.retryAfterMs}`;
        return thrown;
      });
    },
  };
}

const refusal = (retryAfterMs: number): CcosError => new CcosError("rate-limited", "Slow down.", { retryAfterMs });
const UNLIMITED = { settings: { rateLimit: unlimited } };

test("as many as the limit go at once; the others wait for their turn, in the order they came", async () => {
  const bench = policyBench(rig);
  const { seen, make } = log(bench);
  for (let count = 0; count < 6; count++) void make();
  await bench.clock.advance(10_000);
  expect(seen).toEqual([0, 0, 500, 1_000, 1_500, 2_000]);
  expect(bench.events.map(({ event }) => (event as { waitMs: number }).waitMs)).toEqual([500, 1_000, 1_500, 2_000]);
  expect(bench.clock.pendingTimers).toBe(0);
});

test("burst is how many go at once, whatever the limit", async () => {
  const bench = policyBench(rig);
  const { seen, make } = log(bench);
  for (let count = 0; count < 3; count++) void make({ settings: { rateLimit: { ...rateLimit, burst: 1 } } });
  await bench.clock.advance(10_000);
  expect(seen).toEqual([0, 500, 1_000]);
});

test("a call whose turn comes too late for it is refused at once, with the time to wait, and costs nobody a turn", async () => {
  const bench = policyBench(rig);
  const { seen, make } = log(bench);
  void make();
  void make();
  void make();
  void make({ remainingMs: 900 });
  void make();
  await bench.clock.settle();
  expect(seen[3]).toBe("rate-limited 1000");
  await bench.clock.advance(10_000);
  expect(seen).toEqual([0, 0, 500, "rate-limited 1000", 1_000]);
  expect(bench.events.find(({ name }) => name === "callRefused")?.event).toMatchObject({
    policy: "rate-limit",
    cause: "rate-limited",
    retryAfterMs: 1_000,
  });
});

test("one who leaves the line lets the others move up", async () => {
  const bench = policyBench(rig);
  const { seen, make } = log(bench);
  const controller = new AbortController();
  for (const parts of [{}, {}, {}, { signal: controller.signal }, {}]) void make(parts);
  await bench.clock.advance(100);
  controller.abort();
  await bench.clock.advance(10_000);
  expect(seen).toEqual([0, 0, 500, "canceled undefined", 1_000]);
});

test("when the last one leaves the line, nothing is left to wait for", async () => {
  const bench = policyBench(rig);
  const { make } = log(bench);
  const controller = new AbortController();
  for (const parts of [{}, {}, { signal: controller.signal }]) void make(parts);
  await bench.clock.settle();
  expect(bench.clock.pendingTimers).toBe(1);
  controller.abort();
  await bench.clock.settle();
  expect(bench.clock.pendingTimers).toBe(0);
});

test("max_queue bounds those who wait", async () => {
  const bench = policyBench(rig);
  const { seen, make } = log(bench);
  const settings = { rateLimit: { ...rateLimit, maxQueue: 1 } };
  for (let count = 0; count < 4; count++) void make({ settings });
  await bench.clock.settle();
  expect(seen).toEqual([0, 0, "waits", "rate-limited 1000"]);
  await bench.clock.advance(1_000);
});

test("identities, peers and settings of their own have limits of their own; equal settings share one", async () => {
  const bench = policyBench(rig);
  const { seen, make } = log(bench);
  const slower = { rateLimit: { ...rateLimit, limit: 1 } };
  for (const parts of [
    { tenant: "ann" },
    { tenant: "bob" },
    { endpoint: "line://other" },
    { capabilityId: "line.other" },
  ]) {
    void make(parts);
    void make({ ...parts, settings: { rateLimit: { ...rateLimit } } });
  }
  void make({ settings: slower });
  await bench.clock.advance(0);
  expect(seen).toEqual(Array.from({ length: 9 }, () => 0));
  void make({ capabilityId: "line.third" });
  void make({ settings: slower });
  await bench.clock.advance(10_000);
  expect(seen.slice(9)).toEqual([500, 1_000]);
});

describe("learning", () => {
  test("a time to wait pauses that identity at that peer, and no other", async () => {
    const bench = policyBench(rig);
    const { seen, make } = log(bench);
    await make({ ...UNLIMITED, tenant: "ann" }, refusal(700));
    void make({ ...UNLIMITED, tenant: "ann" });
    void make({ ...UNLIMITED, tenant: "ann", remainingMs: 300 });
    void make({ ...UNLIMITED, tenant: "bob" });
    void make({ ...UNLIMITED, tenant: "ann at another peer" });
    await bench.clock.advance(5_000);
    expect(seen).toEqual([0, 700, "rate-limited 700", 0, 0]);
    expect(bench.events.filter(({ name }) => name === "rateLearned").map(({ event }) => event)).toMatchObject([
      { remaining: 0, resetMs: 700 },
    ]);
  });

  test("those in line whose turn now comes too late are refused at once", async () => {
    const bench = policyBench(rig);
    const { seen, make } = log(bench);
    void make({}, undefined);
    const slow = bench
      .run(
        bench.call(),
        takes(bench.clock, 100, () => refusal(20_000)),
      )
      .catch(() => {});
    void make({ remainingMs: 5_000 });
    void make();
    await bench.clock.advance(100);
    expect(seen).toEqual([0, "rate-limited 20000", "waits"]);
    await slow;
    await bench.clock.advance(20_000);
    expect(seen[2]).toBe(20_100);
  });

  test("a pause is no longer than max_pause_ms, and none is made with learn switched off", async () => {
    const bench = policyBench(rig);
    const { seen, make } = log(bench);
    const short = { settings: { rateLimit: { ...unlimited, maxPauseMs: 1_000 } } };
    await make(short, refusal(3_600_000));
    void make(short);
    await bench.clock.advance(2_000);
    const off = { settings: { rateLimit: { ...unlimited, learn: false } } };
    await make(off, refusal(500));
    void make(off);
    await bench.clock.advance(0);
    expect(seen).toEqual([0, 1_000, 2_000, 2_000]);
  });

  test("what headers say is kept to: so many more, and then none until the reset", async () => {
    const bench = policyBench(rig);
    const { seen, make } = log(bench);
    const headers = { rateLimit: { remaining: 2, resetMs: 800 } };
    await make(UNLIMITED, new CcosError("rejected", "No.", { details: headers }));
    for (let count = 0; count < 4; count++) void make(UNLIMITED);
    await bench.clock.advance(5_000);
    expect(seen).toEqual([0, 0, 0, 800, 800]);
  });

  test("calls under way are taken off what the peer says is left", async () => {
    const bench = policyBench(rig);
    const { seen, make } = log(bench);
    const limited = { settings: { rateLimit: { ...rateLimit, limit: 100 } } };
    const running = [
      bench.run(bench.call(limited), takes(bench.clock, 50)),
      bench.run(bench.call(limited), takes(bench.clock, 50)),
    ];
    await make(limited, new CcosError("rejected", "No.", { details: { rateLimit: { remaining: 3, resetMs: 800 } } }));
    for (let count = 0; count < 2; count++) void make(limited);
    await bench.clock.advance(5_000);
    expect(seen).toEqual([0, 0, 800]);
    await Promise.all(running);
  });

  test("calls that have ended are not", async () => {
    const bench = policyBench(rig);
    const { seen, make } = log(bench);
    const limited = { settings: { rateLimit: { ...rateLimit, limit: 100 } } };
    for (let count = 0; count < 5; count++) await make(limited);
    await make(limited, new CcosError("rejected", "No.", { details: { rateLimit: { remaining: 2, resetMs: 800 } } }));
    for (let count = 0; count < 3; count++) void make(limited);
    await bench.clock.advance(5_000);
    expect(seen.slice(6)).toEqual([0, 0, 800]);
  });

  test("a pause is remembered, however many other identities call meanwhile", async () => {
    const bench = policyBench(rig);
    const { seen, make } = log(bench);
    await make({ ...UNLIMITED, tenant: "ann" }, refusal(10_000));
    for (let count = 0; count < 3_000; count++) await make({ tenant: `other ${count}` });
    await bench.clock.advance(5_000);
    for (let count = 0; count < 3_000; count++) await make({ tenant: `yet another ${count}` });
    void make({ ...UNLIMITED, tenant: "ann" });
    await bench.clock.advance(20_000);
    expect(seen.at(-1)).toBe(10_000);
  });

  test("a limit that is told with an answer counts as well", async () => {
    const bench = policyBench(rig);
    const { seen, make } = log(bench);
    bench.policy.learn?.(bench.call(UNLIMITED), { remaining: 0, resetMs: 300 });
    bench.policy.learn?.(bench.call(UNLIMITED), { remaining: Number.NaN, resetMs: -1 });
    void make(UNLIMITED);
    await bench.clock.advance(5_000);
    expect(seen).toEqual([300]);
  });

  test("an answer from before a refusal does not end the pause", async () => {
    const bench = policyBench(rig);
    const { seen, make } = log(bench);
    await make(UNLIMITED, refusal(1_000));
    bench.policy.learn?.(bench.call(UNLIMITED), { remaining: 5, resetMs: 10 });
    void make(UNLIMITED);
    await bench.clock.advance(5_000);
    expect(seen).toEqual([0, 1_000]);
  });

  test("what this process refused itself teaches nothing", async () => {
    const bench = policyBench(rig);
    const { seen, make } = log(bench);
    await make(
      UNLIMITED,
      new CcosError("rate-limited", "Ours.", { retryAfterMs: 500, details: { policy: "elsewhere" } }),
    );
    void make(UNLIMITED);
    await bench.clock.advance(0);
    expect(seen).toEqual([0, 0]);
  });
});

test("closing refuses those in line", async () => {
  const bench = policyBench(rig);
  const { seen, make } = log(bench);
  for (let count = 0; count < 4; count++) void make();
  await bench.clock.settle();
  bench.policy.close?.(new CcosError("pool-closed", "Closing."));
  await bench.clock.settle();
  expect(seen).toEqual([0, 0, "pool-closed undefined", "pool-closed undefined"]);
});

test("never more than the limit allows and in the order they came, whoever leaves and whatever the peer says", async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const bench = policyBench(rig, seed);
    const random = createSeededRandom(seed);
    const went: { readonly index: number; readonly at: number }[] = [];
    const all: Promise<unknown>[] = [];
    for (let index = 0; index < 40; index++) {
      const controller = new AbortController();
      const comesAt = bench.clock.monotonic();
      const timeMs = 500 + random.next() * 10_000;
      if (random.next() < 0.3) bench.clock.setTimer(random.next() * 3_000, () => controller.abort());
      const call = bench.call({
        signal: controller.signal,
        remainingMs: () => comesAt + timeMs - bench.clock.monotonic(),
      });
      const work = takes(bench.clock, 0, () => {
        went.push({ index, at: bench.clock.monotonic() });
        expect(bench.clock.monotonic()).toBeLessThanOrEqual(comesAt + timeMs);
        return random.next() < 0.1 ? refusal(Math.ceil(random.next() * 800)) : "done";
      });
      all.push(bench.run(call, work).catch((error: unknown) => expect(isCcosError(error)).toBe(true)));
      if (random.next() < 0.4) await bench.clock.advance(Math.floor(random.next() * 900));
    }
    await bench.clock.advance(30_000);
    await Promise.all(all);
    expect(bench.clock.pendingTimers).toBe(0);
    expect(went.length).toBeGreaterThan(5);
    expect(went.map(({ index }) => index)).toEqual(went.map(({ index }) => index).toSorted((a, b) => a - b));
    went.forEach(({ at: from }, first) => {
      went
        .slice(first)
        .forEach(({ at: until }, more) =>
          expect(more + 1).toBeLessThanOrEqual(2 + ((until - from) * 2) / 1_000 + 1e-6),
        );
    });
  }
});

test("a bucket lets go no more than its burst and what has flowed in since, however the calls come", () => {
  const terms = fc.record({
    limit: fc.integer({ min: 1, max: 50 }),
    intervalMs: fc.integer({ min: 1, max: 5_000 }),
    burst: fc.integer({ min: 1, max: 50 }),
  });
  fc.assert(
    fc.property(terms, fc.array(fc.nat(200), { maxLength: 200 }), (given, pauses) => {
      const bucket = new TokenBucket(given, 0);
      const went: number[] = [];
      let now = 0;
      for (const pause of pauses) {
        now += pause;
        if (bucket.waitMs(now, 0) === 0) {
          bucket.take(now);
          went.push(now);
        }
      }
      went.forEach((from, first) => {
        went.slice(first).forEach((until, more) => {
          expect(more + 1).toBeLessThanOrEqual(given.burst + ((until - from) * given.limit) / given.intervalMs + 1e-6);
        });
      });
    }),
    { numRuns: 100 },
  );
});
