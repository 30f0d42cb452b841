import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../testing/index.ts";
import { abortError, CcosError, sleep, startDeadline, throwIfAborted, untilAborted } from "./index.ts";

const code = (expected: string) => expect.objectContaining({ code: expected });

describe("an aborted signal", () => {
  test("gives our error where it was aborted with one, else a cancellation that keeps the reason", () => {
    const ours = new CcosError("pool-closed", "Closed.");
    expect(abortError(AbortSignal.abort(ours))).toBe(ours);
    expect(abortError(AbortSignal.abort("why"))).toMatchObject({ code: "canceled", cause: "why" });
  });

  test("throws, and one that is not aborted, or none, does not", () => {
    expect(() => throwIfAborted(AbortSignal.abort())).toThrow(code("canceled"));
    expect(() => throwIfAborted(new AbortController().signal)).not.toThrow();
    expect(() => throwIfAborted(undefined)).not.toThrow();
  });
});

describe("waiting until aborted", () => {
  test("settles as the promise does", async () => {
    const { signal } = new AbortController();
    const boom = new Error("boom");
    await expect(untilAborted(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(untilAborted(Promise.reject(boom), signal)).rejects.toBe(boom);
    await expect(untilAborted(Promise.resolve(2), undefined)).resolves.toBe(2);
  });

  test("ends at the abort while the work goes on, and its late failure ends no process", async () => {
    const controller = new AbortController();
    const work = Promise.withResolvers<number>();
    const waiting = untilAborted(work.promise, controller.signal);
    controller.abort();
    await expect(waiting).rejects.toEqual(code("canceled"));
    work.reject(new Error("late"));
    await createFakeClock().settle();
  });

  test("hands what comes after the abort to the one who cleans up", async () => {
    const controller = new AbortController();
    const work = Promise.withResolvers<number>();
    const late: number[] = [];
    const waiting = untilAborted(work.promise, controller.signal, (value) => late.push(value));
    controller.abort();
    await expect(waiting).rejects.toEqual(code("canceled"));
    work.resolve(7);
    await createFakeClock().settle();
    expect(late).toEqual([7]);
  });

  test("does not wait at all on a signal that is aborted already", async () => {
    await expect(untilAborted(Promise.reject(new Error("late")), AbortSignal.abort())).rejects.toEqual(
      code("canceled"),
    );
  });
});

describe("sleep", () => {
  test("ends after its time on the clock it is given", async () => {
    const clock = createFakeClock();
    let isOver = false;
    const sleeping = sleep(clock, 100).then(() => (isOver = true));
    await clock.advance(99);
    expect(isOver).toBe(false);
    await clock.advance(1);
    await sleeping;
    expect(isOver).toBe(true);
  });

  test("ends at the abort and leaves no timer behind", async () => {
    const clock = createFakeClock();
    const controller = new AbortController();
    const sleeping = sleep(clock, 100, controller.signal);
    controller.abort();
    await expect(sleeping).rejects.toEqual(code("canceled"));
    expect(clock.pendingTimers).toBe(0);
  });

  test("rejects at once, as a promise, on a signal that is aborted already", async () => {
    const clock = createFakeClock();
    await expect(sleep(clock, 100, AbortSignal.abort())).rejects.toEqual(code("canceled"));
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("a deadline", () => {
  test("aborts at its instant with what was too slow and how long it had", async () => {
    const clock = createFakeClock();
    using deadline = startDeadline(clock, 250, undefined, 'The call of "x"');
    await clock.advance(249);
    expect([deadline.signal.aborted, deadline.remainingMs()]).toEqual([false, 1]);
    await clock.advance(1);
    expect(deadline.signal.reason).toMatchObject({
      code: "deadline-exceeded",
      message: 'The call of "x" did not finish within 250 ms.',
      details: { timeoutMs: 250 },
    });
    await clock.advance(1000);
    expect(deadline.remainingMs()).toBe(0);
  });

  test("knows its instant on the monotonic clock, whatever happens to the wall clock", async () => {
    const clock = createFakeClock();
    await clock.advance(1000);
    using deadline = startDeadline(clock, 250);
    clock.jumpWall(86_400_000);
    expect([deadline.at, deadline.remainingMs(), deadline.signal.aborted]).toEqual([1250, 250, false]);
  });

  test("aborts with its parent, before and after its start", () => {
    const clock = createFakeClock();
    const parent = new AbortController();
    using deadline = startDeadline(clock, 250, parent.signal);
    parent.abort();
    expect(deadline.signal.reason).toMatchObject({ code: "canceled" });
    using late = startDeadline(clock, 250, parent.signal);
    expect(late.signal.aborted).toBe(true);
  });

  test("keeps no timer and hears no parent once it is disposed", async () => {
    const clock = createFakeClock();
    const parent = new AbortController();
    const deadline = startDeadline(clock, 250, parent.signal);
    deadline[Symbol.dispose]();
    parent.abort();
    await clock.advance(500);
    expect([deadline.signal.aborted, clock.pendingTimers]).toEqual([false, 0]);
  });

  test("may be without limit", () => {
    const clock = createFakeClock();
    using deadline = startDeadline(clock, Number.POSITIVE_INFINITY);
    expect([deadline.at, deadline.remainingMs(), clock.pendingTimers]).toEqual([Infinity, Infinity, 0]);
  });
});

describe("a deadline that is lifted", () => {
  test("has no limit of time any more, and still ends with its parent", async () => {
    const clock = createFakeClock();
    const parent = new AbortController();
    using deadline = startDeadline(clock, 100, parent.signal);
    await clock.advance(99);
    expect(deadline.remainingMs()).toBe(1);
    deadline.lift();
    await clock.advance(1_000);
    expect([deadline.signal.aborted, deadline.remainingMs(), deadline.at, clock.pendingTimers]).toEqual([
      false,
      Infinity,
      Infinity,
      0,
    ]);
    parent.abort();
    expect(deadline.signal.reason).toEqual(code("canceled"));
  });
});
