import type { Dispatcher } from "undici";

import type { HttpResponse } from "./http-response.ts";
import { addressOf, exchange, type HttpMethod, type HttpRequest } from "./send.ts";

export const MOST_REDIRECTS = 5;

/** A redirect that is not followed. */
export class RedirectRefused extends Error {
  /** The origin it points to; empty where it points nowhere. */
  readonly to: string;
  constructor(message: string, to: string) {
    super(message);
    this.name = "RedirectRefused";
    this.to = to;
  }
}

export interface FollowRules {
  /**
   * What is sent to other origins, where a read (GET, HEAD) may be redirected to them: these headers, without
   * credentials. Absent: such redirects are refused.
   */
  readonly headersElsewhere?: Readonly<Record<string, string>> | undefined;
}

/** An answer, and where it came from in the end. */
export interface Followed {
  readonly response: HttpResponse;
  readonly url: URL;
}

/**
 * Sends a request and follows up to five redirects. Within the origin everything goes along: 307 and 308 repeat the
 * request, 303 (and 301 and 302 after a POST, as browsers do; RFC 9110, section 15.4) go on with a GET. To another
 * origin only a read is followed, without credentials, and only where `rules` say so; never from https to http.
 * Throws `RedirectRefused` for any other, and for too many.
 */
export async function sendAndFollow(
  dispatcher: Dispatcher,
  to: URL,
  request: HttpRequest,
  rules: FollowRules = {},
): Promise<Followed> {
  let url = to;
  let current = request;
  for (let hop = 0; ; hop++) {
    const address = addressOf(url);
    const response = await exchange(dispatcher, address.origin, address.path, current);
    const method = methodAfter(response.status, current.method);
    const location = response.header("location");
    if (method === undefined || location === undefined) return { response, url };
    await response.discard();
    if (hop >= MOST_REDIRECTS) throw new RedirectRefused(`redirects more than ${MOST_REDIRECTS} times`, url.origin);
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (next === undefined) throw new RedirectRefused("redirects to what is no address", "");
    if (next.origin !== url.origin) current = elsewhere(url, next, { ...current, method }, rules);
    else if (method !== current.method)
      current = { ...current, method, headers: bodyless(current.headers), body: undefined };
    url = next;
  }
}

/** The method to go on with; undefined where the answer is no redirect. */
function methodAfter(status: number, method: HttpMethod): HttpMethod | undefined {
  if (status === 307 || status === 308) return method;
  if (status !== 301 && status !== 302 && status !== 303) return undefined;
  if (method === "GET" || method === "HEAD") return method;
  // Other methods than POST are repeated nowhere without being asked to.
  return status === 303 || method === "POST" ? "GET" : undefined;
}

function elsewhere(from: URL, to: URL, request: HttpRequest, rules: FollowRules): HttpRequest {
  const { headersElsewhere } = rules;
  const isRead = request.method === "GET" || request.method === "HEAD";
  const isHttp = to.protocol === "https:" || (to.protocol === "http:" && from.protocol === "http:");
  if (headersElsewhere === undefined || !isRead || !isHttp)
    throw new RedirectRefused(`redirects to ${to.origin}, and credentials do not follow`, to.origin);
  return { ...request, headers: headersElsewhere, body: undefined };
}

function bodyless(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("content-")));
}
