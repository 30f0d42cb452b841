import { expect, test } from "vitest";
import { readRateHeaders } from "./index.ts";

const NOW = Date.UTC(2026, 0, 1);

test.each<[headers: Record<string, string>, remaining: number | undefined, resetMs?: number]>([
  [{ ratelimit: '"default";r=50;t=30' }, 50, 30_000],
  [{ ratelimit: '"burst";r=9;t=1, "daily";r=3;t=4000' }, 3, 4_000_000],
  [{ ratelimit: "limit=100, remaining=50, reset=5" }, 50, 5_000],
  [{ "ratelimit-remaining": "7", "ratelimit-reset": "12" }, 7, 12_000],
  [
    { "ratelimit-remaining": "7", "ratelimit-reset": "12", "x-ratelimit-remaining": "1", "x-ratelimit-reset": "1" },
    7,
    12_000,
  ],
  [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": `${NOW / 1_000 + 90}` }, 0, 90_000],
  [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": `${NOW + 1_500}` }, 0, 1_500],
  [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": "0.25" }, 0, 250],
  [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": `${NOW / 1_000 - 5}` }, undefined],
  [{ "x-ratelimit-remaining": "4" }, undefined],
  [{ "x-ratelimit-remaining": "-1", "x-ratelimit-reset": "5" }, undefined],
  [{ "x-ratelimit-remaining": "many", "x-ratelimit-reset": "soon" }, undefined],
  [{ ratelimit: "" }, undefined],
  [{ ratelimit: `"${"x".repeat(2_000)}";r=1;t=1` }, undefined],
  [{}, undefined],
])("%o", (headers, remaining, resetMs) => {
  const expected = remaining === undefined ? undefined : { remaining, resetMs };
  expect(readRateHeaders((name) => headers[name], NOW)).toEqual(expected);
});
