import { describe, expect, test } from "vitest";
import { reportOf } from "../../src/capability/index.ts";
import { CcosError, type JsonObject, type JsonValue } from "../../src/kernel/index.ts";
import { createStandardPolicies, POLICY_ORDER, type Policy } from "../../src/policies/index.ts";
import { createManagerRig, type ManagerRig, type ManagerRigOptions } from "../../testing/manager-rig.ts";

/** A manager with every policy, on a clock that the test moves. */
function policyRig(options: ManagerRigOptions = {}): ManagerRig {
  return createManagerRig({ policies: (around) => createStandardPolicies(around).all, ...options });
}

const unavailable = (): CcosError => new CcosError("unavailable", "Down.");

/** Fails as often as there are errors, then lets calls through. */
function failing(rig: ManagerRig, ...errors: CcosError[]): void {
  rig.dials.callFailure = () => errors.shift();
}

/** Runs on the clock until the promise has settled. */
async function settled<T>(rig: ManagerRig, promise: Promise<T>, ms = 30_000): Promise<T> {
  const guarded = promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await rig.clock.advance(ms);
  const outcome = await guarded;
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

test("a call passes every policy in the one order, and the session is acquired where that says", async () => {
  const trail: string[] = [];
  const traced = (policy: Policy): Policy => ({
    name: policy.name,
    applies: (call) => policy.applies?.(call) ?? true,
    execute(call, next) {
      trail.push(policy.name);
      return policy.execute(call, next);
    },
  });
  const rig = policyRig({ policies: (around) => createStandardPolicies(around).all.map(traced) });
  rig.dials.callFailure = () => void trail.push("handler");
  const all = {
    cache: {},
    retry: {},
    circuit_breaker: {},
    rate_limit: { limit: 5 },
    bulkhead: {},
    attempt_timeout_ms: 1_000,
  };
  const note = rig.handler.initializeSession.bind(rig.handler);
  rig.handler.initializeSession = (target, context) => (trail.push("lease"), note(target, context));
  await rig.call(rig.capability("line.a", { settings: all, idempotent: true }));
  expect(trail).toEqual([...POLICY_ORDER.filter((name) => name !== "trace" && name !== "overall-deadline"), "handler"]);
  await rig.manager.close();
});

describe("attempts", () => {
  test("count every execution; replays on lost sessions do not use up max_attempts", async () => {
    const rig = policyRig();
    rig.dials.forgetAfter = 1;
    await rig.call(rig.capability("line.a"));
    failing(rig, unavailable());
    const outcome = await settled(
      rig,
      rig.call(rig.capability("line.a", { settings: { retry: { max_attempts: 2 } } })),
    );
    // Lost and replayed, which was answered by "down"; run again, lost and replayed: two runs, four executions.
    expect(rig.countOf("sessionLost")).toBe(2);
    expect(rig.countOf("retryScheduled")).toBe(1);
    expect(outcome.attempts).toBe(4);
    await rig.manager.close();
  });

  test("are in the report of a call that failed after all", async () => {
    const rig = policyRig();
    rig.dials.callFailure = unavailable;
    const error = await settled(rig, rig.call(rig.capability("line.a"))).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unavailable", message: "Down. (Tried 3 times.)" });
    expect(reportOf(error)).toMatchObject({ attempts: 3, session: { provider: "line" } });
    await rig.manager.close();
  });

  test("an opening that fails is tried again as well", async () => {
    const rig = policyRig();
    rig.dials.openFailure = (count) => (count < 3 ? unavailable() : undefined);
    const outcome = await settled(rig, rig.call(rig.capability("line.a")));
    expect([outcome.attempts, rig.counts.failed, rig.countOf("retryScheduled")]).toEqual([1, 2, 2]);
    await rig.manager.close();
  });
});

describe("what is run again", () => {
  test("an unknown outcome is not, unless that is harmless", async () => {
    const rig = policyRig();
    const unknown = (): CcosError => new CcosError("outcome-unknown", "Cut.");
    failing(rig, unknown());
    await expect(settled(rig, rig.call(rig.capability("line.a")))).rejects.toMatchObject({ code: "outcome-unknown" });
    expect(rig.executed).toHaveLength(1);
    failing(rig, ...Array.from({ length: 4 }, unknown));
    const outcome = await settled(rig, rig.call(rig.capability("line.a", { idempotent: true })));
    // Two replays at once by the session, then two runs after a back-off.
    expect([outcome.attempts, rig.countOf("retryScheduled")]).toEqual([5, 2]);
    await rig.manager.close();
  });

  test("an attempt that hangs is, where that is harmless, while its call has time left", async () => {
    const rig = policyRig();
    const settings = { attempt_timeout_ms: 500 };
    rig.dials.callDelayMs = 10_000;
    const hanging = rig.call(rig.capability("line.a", { settings, idempotent: true }));
    await rig.clock.advance(400);
    rig.dials.callDelayMs = 0;
    expect(await settled(rig, hanging)).toMatchObject({ attempts: 2 });
    rig.dials.callDelayMs = 10_000;
    const error = await settled(rig, rig.call(rig.capability("line.b", { settings }))).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "deadline-exceeded", details: { sent: true } });
    expect(reportOf(error).attempts).toBe(1);
    await rig.manager.close();
  });
});

describe("nothing of one identity reaches another", () => {
  const settings = { cache: {}, single_flight: true };
  const seenBy = (outcome: { readonly value: JsonValue }): JsonValue =>
    (outcome.value as JsonObject)["session"] as JsonValue;

  test("kept and shared answers are each identity's own, and a rotated secret finds none of the old ones", async () => {
    const rig = policyRig();
    const capability = rig.capability("line.a", { settings, idempotent: true, authEnvVar: "TOKEN" });
    const as = (id: string, token: string) =>
      rig.call(capability, { q: 1 }, { caller: { id, credentials: { TOKEN: token } } });
    rig.dials.callDelayMs = 10;
    const crowd = ["ann", "bob", "ann", "bob", "bob"].map((who) => as(who, `${who}-token`));
    const outcomes = await settled(rig, Promise.all(crowd), 1_000);
    expect(new Set([outcomes[0], outcomes[2]].map((outcome) => seenBy(outcome!))).size).toBe(1);
    expect(seenBy(outcomes[0]!)).not.toBe(seenBy(outcomes[1]!));
    expect(rig.executed.map(({ identity }) => identity).sort()).toEqual(["ann-token", "bob-token"]);
    // Sums to the executions there were: whoever shares has none of its own.
    expect(outcomes.map(({ attempts }) => attempts)).toEqual([1, 1, 0, 0, 0]);
    const again = await settled(rig, as("ann", "ann-token"), 100);
    expect(again).toMatchObject({ value: outcomes[0]?.value, attempts: 0, session: null });
    await settled(rig, as("ann", "ann-token-rotated"), 100);
    expect(rig.executed.at(-1)?.identity).toBe("ann-token-rotated");
    await rig.manager.close();
  });

  test("where sessions are kept apart by caller, so are answers", async () => {
    const rig = policyRig();
    const capability = rig.capability("line.a", { settings, idempotent: true, session: { scope: "caller" } });
    for (const id of ["ann", "bob", "ann", "bob"]) await rig.call(capability, {}, { caller: { id } });
    expect(rig.executed).toHaveLength(2);
    await rig.manager.close();
  });

  test("a pause that a peer asked of one identity holds up no other", async () => {
    const rig = policyRig();
    const capability = rig.capability("line.a", { authEnvVar: "TOKEN" });
    const as = (id: string, timeoutMs: number) =>
      rig.call(capability, {}, { timeoutMs, caller: { id, credentials: { TOKEN: id } } });
    failing(rig, new CcosError("rate-limited", "Slow down.", { retryAfterMs: 5_000 }));
    await expect(as("ann", 1_000)).rejects.toMatchObject({ code: "rate-limited", retryAfterMs: 5_000 });
    await expect(as("ann", 1_000)).rejects.toMatchObject({ code: "rate-limited", details: { policy: "rate-limit" } });
    expect((await as("bob", 1_000)).attempts).toBe(1);
    expect(rig.executed).toHaveLength(2);
    await rig.manager.close();
  });
});

describe("kept answers", () => {
  const settings = { cache: { ttl_ms: 1_000, stale_while_revalidate_ms: 10_000 } };

  test("differ by input, whatever the order of its keys, and by what the capability's file declares", async () => {
    const rig = policyRig();
    const capability = rig.capability("line.a", { settings, idempotent: true });
    await rig.call(capability, { a: 1, b: 2 });
    await rig.call(capability, { b: 2, a: 1 });
    expect(rig.executed).toHaveLength(1);
    await rig.call(capability, { a: 1, b: "2" });
    await rig.call(rig.capability("line.a", { settings: { ...settings, other: true }, idempotent: true }), {
      a: 1,
      b: 2,
    });
    expect(rig.executed).toHaveLength(3);
    await rig.manager.close();
  });

  test("are brought up to date behind the call that noticed, and that call reports nothing of it", async () => {
    const rig = policyRig();
    const capability = rig.capability("line.a", { settings, idempotent: true });
    await rig.call(capability);
    await rig.clock.advance(2_000);
    expect(await rig.call(capability)).toMatchObject({ value: { count: 1 }, attempts: 0, session: null });
    await rig.clock.settle();
    expect(await rig.call(capability)).toMatchObject({ value: { count: 2 }, attempts: 0 });
    await rig.manager.close();
  });

  test("an option of the call passes them by", async () => {
    const rig = policyRig();
    const capability = rig.capability("line.a", { settings, idempotent: true });
    await rig.call(capability);
    expect(await rig.call(capability, {}, { policies: { cache: "no-store" } })).toMatchObject({ value: { count: 2 } });
    expect(await rig.call(capability, {}, { policies: { cache: "refresh" } })).toMatchObject({ value: { count: 3 } });
    expect(await rig.call(capability, {}, { idempotent: false })).toMatchObject({ value: { count: 4 } });
    expect(await rig.call(capability)).toMatchObject({ value: { count: 3 } });
    const odd = { cache: "always" } as unknown as { cache: "default" };
    await expect(rig.call(capability, {}, { policies: odd })).rejects.toMatchObject({ code: "invalid-argument" });
    await rig.manager.close();
  });
});

describe("options of a call", () => {
  test("come before the file, and the file before the configuration", async () => {
    const rig = policyRig({ configuration: { retry: { max_attempts: 5 } } });
    rig.dials.callFailure = unavailable;
    const attempts = async (capability: ReturnType<typeof rig.capability>, policies = {}): Promise<number> =>
      reportOf(await settled(rig, rig.call(capability, {}, { policies })).catch((error: unknown) => error)).attempts;
    expect(await attempts(rig.capability("line.a"))).toBe(5);
    const declared = rig.capability("line.b", { settings: { retry: { max_attempts: 2 } } });
    expect(await attempts(declared)).toBe(2);
    expect(await attempts(declared, { retry: { maxAttempts: 4 } })).toBe(4);
    expect(await attempts(declared, { retry: false })).toBe(1);
    await expect(rig.call(declared, {}, { policies: { retry: { maxAttempts: 0 } } })).rejects.toMatchObject({
      code: "invalid-argument",
      message: "The retry setting :max_attempts (call) must be a whole number from 1 to 100, not 0.",
    });
    await rig.manager.close();
  });

  test("a setting that does not exist fails the call before anything is sent", async () => {
    const rig = policyRig();
    const wrong = rig.capability("line.a", { settings: { circuit_breaker: { failuers: 3 } } });
    await expect(rig.call(wrong)).rejects.toMatchObject({
      code: "invalid-argument",
      remedy: 'Did you mean "failures"?',
    });
    expect(rig.counts.openings).toBe(0);
    await rig.manager.close();
  });
});

test("a breaker does not stand in the way of sessions that heal", async () => {
  const rig = policyRig({ configuration: { circuit_breaker: { failures: 2 } } });
  rig.dials.forgetAfter = 1;
  for (let count = 0; count < 20; count++) await rig.call(rig.capability("line.a"));
  expect(rig.countOf("sessionLost")).toBe(19);
  expect(rig.countOf("breakerChanged")).toBe(0);
  await rig.manager.close();
});

test("a breaker that opens while a call is tried lets it through when calls may try again", async () => {
  const rig = policyRig();
  const settings = { circuit_breaker: { failures: 2, reset_ms: 2_000 }, retry: { max_attempts: 5 } };
  failing(rig, unavailable(), unavailable());
  expect(await settled(rig, rig.call(rig.capability("line.a", { settings })))).toMatchObject({ attempts: 3 });
  expect(
    rig.events.flatMap(({ name, event }) => (name === "breakerChanged" ? [(event as { to: string }).to] : [])),
  ).toEqual(["open", "half-open", "closed"]);
  await rig.manager.close();
});

test("what a handler reads of the peer's limit holds up the next calls of that identity until the reset", async () => {
  const rig = policyRig();
  const execute = rig.handler.executeWithSession.bind(rig.handler);
  rig.handler.executeWithSession = (session, call, context) => {
    call.limited?.({ remaining: call.attempt === 1 && rig.executed.length === 0 ? 0 : 5, resetMs: 500 });
    return execute(session, call, context);
  };
  await rig.call(rig.capability("line.a"));
  const next = rig.call(rig.capability("line.b"));
  await rig.clock.advance(499);
  expect(rig.executed).toHaveLength(1);
  await rig.clock.advance(1);
  await next;
  expect(rig.countOf("rateLearned")).toBe(1);
  await rig.manager.close();
});

test("closing refuses those in line, ends what waits to run again and what runs behind, and leaves no timer", async () => {
  const rig = policyRig();
  const outcome = (promise: Promise<unknown>) =>
    promise.then(
      () => "done",
      (error: CcosError) => error.code,
    );
  const kept = rig.capability("line.kept", {
    settings: { cache: { ttl_ms: 1, stale_while_revalidate_ms: 60_000 } },
    idempotent: true,
  });
  await rig.call(kept);
  await rig.clock.advance(100);
  rig.dials.callDelayMs = 5_000;
  await rig.call(kept);
  const narrow = rig.capability("line.narrow", { settings: { bulkhead: { max_concurrent: 1 } } });
  const limited = rig.capability("line.limited", { settings: { rate_limit: { limit: 1, interval_ms: 60_000 } } });
  const calls = [narrow, narrow, limited].map((capability) => outcome(rig.call(capability)));
  const late = outcome(rig.call(limited, {}, { timeoutMs: 100_000 }));
  await rig.clock.settle();
  rig.dials.callDelayMs = 0;
  failing(rig, unavailable());
  const retrying = outcome(
    rig.call(
      rig.capability("line.retrying"),
      {},
      { policies: { retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 } }, timeoutMs: 100_000 },
    ),
  );
  await rig.clock.settle();
  const closing = rig.manager.close({ deadlineMs: 10_000 });
  await rig.clock.settle();
  expect(await Promise.all([calls[1], late, retrying])).toEqual(["pool-closed", "pool-closed", "unavailable"]);
  await rig.clock.advance(5_000);
  expect(await Promise.all([calls[0], calls[2]])).toEqual(["done", "done"]);
  await closing;
  expect(rig.clock.pendingTimers).toBe(0);
});
