import { describe, expect, test } from "vitest";
import { policyBench, policyChecks, takes, type PolicyRig } from "../../testing/policy-suite.ts";
import { CcosError, createSeededRandom } from "../kernel/index.ts";
import { createBulkhead, type PolicyCall } from "./index.ts";

const bulkhead = { maxConcurrent: 2, maxQueue: 2 };
const rig: PolicyRig = { create: createBulkhead, on: { bulkhead }, off: { bulkhead: undefined } };

describe("as every policy", () => {
  for (const { name, run } of policyChecks({ ...rig, on: { bulkhead: { maxConcurrent: 2, maxQueue: 100 } } }))
    test(name, run);
});

test("no more run at once than may, the others wait in order, and what exceeds the line is refused", async () => {
  const bench = policyBench(rig);
  const started: string[] = [];
  let running = 0;
  let most = 0;
  const work = (name: string) =>
    bench.run(bench.call(), async (call) => {
      started.push(name);
      most = Math.max(most, ++running);
      await takes(bench.clock, 100)(call).finally(() => running--);
      return name;
    });
  const all = Promise.allSettled(["a", "b", "c", "d", "e"].map(work));
  await bench.clock.settle();
  expect(started).toEqual(["a", "b"]);
  await bench.clock.advance(1_000);
  const results = await all;
  expect(started).toEqual(["a", "b", "c", "d"]);
  expect(most).toBe(2);
  expect(results[4]).toMatchObject({ reason: { code: "bulkhead-full", details: { policy: "bulkhead" } } });
  expect(bench.namesOf()).toEqual(["callDelayed", "callDelayed", "callRefused"]);
});

test("a call that failed, or that left the line, gives its place to the next", async () => {
  const bench = policyBench(rig);
  const controller = new AbortController();
  const failing = takes(bench.clock, 100, () => new CcosError("unavailable", "Down."));
  const first = [bench.run(bench.call(), failing), bench.run(bench.call(), failing)].map((run) =>
    run.catch(() => "failed"),
  );
  const leaves = bench
    .run(bench.call({ signal: controller.signal }), takes(bench.clock, 0))
    .catch((error: CcosError) => error.code);
  const stays = bench.run(bench.call(), takes(bench.clock, 0));
  await bench.clock.settle();
  controller.abort();
  expect(await leaves).toBe("canceled");
  await bench.clock.advance(100);
  expect(await Promise.all([...first, stays])).toEqual(["failed", "failed", "done"]);
  expect(await bench.run(bench.call(), takes(bench.clock, 0))).toBe("done");
});

test("a call that was canceled before it came does not wait", async () => {
  const bench = policyBench(rig);
  const busy = [1, 2].map(() => bench.run(bench.call(), takes(bench.clock, 100)));
  await expect(bench.run(bench.call({ signal: AbortSignal.abort() }), takes(bench.clock, 0))).rejects.toMatchObject({
    code: "canceled",
  });
  await bench.clock.advance(100);
  await Promise.all(busy);
});

test("peers, and settings that differ, have bulkheads of their own", async () => {
  const bench = policyBench(rig);
  const busy = [1, 2].map(() => bench.run(bench.call(), takes(bench.clock, 100)));
  const other = bench.run(bench.call({ endpoint: "line://other" }), takes(bench.clock, 0));
  const narrow = bench.run(
    bench.call({ settings: { bulkhead: { maxConcurrent: 1, maxQueue: 0 } } }),
    takes(bench.clock, 0),
  );
  expect(await Promise.all([other, narrow])).toEqual(["done", "done"]);
  await bench.clock.advance(100);
  await Promise.all(busy);
});

test("closing refuses those in line and lets those under way end", async () => {
  const bench = policyBench(rig);
  const all = Promise.allSettled([1, 2, 3].map(() => bench.run(bench.call(), takes(bench.clock, 100))));
  await bench.clock.settle();
  bench.policy.close?.(new CcosError("pool-closed", "Closing."));
  await bench.clock.advance(100);
  expect(
    (await all).map((result) => (result.status === "fulfilled" ? result.value : (result.reason as CcosError).code)),
  ).toEqual(["done", "done", "pool-closed"]);
});

test("never more than may, in the order they came, and no place is lost, whatever happens", async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const bench = policyBench({ ...rig, on: { bulkhead: { maxConcurrent: 3, maxQueue: 8 } } }, seed);
    const random = createSeededRandom(seed);
    const started: number[] = [];
    let running = 0;
    const all: Promise<unknown>[] = [];
    for (let index = 0; index < 40; index++) {
      const controller = new AbortController();
      if (random.next() < 0.3) bench.clock.setTimer(random.next() * 200, () => controller.abort());
      const work = takes(bench.clock, Math.floor(random.next() * 100), () =>
        random.next() < 0.3 ? new CcosError("unavailable", "Down.") : "done",
      );
      const counted = async (call: PolicyCall) => {
        started.push(index);
        expect(++running).toBeLessThanOrEqual(3);
        return await work(call).finally(() => running--);
      };
      all.push(bench.run(bench.call({ signal: controller.signal }), counted).catch(() => "failed"));
      if (random.next() < 0.4) await bench.clock.advance(Math.floor(random.next() * 60));
    }
    await bench.clock.advance(5_000);
    await Promise.all(all);
    expect(started).toEqual(started.toSorted((a, b) => a - b));
    expect(running).toBe(0);
    const full = [1, 2, 3].map(() => bench.run(bench.call(), takes(bench.clock, 10)));
    await bench.clock.settle();
    const before = bench.events.length;
    const fourth = bench.run(bench.call(), takes(bench.clock, 0));
    await bench.clock.settle();
    expect(bench.events.slice(before).map(({ name }) => name)).toEqual(["callDelayed"]);
    await bench.clock.advance(10);
    await Promise.all([...full, fourth]);
  }
});
