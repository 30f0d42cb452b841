/** What a peer says of its limit. */
export interface RateNews {
  /** Calls it still takes before `resetMs` have passed; at least 0. */
  readonly remaining: number;
  /** Milliseconds until it takes calls afresh; above 0. */
  readonly resetMs: number;
}

/** A reset above this is an instant (seconds since the epoch), below it a number of seconds. */
const EPOCH_SECONDS = 1_000_000_000;
const EPOCH_MILLISECONDS = 1_000_000_000_000;

/**
 * What HTTP headers say of a rate limit: `RateLimit` in both forms of the IETF draft, else `RateLimit-Remaining` and
 * `RateLimit-Reset`, else the same with `X-`. Of several limits the tightest. Undefined where they say nothing, or
 * nothing that makes sense.
 *
 * @param header a header by its name in lower case
 * @param now the wall clock, for resets that are instants
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
 */
export function readRateHeaders(header: (name: string) => string | undefined, now: number): RateNews | undefined {
  const together = header("ratelimit");
  if (together !== undefined) return tightest(together);
  for (const prefix of ["ratelimit", "x-ratelimit"]) {
    const remaining = header(`${prefix}-remaining`);
    if (remaining !== undefined) return newsOf(remaining, header(`${prefix}-reset`), now);
  }
  return undefined;
}

/** `"default";r=50;t=30, "daily";r=…`, or `limit=100, remaining=50, reset=5`. */
function tightest(text: string): RateNews | undefined {
  if (text.length > 1_000) return undefined;
  let found: RateNews | undefined;
  const entries = /\bremaining=/.test(text) ? [text.replaceAll(",", ";")] : text.split(",");
  for (const entry of entries) {
    const news = newsOf(
      /(?:^|[;\s])(?:r|remaining)=(\d+)/.exec(entry)?.[1],
      /(?:^|[;\s])(?:t|reset)=(\d+)/.exec(entry)?.[1],
      0,
    );
    if (news !== undefined && (found === undefined || news.remaining < found.remaining)) found = news;
  }
  return found;
}

function newsOf(remainingText: string | undefined, resetText: string | undefined, now: number): RateNews | undefined {
  const remaining = numberIn(remainingText);
  const reset = numberIn(resetText);
  if (remaining === undefined || reset === undefined) return undefined;
  const resetMs =
    reset >= EPOCH_MILLISECONDS ? reset - now : reset >= EPOCH_SECONDS ? reset * 1_000 - now : reset * 1_000;
  return resetMs > 0 ? { remaining, resetMs } : undefined;
}

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d{1,15}(?:\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}
