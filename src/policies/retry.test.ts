import { describe, expect, test } from "vitest";
import { policyBench, policyChecks, takes, type PolicyRig } from "../../testing/policy-suite.ts";
import { CcosError, type ErrorCode, type ErrorOptions } from "../kernel/index.ts";
import { createRetry, DEFAULT_POLICY_SETTINGS, type PolicyCall, type PolicySettings } from "./index.ts";

type RetrySettings = NonNullable<PolicySettings["retry"]>;
const retry = { ...(DEFAULT_POLICY_SETTINGS.retry as RetrySettings) };
const rig: PolicyRig = { create: createRetry, on: { retry }, off: { retry: undefined } };

describe("as every policy", () => {
  for (const { name, run } of policyChecks(rig)) test(name, run);
});

function failing(code: ErrorCode, options: ErrorOptions = {}): CcosError {
  return new CcosError(code, "It failed.", options);
}

/** Fails as often as it is told, then answers; counts its runs. */
function flaky(bench: ReturnType<typeof policyBench>, failures: readonly CcosError[]) {
  const at: number[] = [];
  const work = takes(bench.clock, 0, () => {
    at.push(bench.clock.monotonic());
    return failures[at.length - 1] ?? "done";
  });
  return { work, at };
}

async function outcome(
  bench: ReturnType<typeof policyBench>,
  call: PolicyCall,
  failures: readonly CcosError[],
  advanceMs = 60_000,
) {
  const { work, at } = flaky(bench, failures);
  const running = bench.run(call, work).then(
    (value) => ({ value, error: undefined }),
    (error: unknown) => ({ value: undefined, error: error as CcosError }),
  );
  await bench.clock.advance(advanceMs);
  return { ...(await running), runs: at.length, at };
}

test("a peer that was not reached is called again, whatever the call is, until it answers", async () => {
  const bench = policyBench(rig);
  const { value, runs } = await outcome(bench, bench.call(), [failing("unavailable"), failing("unavailable")]);
  expect([value, runs]).toEqual(["done", 3]);
  expect(bench.events.map(({ name, event }) => [name, (event as { attempt: number }).attempt])).toEqual([
    ["retryScheduled", 2],
    ["retryScheduled", 3],
  ]);
});

test("max_attempts counts the first run, and the last failure says what was tried", async () => {
  const bench = policyBench(rig);
  const failures = Array.from({ length: 9 }, () => failing("unavailable"));
  const { error, runs } = await outcome(bench, bench.call(), failures);
  expect(runs).toBe(3);
  expect(error).toMatchObject({ code: "unavailable", message: "It failed. (Tried 3 times.)", details: { tried: 3 } });
  const once = await outcome(bench, bench.call({ settings: { retry: { ...retry, maxAttempts: 1 } } }), failures);
  expect([once.runs, once.error?.message]).toEqual([1, "It failed."]);
});

test("waits grow and scatter between the initial delay and the greatest", async () => {
  const settings = {
    retry: { ...retry, maxAttempts: 8, initialDelayMs: 100, maxDelayMs: 1_000, budgetMinPerSecond: 1_000 },
  };
  const firsts = new Set<number>();
  for (let seed = 1; seed <= 50; seed++) {
    const bench = policyBench(rig, seed);
    const { at } = await outcome(
      bench,
      bench.call({ settings }),
      Array.from({ length: 7 }, () => failing("unavailable")),
    );
    const waits = at.slice(1).map((instant, index) => instant - (at[index] as number));
    expect(waits).toHaveLength(7);
    for (const wait of waits) {
      expect(wait).toBeGreaterThanOrEqual(100);
      expect(wait).toBeLessThanOrEqual(1_000);
    }
    expect(waits[0]).toBeLessThanOrEqual(300);
    firsts.add(waits[0] as number);
  }
  expect(firsts.size).toBeGreaterThan(20);
});

test("one seed gives the same waits each time", async () => {
  const waitsOf = async (): Promise<number[]> => {
    const bench = policyBench(rig, 7);
    return (await outcome(bench, bench.call(), [failing("unavailable"), failing("unavailable")])).at;
  };
  expect(await waitsOf()).toEqual(await waitsOf());
});

describe("a peer that names a time to wait", () => {
  test("is called again after that time, not after the shorter back-off", async () => {
    const bench = policyBench(rig);
    const { value, at } = await outcome(bench, bench.call({ remainingMs: 30_000 }), [
      failing("rate-limited", { retryAfterMs: 7_000 }),
    ]);
    expect([value, at]).toEqual(["done", [0, 7_000]]);
  });

  test("is not called sooner than the back-off, even so", async () => {
    const bench = policyBench(rig);
    const { at } = await outcome(bench, bench.call(), [failing("rate-limited", { retryAfterMs: 1 })]);
    expect(at[1]).toBeGreaterThanOrEqual(100);
  });

  test("gets the call back at once where the wait does not fit the time left, with that time", async () => {
    const bench = policyBench(rig);
    const { error, runs } = await outcome(
      bench,
      bench.call({ remainingMs: 5_000 }),
      [failing("rate-limited", { retryAfterMs: 7_000 })],
      0,
    );
    expect(runs).toBe(1);
    expect(error).toMatchObject({ code: "rate-limited", retryAfterMs: 7_000 });
    expect(error?.message).toContain("7000 ms, and 5000 ms are left");
    expect(bench.events).toMatchObject([
      { name: "callRefused", event: { policy: "retry", cause: "no-time-left", retryAfterMs: 7_000 } },
    ]);
  });
});

describe("what may run again", () => {
  const unsent = { details: { sent: false } };
  const sent = { details: { sent: true } };
  test.each<[code: ErrorCode, options: ErrorOptions, idempotent: boolean, runs: number]>([
    ["unavailable", {}, false, 2],
    ["rate-limited", {}, false, 2],
    ["bulkhead-full", { details: { policy: "bulkhead" } }, false, 2],
    ["circuit-open", { retryAfterMs: 900, details: { policy: "circuit-breaker" } }, false, 2],
    ["circuit-open", { retryAfterMs: 5_001, details: { policy: "circuit-breaker" } }, false, 1],
    ["circuit-open", { details: { policy: "circuit-breaker" } }, true, 1],
    ["outcome-unknown", {}, false, 1],
    ["outcome-unknown", {}, true, 2],
    ["deadline-exceeded", sent, false, 1],
    ["deadline-exceeded", {}, false, 1],
    ["deadline-exceeded", unsent, false, 2],
    ["deadline-exceeded", sent, true, 2],
    ["acquire-timeout", {}, true, 1],
    ["session-lost", {}, true, 1],
    ["unauthenticated", {}, true, 1],
    ["rejected", {}, true, 1],
    ["protocol-error", {}, true, 1],
    ["pool-closed", {}, true, 1],
    ["internal", {}, true, 1],
  ])("%s %o, idempotent %s: %i runs", async (code, options, idempotent, runs) => {
    const bench = policyBench(rig);
    expect((await outcome(bench, bench.call({ idempotent }), [failing(code, options)])).runs).toBe(runs);
  });
});

test("a call that runs out of time while it waits fails with its own reason", async () => {
  const bench = policyBench(rig);
  const controller = new AbortController();
  const running = outcome(bench, bench.call({ signal: controller.signal }), [failing("unavailable")], 50);
  await bench.clock.settle();
  controller.abort(new CcosError("deadline-exceeded", "Too late."));
  expect((await running).error).toMatchObject({ code: "deadline-exceeded", message: "Too late." });
});

test("a call that was ended while it ran is not held up by a wait", async () => {
  const bench = policyBench(rig);
  const controller = new AbortController();
  const work = async (): Promise<never> => {
    controller.abort();
    throw failing("unavailable");
  };
  await expect(bench.run(bench.call({ signal: controller.signal }), work)).rejects.toMatchObject({
    code: "unavailable",
  });
});

describe("the retry budget", () => {
  const tight = {
    retry: { ...retry, maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 1, budgetRatio: 0.2, budgetMinPerSecond: 0 },
  };

  async function storm(
    bench: ReturnType<typeof policyBench>,
    calls: number,
    code: ErrorCode,
    options: ErrorOptions = {},
    peer?: string,
  ) {
    let runs = 0;
    const work = takes(bench.clock, 0, () => (runs++, failing(code, options)));
    const all = Promise.allSettled(
      Array.from({ length: calls }, () =>
        bench.run(bench.call({ settings: tight, ...(peer !== undefined && { peer }) }), work),
      ),
    );
    await bench.clock.advance(100);
    return { runs, results: await all };
  }

  test("keeps a storm at a fifth above the calls that came, not at three times their number", async () => {
    const bench = policyBench(rig);
    const { runs, results } = await storm(bench, 100, "unavailable");
    expect(runs).toBe(120);
    const refused = results.filter(
      (result) => result.status === "rejected" && String(result.reason).includes("retry budget"),
    );
    expect(refused.length).toBeGreaterThan(0);
    expect(bench.namesOf().filter((name) => name === "retryScheduled")).toHaveLength(20);
  });

  test("is what the last ten seconds earned, and each peer's own", async () => {
    const bench = policyBench(rig);
    await storm(bench, 100, "unavailable");
    expect((await storm(bench, 5, "unavailable")).runs).toBe(6);
    expect((await storm(bench, 5, "unavailable", {}, "line line://other")).runs).toBe(6);
    await bench.clock.advance(11_000);
    expect((await storm(bench, 10, "unavailable")).runs).toBe(12);
  });

  test("allows some however few calls there are", async () => {
    const bench = policyBench(rig);
    const settings = { retry: { ...tight.retry, budgetRatio: 0, budgetMinPerSecond: 1 } };
    let runs = 0;
    for (let count = 0; count < 10; count++) {
      runs += (
        await outcome(
          bench,
          bench.call({ settings }),
          Array.from({ length: 3 }, () => failing("unavailable")),
          100,
        )
      ).runs;
    }
    expect(runs).toBe(10 + 10);
  });

  test("is not spent on what was refused here and the peer has not seen", async () => {
    const bench = policyBench(rig);
    expect((await storm(bench, 50, "bulkhead-full", { details: { policy: "bulkhead" } })).runs).toBe(150);
  });
});

test("closing ends a wait with the failure that led to it", async () => {
  const bench = policyBench(rig);
  const running = outcome(bench, bench.call(), [failing("unavailable")], 10);
  await bench.clock.settle();
  bench.policy.close?.(failing("pool-closed"));
  expect((await running).error).toMatchObject({ code: "unavailable" });
  expect((await outcome(bench, bench.call(), [failing("unavailable")])).runs).toBe(1);
});
