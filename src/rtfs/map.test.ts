import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyKey } from "../../test/arbitrary-values.ts";
import { RtfsMap, type MapKey } from "./values.ts";

type Change = { readonly set: MapKey; readonly value: number } | { readonly without: MapKey };

const changes = fc.array(
  fc.oneof(
    fc.record({ set: fc.oneof(fc.integer({ min: 0, max: 80 }), anyKey), value: fc.nat() }),
    fc.record({ without: fc.integer({ min: 0, max: 80 }) }),
  ),
  { maxLength: 300 },
) as fc.Arbitrary<Change[]>;

describe("a map", () => {
  test("does what a JavaScript map does, and leaves every earlier version as it was", () => {
    fc.assert(
      fc.property(changes, (list) => {
        let map = RtfsMap.EMPTY;
        const model = new Map<MapKey, number>();
        const versions: [RtfsMap, Map<MapKey, number>][] = [];
        for (const change of list) {
          if ("set" in change) {
            map = map.set(change.set, change.value);
            model.set(change.set, change.value);
          } else {
            map = map.without(change.without);
            model.delete(change.without);
          }
          versions.push([map, new Map(model)]);
        }
        for (const [version, expected] of versions) {
          expect(version.size).toBe(expected.size);
          expect(new Map(version)).toEqual(expected);
          for (const [key, value] of expected) expect(version.get(key)).toBe(value);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("keeps the order in which its keys were first added", () => {
    const map = RtfsMap.EMPTY.set("b", 1).set("a", 2).set("b", 3);
    expect([...map]).toEqual([
      ["b", 3],
      ["a", 2],
    ]);
  });

  test("two maps made from the same one do not see each other's keys", () => {
    const base = RtfsMap.of([["k", 1]]);
    const left = base.set("left", 2);
    const right = base.set("right", 3);
    expect([left.has("right"), right.has("left"), base.size]).toEqual([false, false, 1]);
  });

  test("the maps of one literal share nothing that grows", () => {
    const make = RtfsMap.maker(["k"]);
    const grown = make([1]).set("other", 2);
    expect([grown.size, make([1]).has("other")]).toEqual([2, false]);
  });
});
