import { describe, expect, test } from "vitest";
import { programLimits } from "../src/program-limits.ts";
import { DEFAULT_LIMITS } from "../src/rtfs/index.ts";

describe("the limits of programs", () => {
  test("are the defaults where the configuration says nothing", () => {
    expect(programLimits({ config: {}, trusted: true })).toEqual(DEFAULT_LIMITS);
  });

  test("are what a trusted configuration says, more or less than the defaults", () => {
    const limits = { max_steps: 100, max_depth: 50_000, timeout_ms: 120_000, max_output_size: 10 };
    expect(programLimits({ config: { limits }, trusted: true })).toEqual({
      ...DEFAULT_LIMITS,
      maxSteps: 100,
      maxDepth: 50_000,
      timeoutMs: 120_000,
      maxOutputSize: 10,
    });
  });

  test("are only lowered by a configuration that was found and not trusted", () => {
    const limits = { max_steps: 1e15, max_collection_size: 5, max_heap_growth: 2 ** 40 };
    expect(programLimits({ config: { limits }, trusted: false })).toEqual({ ...DEFAULT_LIMITS, maxCollectionSize: 5 });
  });
});
