import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createId, createSeededRandom, randomInteger, systemRandom } from "./index.ts";

const take = (count: number, next: () => number): number[] => Array.from({ length: count }, next);

describe("a seeded generator", () => {
  test("repeats a run by its seed", () => {
    const [a, b, other] = [createSeededRandom(7), createSeededRandom(7), createSeededRandom(8)];
    const run = take(20, a.next);
    expect(take(20, b.next)).toEqual(run);
    expect(take(20, other.next)).not.toEqual(run);
  });

  test("is pinned, so that a seed in an old report still leads to the same run", () => {
    expect(take(3, createSeededRandom(1).next)).toEqual([0.6270739405881613, 0.002735721180215478, 0.5274470399599522]);
  });

  test("stays within [0, 1) and spreads", () => {
    const values = take(10_000, createSeededRandom(42).next);
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
  });
});

test("a random integer lies within its bounds, and reaches both", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: -1000, max: 1000 }), fc.nat(1000), (seed, low, span) => {
      const value = randomInteger(createSeededRandom(seed), low, low + span);
      return Number.isInteger(value) && value >= low && value <= low + span;
    }),
  );
  const random = createSeededRandom(3);
  expect(new Set(take(200, () => randomInteger(random, 1, 3)))).toEqual(new Set([1, 2, 3]));
});

test("the system's generator stays within [0, 1)", () => {
  expect(take(1000, systemRandom.next).every((value) => value >= 0 && value < 1)).toBe(true);
});

test("an id carries its prefix, 80 unguessable bits, and no letter that is easily misread", () => {
  const ids = take(1000, () => 0).map(() => createId("s"));
  expect(new Set(ids).size).toBe(1000);
  expect(ids.filter((id) => !/^s_[0-9a-hjkmnp-tv-z]{16}$/.test(id))).toEqual([]);
});
