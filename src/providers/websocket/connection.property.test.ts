import fc from "fast-check";
import { expect, test } from "vitest";

import { bedOf } from "../../../test/websocket/fake-socket.ts";
import type { JsonObject, JsonValue } from "../../kernel/index.ts";
import { WireError } from "./wire-error.ts";

const BLOCKS: readonly JsonObject[] = [
  { method: "m" },
  { correlate: { id_path: "id" }, message: { in: "{$input}" } },
  { correlate: "in-order", message: "{$input}" },
  { correlate: "none", message: "{$input}" },
];

/** What a peer may say: anything, and often something that looks like an answer. */
const said = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      id: fc.oneof(fc.integer({ min: -1, max: 5 }), fc.constantFrom("1", "__proto__", null, true), fc.jsonValue()),
      method: fc.constantFrom("m", "news", 7),
      result: fc.jsonValue(),
      error: fc.oneof(fc.jsonValue(), fc.record({ code: fc.jsonValue(), message: fc.jsonValue() })),
    },
    { requiredKeys: [] },
  ),
);

test("whatever a peer says, every request settles once, with an answer or a failure, and nothing is left behind", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...BLOCKS),
      fc.array(fc.oneof(fc.constant("ask" as const), fc.record({ say: said })), { maxLength: 40 }),
      fc.constantFrom(1000, 1001, 1006, 4401),
      async (block, steps, code) => {
        const { socket, connection, clock, ask } = bedOf(block);
        const settled: unknown[] = [];
        const asked: Promise<unknown>[] = [];
        for (const step of steps) {
          if (step === "ask") {
            const work = ask().catch((error: unknown) => error);
            asked.push(work.then((outcome) => settled.push(outcome)));
          } else socket.say(step.say as JsonValue);
        }
        await clock.settle();
        socket.end(code);
        await Promise.all(asked);
        expect(settled).toHaveLength(asked.length);
        for (const outcome of settled) {
          if (outcome instanceof Error) expect(outcome).toBeInstanceOf(WireError);
        }
        expect([connection.users, connection.isOpen, clock.pendingTimers]).toEqual([0, false, 0]);
      },
    ),
    { numRuns: 300 },
  );
});
