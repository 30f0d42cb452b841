import type { CookieJar } from "tough-cookie";

import { isJsonObject, type JsonObject } from "../kernel/index.ts";
import type { HttpResponse } from "./http-response.ts";

const MOST_COOKIES = 200;
const LONGEST_COOKIE = 8192;
const MOST_IN_ONE_ANSWER = 50;

/**
 * The cookies of one session (RFC 6265), such as a login gives them. Bounded: at most 200 cookies of 8 KiB. Each is sent
 * only where its domain, path and scheme allow it. Open it with `openCookies`.
 */
export interface CookieSession {
  /** The value of a `cookie` header for a URL, after those that `fixed` holds; undefined where there is none. */
  header(url: URL, fixed?: string): string | undefined;
  /** Takes what an answer sets. True where something was. What breaks the rules is passed over. */
  take(url: URL, response: Pick<HttpResponse, "headers">): boolean;
  /** The values, to be registered as secrets. */
  secrets(): string[];
  /** Whether any cookie is held for a URL. */
  has(url: URL): boolean;
  /** When the first of the cookies with a time ends, on the wall clock. */
  expiresAt(): number | undefined;
  /** What `openCookies` takes, as plain JSON. It holds secrets. */
  snapshot(): JsonObject;
}

/** Opens an empty session, or one from a snapshot; a snapshot that is none gives an empty one. */
export async function openCookies(snapshot?: unknown): Promise<CookieSession> {
  const { CookieJar: Jar } = await import("tough-cookie");
  const create = (): CookieJar => new Jar(undefined, { rejectPublicSuffixes: true, looseMode: false });
  let jar = create();
  if (isJsonObject(snapshot as JsonObject | undefined)) {
    try {
      jar = Jar.deserializeSync(snapshot as never);
    } catch {
      jar = create();
    }
  }
  return new Cookies(jar);
}

class Cookies implements CookieSession {
  readonly #jar: CookieJar;

  constructor(jar: CookieJar) {
    this.#jar = jar;
  }

  header(url: URL, fixed?: string): string | undefined {
    const own = this.#jar.getCookieStringSync(url.href);
    if (own === "") return fixed;
    return fixed === undefined || fixed === "" ? own : `${fixed}; ${own}`;
  }

  take(url: URL, response: Pick<HttpResponse, "headers">): boolean {
    let took = false;
    for (const text of response.headers("set-cookie").slice(0, MOST_IN_ONE_ANSWER)) {
      if (text.length > LONGEST_COOKIE || this.#count() >= MOST_COOKIES) continue;
      took = this.#jar.setCookieSync(text, url.href, { ignoreError: true }) !== undefined || took;
    }
    return took;
  }

  secrets(): string[] {
    return this.#all().flatMap(({ value }) => (typeof value === "string" ? [value] : []));
  }

  has(url: URL): boolean {
    return this.#jar.getCookiesSync(url.href).length > 0;
  }

  expiresAt(): number | undefined {
    let first = Infinity;
    for (const { expires, maxAge, creation } of this.#all()) {
      const begun = typeof creation === "string" ? Date.parse(creation) : NaN;
      const named = typeof expires === "string" ? Date.parse(expires) : NaN;
      const at = typeof maxAge === "number" ? begun + maxAge * 1000 : named;
      if (at < first) first = at;
    }
    return first === Infinity ? undefined : first;
  }

  snapshot(): JsonObject {
    return JSON.parse(JSON.stringify(this.#jar.serializeSync() ?? {})) as JsonObject;
  }

  #count(): number {
    return this.#all().length;
  }

  #all(): readonly Readonly<Record<string, unknown>>[] {
    return this.#jar.serializeSync()?.cookies ?? [];
  }
}
