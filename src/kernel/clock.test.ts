import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "./index.ts";

describe("the system clock", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("fires a timer once, after its delay", () => {
    const fn = vi.fn();
    systemClock.setTimer(50, fn);
    vi.advanceTimersByTime(49);
    expect(fn).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    expect(fn).toHaveBeenCalledOnce();
  });

  test("never fires a cancelled timer, however often it is cancelled", () => {
    const fn = vi.fn();
    const timer = systemClock.setTimer(50, fn);
    timer.cancel();
    timer.cancel();
    vi.advanceTimersByTime(1000);
    expect(fn).not.toHaveBeenCalled();
  });

  test("does not fire at once when the delay is longer than a timer of the platform can be", () => {
    const fn = vi.fn();
    const timer = systemClock.setTimer(1e12, fn);
    vi.advanceTimersByTime(86_400_000);
    expect(fn).not.toHaveBeenCalled();
    timer.cancel();
  });

  test("takes a negative delay for none", () => {
    const fn = vi.fn();
    systemClock.setTimer(-5, fn);
    vi.advanceTimersByTime(1);
    expect(fn).toHaveBeenCalledOnce();
  });
});

test("a background timer of the system clock does not keep the process alive, another does", () => {
  const kept = (background: boolean): boolean => {
    const spy = vi.spyOn(globalThis, "setTimeout");
    const timer = systemClock.setTimer(1000, () => {}, { background });
    const handle = spy.mock.results[0]?.value as NodeJS.Timeout;
    const hasRef = handle.hasRef();
    timer.cancel();
    spy.mockRestore();
    return hasRef;
  };
  expect([kept(false), kept(true)]).toEqual([true, false]);
});

test("the monotonic clock of the system never runs backwards, and the wall clock is the date", () => {
  const first = systemClock.monotonic();
  expect(systemClock.monotonic()).toBeGreaterThanOrEqual(first);
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
});
