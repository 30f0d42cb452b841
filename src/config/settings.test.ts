import { expect, it } from "vitest";
import { resolveSettings } from "./settings.ts";

it("takes each value from the strongest layer that has it and says which that was", () => {
  const resolved = resolveSettings([
    { source: "call", values: { timeout_ms: 5 } },
    { source: "capability", values: { session: { max_sessions: 2 }, timeout_ms: 10 } },
    { source: "endpoint", values: { session: { max_sessions: 3, scope: "caller" } } },
    { source: "configuration", values: undefined },
    { source: "default", values: { session: { max_sessions: 1, max_waiters: 1000 }, timeout_ms: 30_000 } },
  ]);
  expect(resolved.values).toEqual({ timeout_ms: 5, session: { max_sessions: 2, scope: "caller", max_waiters: 1000 } });
  expect(resolved.sources).toEqual({
    timeout_ms: "call",
    "session.max_sessions": "capability",
    "session.scope": "endpoint",
    "session.max_waiters": "default",
  });
  expect(resolved.explained["session"]).toEqual({
    max_sessions: { value: 2, source: "capability" },
    scope: { value: "caller", source: "endpoint" },
    max_waiters: { value: 1000, source: "default" },
  });
});

it("a plain value settles a whole branch, a list is not merged, and __proto__ is a key like any other", () => {
  const strange = JSON.parse('{"__proto__": {"polluted": 1}, "list": [1]}') as never;
  const { values } = resolveSettings([
    { source: "a", values: { cache: null, list: [9] } },
    { source: "b", values: { cache: { ttl_ms: 5 }, list: [1, 2] } },
    { source: "c", values: strange },
  ]);
  expect(values["cache"]).toBeNull();
  expect(values["list"]).toEqual([9]);
  expect(Object.hasOwn(values, "__proto__")).toBe(true);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});
