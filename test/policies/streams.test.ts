import { describe, expect, test } from "vitest";
import { CcosError } from "../../src/kernel/index.ts";
import { createStandardPolicies } from "../../src/policies/index.ts";
import {
  active,
  counting,
  data,
  failureOf,
  lost,
  numbers,
  script,
  take,
  ticking,
} from "../../testing/event-scripts.ts";
import { createManagerRig, type ManagerRig } from "../../testing/manager-rig.ts";

describe("policies around a stream", () => {
  const withPolicies = (): ManagerRig => createManagerRig({ policies: (around) => createStandardPolicies(around).all });

  test("nothing is kept and nothing is shared, whatever the settings", async () => {
    const rig = withPolicies();
    rig.dials.events = () => script(numbers(1, 2));
    const capability = rig.capability("line.a", {
      idempotent: true,
      settings: { cache: { ttl_ms: 60_000 }, single_flight: true },
    });
    await Promise.all([1, 2, 3].map(() => Array.fromAsync(rig.stream(capability))));
    expect(rig.executed).toHaveLength(3);
    expect(rig.countOf("callShared") + rig.countOf("cacheHit") + rig.countOf("cacheMissed")).toBe(0);
  });

  test("a stream that gave nothing yet is run again by the retry policy, one that has begun is not", async () => {
    const rig = withPolicies();
    let runs = 0;
    rig.dials.events = () =>
      ++runs === 1
        ? script([], new CcosError("unavailable", "Not there."))
        : script(numbers(1, 1), new CcosError("unavailable", "Gone."));
    const stream = rig.stream(rig.capability("line.a", { idempotent: true, settings: { retry: { max_attempts: 5 } } }));
    const failed = failureOf(stream);
    await rig.clock.advance(20_000);
    expect(await failed).toMatchObject({ code: "outcome-unknown", details: { events: 1 } });
    expect(runs).toBe(2);
  });

  test("one that can go on outlives a peer that is away for a while, as often as that happens", async () => {
    const rig = withPolicies();
    let next = 1;
    let refusals = 0;
    rig.dials.openFailure = () =>
      next > 1 && ++refusals % 3 !== 0 ? new CcosError("unavailable", "Not there.") : undefined;
    rig.dials.events = () => script([data(next, String(next++))], lost(rig));
    const stream = rig.stream(rig.capability("line.a", { settings: { retry: { max_attempts: 3 } } }));
    const taken = take(stream, 6);
    await rig.clock.advance(120_000);
    expect(await taken).toEqual([1, 2, 3, 4, 5, 6]);
    expect(refusals).toBeGreaterThan(9);
    await stream.return();
  });

  test("the time for one attempt is the time until its first event", async () => {
    const rig = withPolicies();
    rig.dials.events = (call) => ticking(rig, call.signal, 400);
    const stream = rig.stream(rig.capability("line.a", { settings: { attempt_timeout_ms: 500 } }));
    const taken = take(stream, 5);
    await rig.clock.advance(2_000);
    expect(await taken).toEqual([1, 2, 3, 4, 5]);
    await stream.return();
    rig.dials.events = (call) => ticking(rig, call.signal, 600);
    const late = failureOf(
      rig.stream(rig.capability("line.a", { settings: { attempt_timeout_ms: 500, retry: false } })),
    );
    await rig.clock.advance(600);
    expect(await late).toMatchObject({ code: "deadline-exceeded" });
    expect(active(rig)).toBe(0);
  });

  test("a breaker that tries again believes in the first event, and does not wait for the last", async () => {
    const rig = withPolicies();
    const settings = { circuit_breaker: { failures: 1, reset_ms: 1_000 }, retry: false };
    const capability = rig.capability("line.a", { settings });
    rig.dials.events = () => script([], new CcosError("unavailable", "Ill."));
    await failureOf(rig.stream(capability));
    expect(await failureOf(rig.stream(capability))).toMatchObject({ code: "circuit-open" });
    await rig.clock.advance(1_000);
    rig.dials.events = counting().events;
    const stream = rig.stream(capability);
    await take(stream, 1);
    await rig.clock.settle();
    rig.dials.events = () => script(numbers(1, 1));
    expect(await Array.fromAsync(rig.stream(capability))).toEqual(numbers(1, 1));
    await stream.return();
  });

  test("a bulkhead counts a stream for as long as it lasts", async () => {
    const rig = withPolicies();
    rig.dials.events = counting().events;
    const capability = rig.capability("line.a", {
      settings: { bulkhead: { max_concurrent: 1, max_queue: 0 }, retry: false },
    });
    const stream = rig.stream(capability);
    await take(stream, 1);
    expect(await failureOf(rig.stream(capability))).toMatchObject({ code: "bulkhead-full" });
    await stream.return();
    expect(await take(rig.stream(capability), 1)).toHaveLength(1);
  });
});
