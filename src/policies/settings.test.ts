import { describe, expect, test } from "vitest";
import { isCcosError, type JsonObject } from "../kernel/index.ts";
import { explainPolicySettings, POLICY_SETTINGS, POLICY_TABLES, resolvePolicySettings } from "./index.ts";
import type { SettingSource, SettingTable } from "./settings.ts";

const layers = (given: Partial<Record<SettingSource, JsonObject>>) =>
  (["call", "capability", "endpoint", "configuration"] as const).flatMap((source) => {
    const values = given[source];
    return values === undefined ? [] : [{ source, values }];
  });
const resolve = (given: Parameters<typeof layers>[0]) => resolvePolicySettings(layers(given));

test("where nobody says anything, calls are run again, what peers say of their limits is kept to, and all else is off", () => {
  expect(resolve({})).toEqual({
    retry: { maxAttempts: 3, initialDelayMs: 100, maxDelayMs: 5_000, budgetRatio: 0.2, budgetMinPerSecond: 10 },
    rateLimit: {
      limit: undefined,
      intervalMs: 1_000,
      burst: undefined,
      maxQueue: 1_000,
      learn: true,
      maxPauseMs: 60_000,
    },
    circuitBreaker: undefined,
    bulkhead: undefined,
    cache: undefined,
    singleFlight: false,
    timeoutMs: 30_000,
    attemptTimeoutMs: 0,
  });
});

test("the strongest that sets a key decides it: call, capability, endpoint, configuration, default", () => {
  const { retry } = resolve({
    configuration: { retry: { max_attempts: 9, initial_delay_ms: 9, max_delay_ms: 9, budget_ratio: 0.9 } },
    endpoint: { retry: { max_attempts: 8, initial_delay_ms: 8, max_delay_ms: 8 } },
    capability: { retry: { max_attempts: 7, initial_delay_ms: 7 } },
    call: { retry: { max_attempts: 6 } },
  });
  expect(retry).toEqual({ maxAttempts: 6, initialDelayMs: 7, maxDelayMs: 8, budgetRatio: 0.9, budgetMinPerSecond: 10 });
});

describe("a block", () => {
  test("is switched on by naming it, and off by false, which weaker ones cannot undo", () => {
    expect(resolve({ capability: { circuit_breaker: {} } }).circuitBreaker).toEqual({
      failures: 5,
      resetMs: 10_000,
      halfOpenCalls: 1,
    });
    expect(resolve({ capability: { circuit_breaker: true } }).circuitBreaker?.failures).toBe(5);
    expect(
      resolve({ capability: { circuit_breaker: false }, configuration: { circuit_breaker: {} } }).circuitBreaker,
    ).toBeUndefined();
    expect(resolve({ capability: { retry: false } }).retry).toBeUndefined();
    expect(resolve({ capability: { rate_limit: false } }).rateLimit).toBeUndefined();
  });

  test("above a false begins with the defaults", () => {
    const given = {
      call: { retry: { max_attempts: 2 } },
      capability: { retry: false },
      configuration: { retry: { max_delay_ms: 7 } },
    };
    expect(resolve(given).retry).toMatchObject({ maxAttempts: 2, maxDelayMs: 5_000 });
  });

  test("that is nil says nothing", () => {
    expect(resolve({ capability: { cache: null }, configuration: { cache: { ttl_ms: 5 } } }).cache?.ttlMs).toBe(5);
    expect(
      resolve({ capability: { cache: { ttl_ms: null } }, configuration: { cache: { ttl_ms: 5 } } }).cache?.ttlMs,
    ).toBe(5);
  });

  test("of a cache that keeps nothing is off", () => {
    expect(resolve({ capability: { cache: { ttl_ms: 0 } } }).cache).toBeUndefined();
  });
});

test("texts count for what they spell", () => {
  const { retry, singleFlight } = resolve({
    capability: { retry: { max_attempts: "4", budget_ratio: "0.5" }, single_flight: "true" },
  });
  expect([retry?.maxAttempts, retry?.budgetRatio, singleFlight]).toEqual([4, 0.5, true]);
});

function mistake(values: JsonObject): { message: string; remedy: string | undefined } {
  try {
    resolve({ capability: values });
  } catch (error) {
    if (isCcosError(error) && error.code === "invalid-argument")
      return { message: error.message, remedy: error.remedy };
    throw error;
  }
  throw new Error("nothing was wrong");
}

test("a mistake names the setting, where it stands, its range, and the nearest name", () => {
  expect(mistake({ retry: { max_attemps: 3 } })).toEqual({
    message: "Unknown retry setting :max_attemps (capability).",
    remedy: 'Did you mean "max_attempts"?',
  });
  expect(mistake({ bulkhead: { size: 3 } }).remedy).toBe("The settings are max_concurrent, max_queue.");
  expect(mistake({ retry: { max_attempts: 0 } }).message).toBe(
    "The retry setting :max_attempts (capability) must be a whole number from 1 to 100, not 0.",
  );
  expect(mistake({ cache: 60_000 }).message).toBe(
    "The setting :cache (capability) is a map, or false to switch it off, not 60000.",
  );
  expect(mistake({ timeout_ms: "soon" }).message).toBe(
    'The setting :timeout_ms (capability) must be a number above 0, not "soon".',
  );
  expect(mistake({ single_flight: "x".repeat(1_000) }).message.length).toBeLessThan(250);
  expect(mistake(JSON.parse('{"retry": {"__proto__": 1}}') as JsonObject).message).toContain(":__proto__");
});

const everySetting = [
  ...Object.entries<SettingTable>(POLICY_TABLES).flatMap(([block, table]) =>
    Object.entries(table).map(([key, setting]) => ({ block, key, setting })),
  ),
  ...Object.entries<SettingTable[string]>(POLICY_SETTINGS).map(([key, setting]) => ({ block: "", key, setting })),
];

test.each(everySetting)(
  "$block $key: refuses what is no value of it, and takes its default",
  ({ block, key, setting }) => {
    const put = (value: unknown): JsonObject =>
      JSON.parse(JSON.stringify(block === "" ? { [key]: value } : { [block]: { [key]: value } })) as JsonObject;
    for (const value of [-1, "many", {}, [], 1e300]) {
      const isRefused = setting.parse(JSON.parse(JSON.stringify(value))) === undefined;
      if (key === "timeout_ms" && value === 1e300) continue;
      expect(isRefused, JSON.stringify(value)).toBe(true);
      expect(mistake(put(value)).message).toContain(`:${key}`);
    }
    if (setting.fallback !== undefined) expect(() => resolve({ capability: put(setting.fallback) })).not.toThrow();
  },
);

test("each value is explained by its source, and a block that is off by false", () => {
  const explained = explainPolicySettings(
    layers({ capability: { retry: { max_attempts: 2 }, cache: false }, configuration: { timeout_ms: 5, cache: {} } }),
  );
  expect(explained["retry"]).toMatchObject({
    max_attempts: { value: 2, source: "capability" },
    max_delay_ms: { value: 5_000, source: "default" },
  });
  expect(explained["cache"]).toEqual({ value: false, source: "capability" });
  expect(explained["bulkhead"]).toEqual({ value: false, source: "default" });
  expect(explained["rate_limit"]).not.toHaveProperty("limit");
  expect(explained["timeout_ms"]).toEqual({ value: 5, source: "configuration" });
  expect(Object.keys(explained)).toEqual([...Object.keys(POLICY_TABLES), ...Object.keys(POLICY_SETTINGS)]);
});
