import assert from "node:assert/strict";
import {
  abortError,
  CcosError,
  createEmitter,
  createRedactor,
  createSeededRandom,
  isCcosError,
  randomInteger,
  sleep,
  type ErrorCode,
  type JsonValue,
  type RuntimeEvents,
} from "../src/kernel/index.ts";
import {
  composePolicies,
  type Policy,
  type PolicyCall,
  type PolicySettings,
  type PolicySurroundings,
  type Work,
} from "../src/policies/index.ts";
import { createFakeClock, type FakeClock } from "./fake-clock.ts";
import { policyCall, type PolicyCallParts } from "./policy-call.ts";

/** A policy to be checked, and the settings by which it has something to do. */
export interface PolicyRig {
  create(around: PolicySurroundings): Policy;
  readonly on: Partial<PolicySettings>;
  readonly off: Partial<PolicySettings>;
}

export interface PolicyCheck {
  readonly name: string;
  run(): Promise<void>;
}

/** One policy on a clock that the test moves. */
export interface PolicyBench {
  readonly clock: FakeClock;
  readonly policy: Policy;
  readonly events: { readonly name: keyof RuntimeEvents; readonly event: RuntimeEvents[keyof RuntimeEvents] }[];
  /** A call for which the policy is switched on. */
  call(parts?: PolicyCallParts): PolicyCall;
  run(call: PolicyCall, work: Work): Promise<JsonValue>;
  namesOf(): string[];
}

export function policyBench(rig: PolicyRig, seed = 1): PolicyBench {
  const clock = createFakeClock();
  const emitter = createEmitter<RuntimeEvents>();
  const events: PolicyBench["events"] = [];
  emitter.onAny((name, event) => void events.push({ name, event }));
  const policy = rig.create({ clock, random: createSeededRandom(seed), events: emitter, redactor: createRedactor() });
  const chain = composePolicies([policy]);
  return {
    clock,
    policy,
    events,
    call: ({ settings, ...parts } = {}) => policyCall({ ...parts, settings: { ...rig.on, ...settings } }),
    run: (call, work) =>
      policy.name === "attempt-timeout" ? chain.aroundAttempt(call, work) : chain.aroundCall(call, work),
    namesOf: () => events.map(({ name }) => name),
  };
}

/** Work that takes its time on the clock and honours the signal, as an execution on a session does. */
export function takes(
  clock: FakeClock,
  ms: number,
  outcome: (call: PolicyCall) => JsonValue | CcosError = () => "done",
): Work {
  return async (call) => {
    if (call.signal.aborted) throw abortError(call.signal);
    if (ms > 0) await sleep(clock, ms, call.signal);
    const value = outcome(call);
    if (isCcosError(value)) throw value;
    return value;
  };
}

/** What every policy promises, whatever else it does. A new one joins by its rig. */
export function policyChecks(rig: PolicyRig): PolicyCheck[] {
  const check = (name: string, run: (bench: PolicyBench) => Promise<void>): PolicyCheck => ({
    name,
    run: () => run(policyBench(rig)),
  });
  return [
    check("gives the answer of a call as it is, having run it once", async ({ call, run, clock }) => {
      let runs = 0;
      const answer = { list: [1, 9007199254740993n, null], text: "süß", __proto__: null };
      assert.deepEqual(await run(call(), async () => (runs++, answer)), answer);
      assert.equal(runs, 1);
      assert.equal(clock.pendingTimers, 0);
    }),
    check("gives a failure that nothing can help as it is, having run the call once", async ({ call, run, clock }) => {
      let runs = 0;
      const refusal = new CcosError("rejected", "No such thing.", { remedy: "Ask for another." });
      const work: Work = async () => {
        runs++;
        throw refusal;
      };
      await assert.rejects(run(call({ idempotent: true }), work), { code: "rejected", message: "No such thing." });
      assert.equal(runs, 1);
      assert.equal(clock.pendingTimers, 0);
    }),
    check("switched off, runs the very same call once", async ({ run }) => {
      const given = policyCall({ settings: rig.off, idempotent: true });
      const seen: PolicyCall[] = [];
      await run(given, async (call) => (seen.push(call), "done"));
      assert.deepEqual(seen, [given]);
      assert.equal(seen[0], given);
    }),
    check("never runs a call again that may have run, unless that is harmless", async ({ call, run, clock }) => {
      for (const code of ["outcome-unknown", "deadline-exceeded", "protocol-error"] as const) {
        let runs = 0;
        const work = takes(clock, 0, () => (runs++, new CcosError(code, "Lost.", { details: { sent: true } })));
        const running = assert.rejects(run(call({ idempotent: false }), work), { code });
        await clock.advance(60_000);
        await running;
        assert.equal(runs, 1, code);
      }
    }),
    check("lets a canceled call go at once", async ({ call, run, clock }) => {
      const controller = new AbortController();
      const running = assert.rejects(run(call({ signal: controller.signal, idempotent: true }), takes(clock, 5_000)), {
        code: "canceled",
      });
      await clock.advance(10);
      controller.abort();
      await running;
      await clock.settle();
      assert.equal(clock.pendingTimers, 0);
      await assert.rejects(run(call({ signal: controller.signal, idempotent: true }), takes(clock, 0)), {
        code: "canceled",
      });
    }),
    check("does not outlast the time of a call", async ({ call, run, clock }) => {
      for (const code of ["unavailable", "rate-limited", "outcome-unknown"] as const) {
        const startedAt = clock.monotonic();
        const left = (): number => Math.max(0, startedAt + 1_000 - clock.monotonic());
        const error = new CcosError(code, "Not now.", { retryAfterMs: code === "rate-limited" ? 600 : undefined });
        let endedAt = Infinity;
        const running = run(
          call({ remainingMs: left, idempotent: true }),
          takes(clock, 100, () => error),
        ).then(
          () => assert.fail("it fails"),
          (thrown: unknown) => {
            endedAt = clock.monotonic();
            assert.ok(isCcosError(thrown));
          },
        );
        await clock.advance(10_000);
        await running;
        assert.ok(endedAt <= startedAt + 1_100, `${code}: ended after ${endedAt - startedAt} ms`);
      }
    }),
    check("is not held up at one peer by what goes on at another", async ({ call, run, clock }) => {
      const controller = new AbortController();
      const away = (): PolicyCall =>
        call({ endpoint: "line://away", signal: controller.signal, idempotent: true, key: `${Math.random()}` });
      const stuck: Promise<unknown>[] = [];
      for (let count = 0; count < 8; count++) {
        const failing = takes(clock, 0, () => new CcosError("unavailable", "Down."));
        stuck.push(
          run(away(), failing).catch(() => {}),
          run(away(), takes(clock, 60_000)).catch(() => {}),
        );
      }
      await clock.settle();
      const answer = run(call({ endpoint: "line://here" }), takes(clock, 0));
      assert.equal(await Promise.race([answer, clock.settle().then(() => "held up")]), "done");
      controller.abort();
      await Promise.all(stuck);
    }),
    check("gives no identity what another was given", async ({ call, run, clock }) => {
      const work = takes(clock, 5, ({ tenant }) => tenant);
      for (let round = 0; round < 3; round++) {
        const tenants = ["ann", "bob", "ann", "bob", "cyn"];
        const answers = Promise.all(tenants.map((tenant) => run(call({ tenant, idempotent: true }), work)));
        await clock.advance(2_000);
        assert.deepEqual(await answers, tenants);
      }
    }),
    check("closed, lets go of who waits, and of every timer", async ({ call, run, clock, policy }) => {
      const outcomes: string[] = [];
      const seen = (text: string) => (): void => void outcomes.push(text);
      for (let count = 0; count < 20; count++) {
        const work = takes(clock, 500, () => (count % 2 === 0 ? "done" : new CcosError("unavailable", "Down.")));
        run(call({ idempotent: true, key: `${count % 5}`, remainingMs: 30_000 }), work).then(
          seen("answered"),
          seen("failed"),
        );
      }
      await clock.advance(100);
      policy.close?.(new CcosError("pool-closed", "Closing."));
      await clock.advance(500);
      assert.equal(outcomes.length, 20);
      assert.equal(clock.pendingTimers, 0);
    }),
    {
      name: "settles every call and leaves nothing behind, whatever happens in whatever order",
      async run() {
        for (let seed = 1; seed <= 60; seed++) await anything(policyBench(rig, seed), seed);
      },
    },
  ];
}

const OUTCOMES: readonly (ErrorCode | "ok")[] = [
  "ok",
  "ok",
  "ok",
  "unavailable",
  "rate-limited",
  "outcome-unknown",
  "rejected",
  "session-lost",
];

async function anything({ call, run, clock, policy }: PolicyBench, seed: number): Promise<void> {
  const random = createSeededRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[randomInteger(random, 0, items.length - 1)] as T;
  let settled = 0;
  const count = 40;
  for (let index = 0; index < count; index++) {
    const tenant = pick(["ann", "bob"]);
    const controller = new AbortController();
    const outcome = pick(OUTCOMES);
    const startedAt = clock.monotonic();
    const timeMs = randomInteger(random, 1, 3_000);
    const given = call({
      tenant,
      endpoint: pick(["line://one", "line://two"]),
      key: `${tenant} ${pick(["a", "b"])}`,
      idempotent: random.next() < 0.7,
      signal: controller.signal,
      remainingMs: () => Math.max(0, startedAt + timeMs - clock.monotonic()),
    });
    const deadline = clock.setTimer(timeMs, () => controller.abort(new CcosError("deadline-exceeded", "Late.")));
    if (random.next() < 0.1) clock.setTimer(randomInteger(random, 0, 400), () => controller.abort());
    const details = random.next() < 0.2 ? { rateLimit: { remaining: randomInteger(random, 0, 3), resetMs: 200 } } : {};
    const retryAfterMs = random.next() < 0.5 ? randomInteger(random, 1, 500) : undefined;
    const work = takes(clock, randomInteger(random, 0, 300), ({ tenant: whose }) =>
      outcome === "ok" ? { whose } : new CcosError(outcome, "As the dice fell.", { retryAfterMs, details }),
    );
    run(given, work)
      .then(
        (value) => assert.deepEqual(value, { whose: tenant }),
        (error: unknown) => assert.ok(isCcosError(error), String(error)),
      )
      .finally(() => {
        deadline.cancel();
        settled++;
      })
      .catch((error: unknown) => {
        settled = Number.NaN;
        throw error;
      });
    if (random.next() < 0.5) await clock.advance(randomInteger(random, 0, 50));
  }
  await clock.advance(10_000);
  assert.equal(settled, count, `seed ${seed}`);
  policy.close?.(new CcosError("pool-closed", "Closing."));
  await clock.settle();
  assert.equal(clock.pendingTimers, 0, `seed ${seed}`);
}
