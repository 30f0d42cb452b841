import { expect, test } from "vitest";
import { Shelf } from "./shelf.ts";

test("gives one thing a key, and asks for nothing by looking", () => {
  const shelf = new Shelf(
    (key) => ({ key }),
    () => true,
  );
  expect(shelf.peek("a")).toBeUndefined();
  expect(shelf.of("a")).toBe(shelf.of("a"));
  expect(shelf.peek("a")).toEqual({ key: "a" });
});

test("ever new keys do not fill the memory, and what is in use stays", () => {
  const shelf = new Shelf(
    (key) => ({ key, inUse: key === "busy" }),
    (thing) => !thing.inUse,
  );
  const busy = shelf.of("busy");
  for (let count = 0; count < 20_000; count++) {
    shelf.of(`${count}`);
    expect(shelf.size).toBeLessThanOrEqual(1_001);
  }
  expect(shelf.peek("busy")).toBe(busy);
});
