import fc from "fast-check";
import { expect, test } from "vitest";
import { createManagerRig } from "../../testing/manager-rig.ts";

// What may happen to a pool, in any order. Numbers pick a call, a session or a time.
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("call" as const), token: fc.integer({ min: 0, max: 2 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.integer({ min: 0, max: 400 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cancel" as const), which: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("forget" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("die" as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("failOpenings" as const), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("answerProbes" as const), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("sleep" as const), ms: fc.constant(60_000) }) },
);

const shape = fc.record({
  max_sessions: fc.integer({ min: 1, max: 3 }),
  max_in_flight: fc.integer({ min: 1, max: 3 }),
  max_waiters: fc.integer({ min: 0, max: 6 }),
  max_sessions_per_endpoint: fc.integer({ min: 1, max: 4 }),
  idle_timeout_ms: fc.constantFrom(0, 150),
  max_lifetime_ms: fc.constantFrom(0, 500),
  min_idle: fc.constantFrom(0, 0, 1, 2),
  validate_after_idle_ms: fc.constantFrom(0, 0, 100),
  max_sessions_total: fc.constantFrom(1_000, 2),
  acquire_timeout_ms: fc.constantFrom(50, 1_000),
});

test("whatever happens, limits hold, every call settles once, nothing runs twice, and nothing is left", async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.array(step, { maxLength: 60 }), fc.nat(10_000), async (session, steps, seed) => {
      const rig = createManagerRig({ seed });
      rig.dials.callDelayMs = 20;
      rig.dials.openDelayMs = 30;
      const capability = rig.capability("line.a", { authEnvVar: "TOKEN", session });
      let alive = true;
      rig.handler.probe = async () => alive;
      const cancels: AbortController[] = [];
      const settled: Promise<PromiseSettledResult<unknown>[]>[] = [];
      let failing = false;
      rig.dials.openFailure = () => (failing ? new Error("refused") : undefined);

      for (const one of steps) {
        if (one.kind === "call") {
          const cancel = new AbortController();
          const token = `token-${one.token}`;
          const options = { signal: cancel.signal, caller: { id: token, credentials: { TOKEN: token } } };
          settled.push(Promise.allSettled([rig.call(capability, { n: cancels.length, token }, options)]));
          cancels.push(cancel);
        } else if (one.kind === "advance") await rig.clock.advance(one.ms);
        else if (one.kind === "cancel") cancels[one.which]?.abort();
        else if (one.kind === "forget") rig.forgetAll();
        else if (one.kind === "die") rig.reportLost(one.which, "died");
        else if (one.kind === "sleep") rig.clock.jumpWall(one.ms);
        else if (one.kind === "answerProbes") alive = one.on;
        else failing = one.on;
        const sessions = rig.manager.list();
        const serving = sessions.filter((info) => info.state === "open" || info.state === "validating");
        expect(serving.length).toBeLessThanOrEqual(
          Math.min(session.max_sessions_per_endpoint, session.max_sessions_total),
        );
        for (const identity of new Set(sessions.map((info) => info.identity))) {
          const open = serving.filter((info) => info.identity === identity);
          expect(open.length).toBeLessThanOrEqual(session.max_sessions);
        }
      }
      // Once the peer is well again, and those who wait are through, whoever comes is served.
      failing = false;
      alive = true;
      await rig.clock.advance(10_000);
      const patient = rig.capability("line.b", {
        authEnvVar: "TOKEN",
        session: { ...session, acquire_timeout_ms: 5_000 },
      });
      const last = rig.call(
        patient,
        { n: -1, token: "token-9" },
        { caller: { id: "9", credentials: { TOKEN: "token-9" } } },
      );
      const served = expect(last).resolves.toMatchObject({ attempts: 1 });
      await rig.clock.advance(10_000);
      await served;

      let closed = false;
      const closing = rig.manager.close({ deadlineMs: 1_000 }).then(() => (closed = true));
      for (let waited = 0; !closed && waited < 200; waited++) await rig.clock.advance(10);
      await closing;
      const outcomes = (await Promise.all(settled)).flat();
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") expect((outcome.reason as { code: string }).code).not.toBe("internal");
      }
      const inputs = rig.executed.map((call) => (call.input as { n: number }).n);
      expect(new Set(inputs).size).toBe(inputs.length);
      for (const call of rig.executed) expect(call.identity).toBe((call.input as { token: string }).token);
      expect(rig.mostInFlight).toBeLessThanOrEqual(session.max_in_flight);
      expect(rig.counts.terminated).toBe(rig.counts.opened);
      expect(rig.clock.pendingTimers).toBe(0);
      expect(rig.manager.list()).toEqual([]);
    }),
    { numRuns: 4_000 },
  );
}, 60_000);
