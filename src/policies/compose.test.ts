import { expect, test } from "vitest";
import { policyCall } from "../../testing/policy-call.ts";
import { composePolicies, POLICY_ORDER, type Policy, type PolicyCall, type PolicyName } from "./index.ts";

const call = policyCall();

function tracing(name: PolicyName, trail: string[]): Policy {
  return {
    name,
    async execute(given, next) {
      trail.push(`> ${name}`);
      const value = await next(given);
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
    "lease",
    "attempt-timeout",
  ]);
});

test("policies nest in that order, whatever order they are given in", async () => {
  const trail: string[] = [];
  const names: PolicyName[] = [
    "attempt-timeout",
    "rate-limit",
    "bulkhead",
    "cache",
    "retry",
    "circuit-breaker",
    "single-flight",
    "trace",
  ];
  const chain = composePolicies(names.map((name) => tracing(name, trail)));
  const value = await chain.aroundCall(call, async (given) => {
    trail.push("lease");
    return await chain.aroundAttempt(given, async () => (trail.push("work"), 42));
  });
  expect(value).toBe(42);
  expect(trail.slice(0, trail.indexOf("work")).map((entry) => entry.replace("> ", ""))).toEqual(
    POLICY_ORDER.filter((name) => name !== "overall-deadline"),
  );
  expect(trail.at(-1)).toBe("< trace");
});

test("without policies the work runs as it is", async () => {
  expect(await composePolicies([]).aroundCall(call, () => Promise.resolve("done"))).toBe("done");
});

test("a policy that has nothing to do with a call is left out", async () => {
  const trail: string[] = [];
  const idle: Policy = { ...tracing("cache", trail), applies: (given) => given.idempotent };
  await composePolicies([idle]).aroundCall(call, async () => null);
  expect(trail).toEqual([]);
  await composePolicies([idle]).aroundCall(policyCall({ idempotent: true }), async () => null);
  expect(trail).toEqual(["> cache", "< cache"]);
});

test("a policy may run the work again, and give it a call with other limits", async () => {
  const seen: PolicyCall[] = [];
  const twice: Policy = {
    name: "retry",
    execute: async (given, next) => (await next(given), next({ ...given, background: true })),
  };
  await composePolicies([twice]).aroundCall(call, async (given) => seen.push(given));
  expect(seen.map(({ background }) => background)).toEqual([undefined, true]);
});

test("two policies of one name are refused", () => {
  expect(() => composePolicies([tracing("retry", []), tracing("retry", [])])).toThrow('"retry" is given 2 times');
});
