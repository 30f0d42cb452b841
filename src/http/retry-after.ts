import { readRateHeaders } from "../kernel/index.ts";

/**
 * `Retry-After` as milliseconds from now: seconds, or a date (RFC 9110, section 10.2.3). Undefined where it says
 * nothing usable.
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** How long an answer asks to wait: by `Retry-After`, else until the limit that it says is used up begins afresh. */
export function waitAskedFor(header: (name: string) => string | undefined, now: number): number | undefined {
  const after = parseRetryAfter(header("retry-after"), now);
  if (after !== undefined) return after;
  const news = readRateHeaders(header, now);
  return news?.remaining === 0 ? news.resetMs : undefined;
}
