import { describe, expect, test } from "vitest";
import { policyBench, policyChecks, takes, type PolicyBench, type PolicyRig } from "../../testing/policy-suite.ts";
import { CcosError, type ErrorCode, type ErrorOptions } from "../kernel/index.ts";
import { createCircuitBreaker, type CircuitBreaker, type PolicyCall } from "./index.ts";

const circuitBreaker = { failures: 3, resetMs: 1_000, halfOpenCalls: 1 };
const rig: PolicyRig = { create: createCircuitBreaker, on: { circuitBreaker }, off: { circuitBreaker: undefined } };
const HERE = { provider: "line", endpoint: "line://example" };

describe("as every policy", () => {
  for (const { name, run } of policyChecks(rig)) test(name, run);
});

interface BreakerBench extends PolicyBench {
  readonly breaker: CircuitBreaker;
  /** The code a call ends with, or "ok". */
  attempt(outcome: "ok" | ErrorCode, options?: ErrorOptions, call?: PolicyCall): Promise<string>;
  changes(): string[];
}

function breakerBench(): BreakerBench {
  const bench = policyBench(rig);
  return {
    ...bench,
    breaker: bench.policy as CircuitBreaker,
    attempt: (outcome, options, call = bench.call()) =>
      bench
        .run(
          call,
          takes(bench.clock, 0, () => (outcome === "ok" ? "ok" : new CcosError(outcome, "So it went.", options))),
        )
        .then(String, (error: unknown) => (error as CcosError).code),
    changes: () =>
      bench.events.flatMap(({ name, event }) => {
        const { from, to } = event as { from: string; to: string };
        return name === "breakerChanged" ? [`${from} > ${to}`] : [];
      }),
  };
}

async function opened(): Promise<BreakerBench> {
  const bench = breakerBench();
  for (let count = 0; count < 3; count++) await bench.attempt("unavailable");
  return bench;
}

test("opens after so many failures in a row, and then lets nothing through, saying for how long", async () => {
  const bench = await opened();
  let ran = false;
  const error: unknown = await bench.run(bench.call(), async () => (ran = true)).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "circuit-open", retryAfterMs: 1_000, details: { policy: "circuit-breaker" } });
  expect((error as CcosError).message).toBe("line://example has failed 3 times in a row, so it is left alone for now.");
  expect(ran).toBe(false);
  await bench.clock.advance(400);
  await expect(bench.run(bench.call(), async () => 1)).rejects.toMatchObject({ retryAfterMs: 600 });
  expect(bench.breaker.list()).toEqual([{ ...HERE, state: "open", failures: 3, retryAfterMs: 600 }]);
  expect(bench.events.find(({ name }) => name === "breakerChanged")?.event).toMatchObject({
    ...HERE,
    from: "closed",
    to: "open",
    failures: 3,
    error: { code: "unavailable" },
  });
});

test("an answer in between begins the count anew", async () => {
  const bench = breakerBench();
  for (const outcome of ["unavailable", "unavailable", "ok", "unavailable", "unavailable"] as const)
    await bench.attempt(outcome);
  expect(await bench.attempt("ok")).toBe("ok");
  expect(bench.breaker.list()).toEqual([]);
});

describe("what counts", () => {
  const sent = { details: { sent: true } };
  test.each<[code: ErrorCode, options: ErrorOptions, opens: boolean]>([
    ["unavailable", {}, true],
    ["outcome-unknown", {}, true],
    ["protocol-error", {}, true],
    ["deadline-exceeded", sent, true],
    ["deadline-exceeded", {}, false],
    ["deadline-exceeded", { details: { sent: false } }, false],
    ["rate-limited", {}, false],
    ["rejected", {}, false],
    ["session-lost", {}, false],
    ["unauthenticated", {}, false],
    ["acquire-timeout", {}, false],
    ["bulkhead-full", { details: { policy: "bulkhead" } }, false],
    ["canceled", sent, false],
    ["pool-closed", {}, false],
    ["internal", {}, false],
  ])("%s %o: %s", async (code, options, opens) => {
    const bench = breakerBench();
    for (let count = 0; count < 3; count++) await bench.attempt(code, options);
    expect(await bench.attempt("ok")).toBe(opens ? "circuit-open" : "ok");
  });

  test("what shows nothing of the peer neither counts nor begins the count anew", async () => {
    const bench = breakerBench();
    for (const code of ["unavailable", "canceled", "unavailable", "rate-limited", "unavailable"] as const)
      await bench.attempt(code);
    expect(await bench.attempt("ok")).toBe("circuit-open");
  });
});

describe("half-open", () => {
  test("one call tries after the time, the others are refused meanwhile, and its answer closes the breaker", async () => {
    const bench = await opened();
    await bench.clock.advance(1_000);
    expect(bench.breaker.list()).toMatchObject([{ state: "half-open", retryAfterMs: undefined }]);
    const probe = bench.run(bench.call(), takes(bench.clock, 50));
    await expect(bench.run(bench.call(), async () => 1)).rejects.toMatchObject({
      code: "circuit-open",
      retryAfterMs: 100,
    });
    await bench.clock.advance(50);
    expect(await probe).toBe("done");
    expect(await bench.attempt("ok")).toBe("ok");
    expect(bench.changes()).toEqual(["closed > open", "open > half-open", "half-open > closed"]);
  });

  test("a failed try opens it for the whole time again", async () => {
    const bench = await opened();
    await bench.clock.advance(1_000);
    expect(await bench.attempt("unavailable")).toBe("unavailable");
    await bench.clock.advance(999);
    expect(await bench.attempt("ok")).toBe("circuit-open");
    await bench.clock.advance(1);
    expect(await bench.attempt("ok")).toBe("ok");
  });

  test("with several calls that may try, all must succeed", async () => {
    const bench = await opened();
    const several = (): PolicyCall =>
      bench.call({ settings: { circuitBreaker: { ...circuitBreaker, halfOpenCalls: 2 } } });
    await bench.clock.advance(1_000);
    expect(await bench.attempt("ok", {}, several())).toBe("ok");
    expect(bench.breaker.list()).toMatchObject([{ state: "half-open" }]);
    expect(await bench.attempt("ok", {}, several())).toBe("ok");
    expect(bench.breaker.list()).toEqual([]);
  });

  test("a try that shows nothing gives its place to the next", async () => {
    const bench = await opened();
    await bench.clock.advance(1_000);
    expect(await bench.attempt("canceled")).toBe("canceled");
    expect(await bench.attempt("ok")).toBe("ok");
  });

  test("a try that hangs does not keep the breaker open for ever", async () => {
    const bench = await opened();
    await bench.clock.advance(1_000);
    const hanging = bench.run(bench.call(), takes(bench.clock, 100_000));
    await bench.clock.advance(999);
    expect(await bench.attempt("ok")).toBe("circuit-open");
    await bench.clock.advance(1);
    expect(await bench.attempt("ok")).toBe("ok");
    await bench.clock.advance(100_000);
    await hanging;
    expect(bench.breaker.list()).toEqual([]);
  });

  test("a call from before it opened decides nothing when it comes back", async () => {
    const bench = breakerBench();
    const early = bench.run(bench.call(), takes(bench.clock, 1_010));
    for (let count = 0; count < 3; count++) await bench.attempt("unavailable");
    await bench.clock.advance(1_000);
    const probe = bench.run(bench.call(), takes(bench.clock, 100));
    await bench.clock.advance(10);
    expect(await early).toBe("done");
    expect(bench.breaker.list()).toMatchObject([{ state: "half-open" }]);
    await bench.clock.advance(100);
    await probe;
  });
});

test("a call without the setting neither counts nor is refused", async () => {
  const bench = await opened();
  const off = (): PolicyCall => bench.call({ settings: { circuitBreaker: undefined } });
  expect(await bench.attempt("ok", {}, off())).toBe("ok");
  expect(await bench.attempt("ok")).toBe("circuit-open");
});

describe("by hand", () => {
  test("an isolated peer gets no call, whatever the settings, until it is released", async () => {
    const bench = breakerBench();
    bench.breaker.isolate(HERE);
    const off = bench.call({ settings: { circuitBreaker: undefined } });
    const error: unknown = await bench.run(off, async () => 1).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "circuit-open", retryAfterMs: undefined });
    await bench.clock.advance(1_000_000);
    expect(await bench.attempt("ok")).toBe("circuit-open");
    expect(bench.breaker.list()).toEqual([{ ...HERE, state: "isolated", failures: 0, retryAfterMs: undefined }]);
    expect(
      await bench.attempt("ok", {}, bench.call({ endpoint: "line://other", settings: { circuitBreaker: undefined } })),
    ).toBe("ok");
    expect(bench.breaker.release(HERE)).toBe(true);
    expect(await bench.attempt("ok")).toBe("ok");
    expect(bench.breaker.release(HERE)).toBe(false);
    expect(bench.changes()).toEqual(["closed > isolated", "isolated > closed"]);
  });

  test("a call under way when its peer is isolated does not end the isolation", async () => {
    const bench = breakerBench();
    const running = bench.run(bench.call(), takes(bench.clock, 10));
    await bench.clock.settle();
    bench.breaker.isolate(HERE);
    await bench.clock.advance(10);
    await running;
    expect(await bench.attempt("ok")).toBe("circuit-open");
  });

  test("an open breaker can be closed", async () => {
    const bench = await opened();
    expect(bench.breaker.release(HERE)).toBe(true);
    expect(await bench.attempt("ok")).toBe("ok");
  });
});

describe("in another process", () => {
  test("goes on where the first one was, on the wall clock", async () => {
    const first = await opened();
    first.breaker.isolate({ provider: "line", endpoint: "line://away" });
    await first.clock.advance(400);
    const snapshot = JSON.parse(JSON.stringify(first.breaker.snapshot())) as ReturnType<CircuitBreaker["snapshot"]>;
    const second = breakerBench();
    await second.clock.advance(400);
    second.breaker.restore(snapshot);
    expect(second.breaker.list()).toEqual(first.breaker.list());
    await second.clock.advance(600);
    expect(await second.attempt("ok")).toBe("ok");
  });

  test("what is no snapshot is left out, and what is known here stays", async () => {
    const bench = await opened();
    const known = bench.breaker.list();
    bench.breaker.restore({
      peers: [
        7,
        {},
        { ...HERE, state: "isolated", failures: 0 },
        { ...HERE, endpoint: "x", state: "melted", failures: 1 },
      ],
    });
    bench.breaker.restore({ peers: "none" });
    expect(bench.breaker.list()).toEqual(known);
  });
});

test("remembers only peers that are not well, and of those no more than ten thousand", async () => {
  const bench = breakerBench();
  bench.breaker.isolate(HERE);
  for (let count = 0; count < 10_050; count++) {
    await bench.attempt("unavailable", {}, bench.call({ endpoint: `line://${count}` }));
    await bench.attempt("ok", {}, bench.call({ endpoint: `line://well-${count}` }));
  }
  const known = bench.breaker.list();
  expect(known).toHaveLength(10_000);
  // What a person decided is not forgotten.
  expect(known[0]).toMatchObject({ ...HERE, state: "isolated" });
});
