import { expect, test } from "vitest";
import { createFakeClock } from "../../testing/fake-clock.ts";
import { storeChecks } from "../../testing/store-suite.ts";
import { createMemoryStore } from "./memory.ts";

const checks = storeChecks({
  shared: false,
  async createPlace() {
    const clock = createFakeClock();
    return {
      open: async () => createMemoryStore({ clock }),
      advance: (ms) => clock.advance(ms),
      async [Symbol.asyncDispose]() {},
    };
  },
});

test.each(checks)("$name", ({ run }) => run());

test("a log in memory keeps the latest entries", async () => {
  const { log } = createMemoryStore({ maxLogEntries: 2 });
  expect(
    await log.append(
      "a",
      [1, 2, 3].map((n) => Uint8Array.of(n)),
    ),
  ).toBe(3);
  expect((await log.read("a", 0)).map(({ number }) => number)).toEqual([2, 3]);
});
