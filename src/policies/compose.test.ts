import { expect, test } from "vitest";
import { composePolicies, POLICY_ORDER, type Policy, type PolicyCall, type PolicyName } from "./index.ts";

const call: PolicyCall = {
  capabilityId: "line.echo",
  target: "line://example",
  idempotent: false,
  signal: new AbortController().signal,
  remainingMs: () => Infinity,
};

function tracing(name: PolicyName, trail: string[]): Policy {
  return {
    name,
    async execute(_call, next) {
      trail.push(`> ${name}`);
      const value = await next();
      trail.push(`< ${name}`);
      return value;
    },
  };
}

test("the order of the policies is fixed, outermost first", () => {
  expect(POLICY_ORDER).toEqual([
    "trace",
    "overall-deadline",
    "cache",
    "single-flight",
    "retry",
    "circuit-breaker",
    "rate-limit",
    "bulkhead",
  ]);
});

test("policies nest in that order, whatever order they are given in", async () => {
  const trail: string[] = [];
  const run = composePolicies([tracing("rate-limit", trail), tracing("retry", trail), tracing("trace", trail)]);
  expect(await run(call, async () => (trail.push("work"), 42))).toBe(42);
  expect(trail).toEqual(["> trace", "> retry", "> rate-limit", "work", "< rate-limit", "< retry", "< trace"]);
});

test("without policies the work runs as it is", async () => {
  expect(await composePolicies([])(call, () => Promise.resolve("done"))).toBe("done");
});

test("a policy may run the work again", async () => {
  let runs = 0;
  const twice: Policy = { name: "retry", execute: async (_call, next) => (await next(), next()) };
  await composePolicies([twice])(call, async () => ++runs);
  expect(runs).toBe(2);
});

test("two policies of one name are refused", () => {
  expect(() => composePolicies([tracing("retry", []), tracing("retry", [])])).toThrow('"retry" is given 2 times');
});
