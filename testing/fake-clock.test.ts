import { describe, expect, test } from "vitest";
import { sleep } from "../src/kernel/index.ts";
import { createFakeClock } from "./fake-clock.ts";

describe("the fake clock", () => {
  test("stands still by itself", async () => {
    const clock = createFakeClock({ now: 1000 });
    await clock.settle();
    expect([clock.now(), clock.monotonic()]).toEqual([1000, 0]);
  });

  test("runs due timers in the order of their instants, then in the order they were set", async () => {
    const clock = createFakeClock();
    const seen: string[] = [];
    clock.setTimer(20, () => seen.push("c"));
    clock.setTimer(10, () => seen.push("a"));
    clock.setTimer(10, () => seen.push("b"));
    clock.setTimer(21, () => seen.push("later"));
    await clock.advance(20);
    expect(seen).toEqual(["a", "b", "c"]);
    expect(clock.pendingTimers).toBe(1);
    expect(clock.nextTimerMs).toBe(1);
  });

  test("shows a timer its own instant on both clocks, and the end of the advance afterwards", async () => {
    const clock = createFakeClock({ now: 500 });
    let seen: number[] = [];
    clock.setTimer(30, () => (seen = [clock.now(), clock.monotonic()]));
    await clock.advance(100);
    expect(seen).toEqual([530, 30]);
    expect([clock.now(), clock.monotonic()]).toEqual([600, 100]);
  });

  test("runs timers set by the work of earlier timers when they fall due in the same advance", async () => {
    const clock = createFakeClock();
    const instants: number[] = [];
    const loop = (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(clock, 10);
        instants.push(clock.monotonic());
      }
    })();
    await clock.advance(30);
    await loop;
    expect(instants).toEqual([10, 20, 30]);
  });

  test("forgets a cancelled timer", async () => {
    const clock = createFakeClock();
    let fired = false;
    const timer = clock.setTimer(5, () => (fired = true));
    timer.cancel();
    timer.cancel();
    await clock.advance(10);
    expect([fired, clock.pendingTimers]).toEqual([false, 0]);
  });

  test("jumps the wall clock alone", async () => {
    const clock = createFakeClock({ now: 1000 });
    clock.setTimer(10, () => {
      throw new Error("no timer may run");
    });
    clock.jumpWall(3_600_000);
    await clock.settle();
    expect([clock.now(), clock.monotonic()]).toEqual([3_601_000, 0]);
  });

  test("refuses to run backwards", async () => {
    await expect(createFakeClock().advance(-1)).rejects.toThrow(RangeError);
    await expect(createFakeClock().advance(Number.NaN)).rejects.toThrow(RangeError);
  });
});
