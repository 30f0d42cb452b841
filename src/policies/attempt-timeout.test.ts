import { describe, expect, test } from "vitest";
import { policyBench, policyChecks, takes, type PolicyRig } from "../../testing/policy-suite.ts";
import type { CcosError } from "../kernel/index.ts";
import { createAttemptTimeout, type PolicyCall } from "./index.ts";

const rig: PolicyRig = { create: createAttemptTimeout, on: { attemptTimeoutMs: 10_000 }, off: { attemptTimeoutMs: 0 } };

describe("as every policy", () => {
  for (const { name, run } of policyChecks(rig)) test(name, run);
});

const short = { settings: { attemptTimeoutMs: 100 } };

test("an attempt that takes too long fails, while its call has time left", async () => {
  const { run, call, clock } = policyBench(rig);
  const given = call({ ...short, remainingMs: 30_000 });
  const seen: PolicyCall[] = [];
  const running = run(given, (limited) => (seen.push(limited), takes(clock, 5_000)(limited))).catch(
    (error: unknown) => error,
  );
  expect(seen[0]?.remainingMs()).toBe(100);
  await clock.advance(100);
  expect(await running).toMatchObject({ code: "deadline-exceeded", details: { timeoutMs: 100 } });
  expect(((await running) as CcosError).message).toBe(
    'One attempt of "line.echo" (attempt_timeout_ms) did not finish within 100 ms.',
  );
  expect(given.signal.aborted).toBe(false);
  expect(clock.pendingTimers).toBe(0);
});

test("one that is quicker is not disturbed, and has no more time than its call", async () => {
  const { run, call, clock } = policyBench(rig);
  const left: number[] = [];
  const running = run(
    call({ ...short, remainingMs: 60 }),
    (limited) => (left.push(limited.remainingMs()), takes(clock, 50)(limited)),
  );
  await clock.advance(50);
  expect(await running).toBe("done");
  expect(left).toEqual([60]);
  expect(clock.pendingTimers).toBe(0);
});
