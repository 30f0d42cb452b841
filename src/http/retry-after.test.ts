import { expect, test } from "vitest";

import { parseRetryAfter, waitAskedFor } from "./retry-after.ts";

test.each<[string | undefined, number | undefined]>([
  ["7", 7000],
  [" 0 ", 0],
  ["Thu, 01 Jan 1970 00:00:30 GMT", 20_000],
  ["Thu, 01 Jan 1970 00:00:05 GMT", 0],
  ["soon", undefined],
  ["99999999999", undefined],
  [undefined, undefined],
])("Retry-After %j is %s ms ten seconds after the epoch", (value, ms) => {
  expect(parseRetryAfter(value, 10_000)).toBe(ms);
});

test.each<[Record<string, string>, number | undefined]>([
  [{ "retry-after": "3", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "60" }, 3000],
  [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": "60" }, 60_000],
  [{ "x-ratelimit-remaining": "5", "x-ratelimit-reset": "60" }, undefined],
  [{}, undefined],
])("an answer with %j asks to wait %s ms", (headers, ms) => {
  expect(waitAskedFor((name) => headers[name], 10_000)).toBe(ms);
});
