import { getOwn, isJsonObject, readRateHeaders, type JsonValue, type RateNews } from "../../kernel/index.ts";
import type { HttpResponse } from "../../http/index.ts";
import type { GraphqlResponse } from "./map-value.ts";

/**
 * What an answer says of the limit of its server: `rateLimit {cost remaining resetAt}` of the data, where the operation
 * asks for it (GitHub), `extensions.cost.throttleStatus` (Shopify), or the headers (`RateLimit`, `X-RateLimit-…`).
 * Where a call costs several points, the points that are left are counted in such calls.
 */
export function rateNewsOf(
  response: GraphqlResponse,
  http: HttpResponse | undefined,
  now: number,
): RateNews | undefined {
  return (
    inData(response.data ?? undefined, now) ??
    inCost(response.extensions) ??
    (http && readRateHeaders((name) => http.header(name), now))
  );
}

function inData(data: GraphqlResponse["data"], now: number): RateNews | undefined {
  const limit = data == null ? undefined : getOwn(data, "rateLimit");
  if (!isJsonObject(limit)) return undefined;
  const { remaining, resetAt, cost } = limit;
  const at = typeof resetAt === "string" ? Date.parse(resetAt) : NaN;
  return newsOf(remaining, cost, at - now);
}

function inCost(extensions: GraphqlResponse["extensions"]): RateNews | undefined {
  const cost = extensions && getOwn(extensions, "cost");
  const status = isJsonObject(cost) ? getOwn(cost, "throttleStatus") : undefined;
  if (!isJsonObject(cost) || !isJsonObject(status)) return undefined;
  const { maximumAvailable: most, currentlyAvailable: available, restoreRate: perSecond } = status;
  if (typeof most !== "number" || typeof available !== "number" || typeof perSecond !== "number") return undefined;
  return newsOf(available, getOwn(cost, "requestedQueryCost"), ((most - available) / perSecond) * 1_000);
}

function newsOf(left: JsonValue | undefined, cost: JsonValue | undefined, resetMs: number): RateNews | undefined {
  if (typeof left !== "number" || left < 0 || !Number.isFinite(resetMs) || resetMs <= 0) return undefined;
  const each = typeof cost === "number" && cost > 1 ? cost : 1;
  return { remaining: Math.floor(left / each), resetMs: Math.ceil(resetMs) };
}
