import { fail, getOwn, isJsonObject, oneLine, type JsonValue, valueAt } from "../../kernel/index.ts";
import type { HttpResponse } from "../../http/index.ts";
import type { Operation, Pagination } from "./operation.ts";

/** Where a page comes from: the parameter that leads to it, or its address below the origin. */
export type PagePlace = { readonly value: JsonValue } | { readonly address: string };

/** A page as it was answered. */
export interface Page {
  readonly value: JsonValue;
  readonly url: URL;
  readonly response: Pick<HttpResponse, "header">;
}

/** The items of a page; undefined where the answer is none. */
export function itemsIn(value: JsonValue, { itemsPath }: Pagination): JsonValue[] | undefined {
  if (itemsPath === undefined) return Array.isArray(value) ? value : undefined;
  const items = valueAt(value, itemsPath);
  // Some services leave out a list that is empty.
  if (items === undefined || items === null) return [];
  return Array.isArray(items) ? items : undefined;
}

/** The page after this one, which came from `place` and has `count` items; undefined after the last. */
export function nextPlace(
  { value, url, response }: Page,
  place: PagePlace | undefined,
  count: number,
  pagination: Pagination,
): PagePlace | undefined {
  const { kind, cursorPath = [], nextPath = [], morePath } = pagination;
  if (morePath !== undefined && valueAt(value, morePath) === false) return undefined;
  switch (kind) {
    case "none":
      return undefined;
    case "link": {
      const link = nextLink(response.header("link"));
      return link === undefined ? undefined : pageAt(link, url);
    }
    case "next": {
      const next = valueAt(value, nextPath);
      return typeof next !== "string" || next === "" ? undefined : pageAt(next, url);
    }
    case "cursor": {
      const next = valueAt(value, cursorPath);
      const isNone = next === undefined || next === null || next === "" || next === false;
      if (isNone || typeof next === "object") return undefined;
      return isSame(place, next) ? loops() : { value: next };
    }
    default: {
      if (count === 0 || place === undefined || !("value" in place)) return undefined;
      return { value: Number(place.value) + (kind === "page" ? 1 : count) };
    }
  }
}

function isSame(place: PagePlace | undefined, value: JsonValue): boolean {
  return place !== undefined && "value" in place && place.value === value;
}

function loops(): never {
  return fail("protocol-error", "A page leads to itself, so its items would never end.", {
    remedy: "Check :pagination; the fault may be the server's.",
  });
}

/** The page that a caller began with, or the first. */
export function firstCounted(
  { kind, param = "", firstPage }: Pagination,
  input: JsonValue,
  { parameters }: Operation,
): PagePlace {
  const as = parameters?.find((one) => one.in === "query" && one.name === param)?.as ?? param;
  const given = isJsonObject(input) ? Number(getOwn<JsonValue>(input, as) ?? NaN) : NaN;
  return { value: Number.isFinite(given) ? given : kind === "page" ? firstPage : 0 };
}

/** `rel="next"` of a `Link` header (RFC 8288). */
export function nextLink(header: string | undefined): string | undefined {
  if (header === undefined || header.length > 8_000) return undefined;
  for (const [, target = "", parameters = ""] of header.matchAll(
    /<([^>]*)>((?:\s*;\s*[\w!#$&^.+*-]+\s*(?:=\s*(?:"[^"]*"|[^",;\s]+))?)*)/g,
  )) {
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]+))/i.exec(parameters);
    const names = (rel?.[1] ?? rel?.[2] ?? "").toLowerCase().split(/\s+/);
    if (names.includes("next")) return target;
  }
  return undefined;
}

/** An address in an answer as a page: it stays within the origin, as credentials go along. */
function pageAt(link: string, from: URL): PagePlace {
  const url = URL.canParse(link, from.href) ? new URL(link, from.href) : undefined;
  if (url?.origin !== from.origin) {
    const to = url === undefined ? "what is no address" : url.origin;
    return fail(
      "protocol-error",
      `The next page of ${from.origin} is said to be at ${oneLine(to, 100)}, and credentials do not follow.`,
      {
        remedy: "Name the address where the server really is, as its own links do.",
      },
    );
  }
  return url.pathname === from.pathname && url.search === from.search
    ? loops()
    : { address: url.pathname + url.search };
}
