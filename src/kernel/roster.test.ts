import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Roster } from "./index.ts";

interface Guest {
  seat: number;
  readonly name: number;
}

const guests = (count: number): Guest[] => Array.from({ length: count }, (_, name) => ({ seat: -1, name }));

describe("a roster", () => {
  test("holds what a set would hold, whatever comes and goes", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(9)), { maxLength: 200 }), (steps) => {
        const all = guests(10);
        const roster = new Roster<Guest>();
        const model = new Set<Guest>();
        for (const [comes, index] of steps) {
          const guest = all[index] as Guest;
          roster[comes ? "add" : "delete"](guest);
          model[comes ? "add" : "delete"](guest);
          expect(new Set(roster)).toEqual(model);
          expect(roster.size).toBe(model.size);
        }
      }),
    );
  });

  test("may be left by those who are being visited", () => {
    const all = guests(4);
    const roster = new Roster<Guest>();
    for (const guest of all) roster.add(guest);
    const seen: number[] = [];
    for (const guest of roster) {
      seen.push(guest.name);
      roster.delete(guest);
    }
    expect([seen.toSorted((a, b) => a - b), roster.size]).toEqual([[0, 1, 2, 3], 0]);
  });

  test("lets go of nobody who is on another one", () => {
    const [guest] = guests(1) as [Guest];
    const [one, other] = [new Roster<Guest>(), new Roster<Guest>()];
    one.add(guest);
    other.delete(guest);
    expect([one.size, [...one]]).toEqual([1, [guest]]);
  });
});
