import { expect, test } from "vitest";

import type { JsonObject } from "../../kernel/index.ts";
import type { Connection } from "./connect.ts";
import { listAll } from "./describe.ts";

/** A server whose every page is made by a function. */
function pages(make: (page: number) => JsonObject): Connection {
  let page = 0;
  const transport = { request: async () => ({ result: make(page++) }), state: { era: "legacy", hasSessionId: false } };
  return { transport, meta: undefined } as unknown as Connection;
}

test("a listing is put together from its pages", async () => {
  const connection = pages((page) => ({
    tools: [{ name: `t${page}` }],
    ...(page < 2 && { nextCursor: String(page) }),
  }));
  expect(await listAll(connection, "tools/list", "tools")).toEqual([{ name: "t0" }, { name: "t1" }, { name: "t2" }]);
});

test.each<[string, (page: number) => JsonObject, RegExp]>([
  ["go round in a circle", () => ({ tools: [], nextCursor: "again" }), /circle/],
  ["never end", (page) => ({ tools: [], nextCursor: String(page) }), /no end/],
  [
    "hold too many tools",
    (page) => ({ tools: Array.from({ length: 5000 }, () => ({})), nextCursor: String(page) }),
    /no end/,
  ],
  ["hold too much text", (page) => ({ tools: [{ name: "x".repeat(10_000_000) }], nextCursor: String(page) }), /no end/],
])("pages that %s are a fault of the server", async (_what, make, message) => {
  await expect(listAll(pages(make), "tools/list", "tools")).rejects.toThrow(message);
});
