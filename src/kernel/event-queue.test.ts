import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { EventQueue } from "./index.ts";

async function take<T>(queue: EventQueue<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for (let left = count; left > 0; left--) {
    const { value, done } = await queue.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

describe("a queue of events", () => {
  test("gives what was pushed, in order, and ends after it", async () => {
    const queue = new EventQueue<number>();
    queue.push(1);
    queue.push(2);
    queue.end();
    expect(await Array.fromAsync(queue)).toEqual([1, 2]);
  });

  test("gives what comes while somebody waits for it", async () => {
    const queue = new EventQueue<string>();
    const waiting = [queue.next(), queue.next(), queue.next()];
    expect(queue.push("a")).toBe(true);
    expect(queue.push("b")).toBe(true);
    queue.end();
    expect(await Promise.all(waiting)).toEqual([
      { value: "a", done: false },
      { value: "b", done: false },
      { value: undefined, done: true },
    ]);
    expect(queue.length).toBe(0);
  });

  test("gives what waits before it fails, and fails once", async () => {
    const queue = new EventQueue<number>();
    queue.push(1);
    queue.fail(new Error("cut"));
    queue.fail(new Error("later"));
    expect(await take(queue, 1)).toEqual([1]);
    await expect(queue.next()).rejects.toThrow("cut");
    expect(await queue.next()).toEqual({ value: undefined, done: true });
  });

  test("fails who waits at once", async () => {
    const queue = new EventQueue<number>();
    const [first, second] = [queue.next(), queue.next()];
    queue.fail(new Error("cut"));
    await expect(first).rejects.toThrow("cut");
    expect((await second).done).toBe(true);
  });

  test("asks the source to pause at the mark, and once to go on when half of that has been taken", async () => {
    const onDrain = vi.fn<() => void>();
    const queue = new EventQueue<number>({ limit: 16, highWater: 4, onDrain });
    expect([1, 2, 3, 4, 5].map((item) => queue.push(item))).toEqual([true, true, true, false, false]);
    await take(queue, 2);
    expect(onDrain).not.toHaveBeenCalled();
    await take(queue, 1);
    expect(onDrain).toHaveBeenCalledOnce();
    expect(queue.push(6)).toBe(true);
    await take(queue, 3);
    expect(onDrain).toHaveBeenCalledOnce();
  });

  test("asks the source to pause by bytes as well", async () => {
    const onDrain = vi.fn<() => void>();
    const queue = new EventQueue<string>({ maxBytes: 400, onDrain });
    expect(queue.push("a", 60)).toBe(true);
    expect(queue.push("b", 60)).toBe(false);
    expect(queue.bytes).toBe(120);
    await take(queue, 2);
    expect(onDrain).toHaveBeenCalledOnce();
    expect(queue.bytes).toBe(0);
  });

  test("ends a source that does not pause: what waits, then an error that says what to do", async () => {
    const onLeave = vi.fn<() => void>();
    const queue = new EventQueue<number>({ limit: 3, what: "The ticker", setting: ":max_events", onLeave });
    for (let item = 0; item < 10; item++) queue.push(item);
    expect([queue.length, queue.closed]).toEqual([3, true]);
    expect(onLeave).toHaveBeenCalledOnce();
    expect(await take(queue, 3)).toEqual([0, 1, 2]);
    await expect(queue.next()).rejects.toMatchObject({
      code: "interrupted",
      message: "The ticker was ended: more than 3 events were waiting to be taken.",
      remedy: "Take events faster, or raise :max_events.",
      details: { limit: "events", most: 3 },
    });
    await queue.return();
    expect(onLeave).toHaveBeenCalledOnce();
  });

  test("ends it by bytes as well, but takes one item however large it is", async () => {
    const queue = new EventQueue<string>({ maxBytes: 100 });
    expect(queue.push("large", 5_000)).toBe(false);
    expect(queue.closed).toBe(false);
    queue.push("small", 1);
    expect(await take(queue, 1)).toEqual(["large"]);
    await expect(queue.next()).rejects.toMatchObject({ code: "interrupted", details: { limit: "bytes", most: 100 } });
  });

  test("tells the source when its consumer leaves, drops what waits, and waits until the source knows", async () => {
    const told = Promise.withResolvers<undefined>();
    const onLeave = vi.fn<() => Promise<void>>(() => told.promise);
    const queue = new EventQueue<number>({ onLeave });
    queue.push(1);
    queue.push(2);
    let left = false;
    const leaving = (async () => {
      for await (const item of queue) if (item === 1) break;
      left = true;
    })();
    await vi.waitFor(() => expect(onLeave).toHaveBeenCalledOnce());
    expect([left, queue.length, queue.push(3)]).toEqual([false, 0, false]);
    told.resolve(undefined);
    await leaving;
    expect(left).toBe(true);
    expect(await queue.next()).toEqual({ value: undefined, done: true });
  });

  test("lets go of who waits when the consumer leaves", async () => {
    const queue = new EventQueue<number>();
    const waiting = queue.next();
    await queue[Symbol.asyncDispose]();
    expect((await waiting).done).toBe(true);
  });

  test("tells nobody of leaving what has ended", async () => {
    const onLeave = vi.fn<() => void>();
    const queue = new EventQueue<number>({ onLeave });
    queue.push(1);
    queue.end();
    await queue.return();
    expect(onLeave).not.toHaveBeenCalled();
  });

  test("hands over where telling the source fails", async () => {
    const queue = new EventQueue<number>({ onLeave: () => Promise.reject(new Error("gone")) });
    await expect(queue.return()).rejects.toThrow("gone");
  });

  test("keeps order, loses and doubles nothing, and stays within its bounds, whatever comes and goes", async () => {
    const step = fc.oneof(
      fc.record({ push: fc.nat(50) }),
      fc.constant("take" as const),
      fc.constantFrom("end", "fail", "leave"),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 120 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 200 }),
        async (steps, limit, maxBytes) => {
          let drains = 0;
          let leaves = 0;
          const onDrain = (): void => void drains++;
          const onLeave = (): void => void leaves++;
          const queue = new EventQueue<number>({ limit, maxBytes, onDrain, onLeave });
          const results: Promise<IteratorResult<number, undefined>>[] = [];
          let pushed = 0;
          let pauses = 0;
          let runs = true;
          for (const action of steps) {
            if (typeof action === "object") {
              const wasOpen = !queue.closed;
              const goesOn = queue.push(pushed, action.push);
              if (!wasOpen) expect(goesOn).toBe(false);
              else if (!queue.closed) pushed++;
              if (goesOn) runs = true;
              else if (runs && !queue.closed) {
                runs = false;
                pauses++;
              }
            } else if (action === "take") {
              const next = queue.next();
              next.catch(() => {});
              results.push(next);
            } else if (action === "end") queue.end();
            else if (action === "fail") queue.fail(new Error("failed"));
            else await queue.return();
            expect(queue.length).toBeLessThanOrEqual(limit);
            if (queue.length > 1) expect(queue.bytes).toBeLessThanOrEqual(maxBytes);
          }
          await queue.return();
          const taken = (await Promise.allSettled(results)).flatMap((result) =>
            result.status === "fulfilled" && result.value.done !== true ? [result.value.value] : [],
          );
          expect(taken).toEqual(taken.map((_, index) => index));
          expect(taken.length).toBeLessThanOrEqual(pushed);
          expect(leaves).toBeLessThanOrEqual(1);
          expect(drains).toBeLessThanOrEqual(pauses);
        },
      ),
    );
  });

  test("holds on to nothing that was taken: a million items through a queue that never empties", async () => {
    const queue = new EventQueue<number>({ limit: 8 });
    queue.push(0);
    for (let item = 1; item <= 1_000_000; item++) {
      queue.push(item);
      const { value } = await queue.next();
      if (value !== item - 1) throw new Error(`${value} came where ${item - 1} was expected`);
    }
    expect(queue.length).toBe(1);
  });
});
