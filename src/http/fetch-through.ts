import type { Dispatcher } from "undici";

import { fail, isLoopbackHost } from "../kernel/index.ts";
import type { HttpResponse } from "./http-response.ts";
import { addressOf, send, type HttpMethod } from "./send.ts";

export interface FetchThroughOptions {
  /** Most bytes of an answer. Default 1 MiB. */
  readonly limit?: number | undefined;
  /** Gives every request up. */
  readonly signal?: AbortSignal | undefined;
  /** Time for each request, in milliseconds. Default: none. */
  readonly timeoutMs?: number | undefined;
  /** Who names the addresses: one that is not on this machine may name none that is. Default: on this machine. */
  readonly namedBy?: URL | undefined;
  /** Told of each request before it leaves; may throw. */
  readonly allow?: ((url: URL, method: string) => void) | undefined;
}

const NO_BODY = new Set([204, 205, 304]);

/**
 * A `fetch` over the handler's own connections, for libraries that want one, such as those of OAuth. Only https, or http
 * on this machine; redirects are followed within the origin only, by methods that may be repeated; answers are bounded.
 */
export function fetchThrough(dispatcher: Dispatcher, options: FetchThroughOptions = {}): typeof fetch {
  return async (input, init = {}) => {
    const request = input instanceof Request ? input : undefined;
    const url = new URL(request?.url ?? (input as string | URL));
    if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopbackHost(url.hostname))) {
      fail("permission-denied", `${url.origin} is neither https nor on this machine, so no credential is sent there.`, {
        remedy: "Use an issuer that is reached over https.",
      });
    }
    if (options.namedBy !== undefined && isLoopbackHost(url.hostname) && !isLoopbackHost(options.namedBy.hostname)) {
      fail(
        "permission-denied",
        `${options.namedBy.origin} points to this machine (${url.origin}), and nobody goes there.`,
        {
          remedy: "Check the server's metadata.",
        },
      );
    }
    const method = (init.method ?? request?.method ?? "GET").toUpperCase();
    options.allow?.(url, method);
    const headers = Object.fromEntries(new Headers(init.headers ?? request?.headers));
    const body = await textOf(init.body ?? (request?.body ? await request.text() : undefined), headers);
    const patience = options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs);
    const signals = [init.signal ?? request?.signal, options.signal, patience].filter((signal) => signal != null);
    const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
    try {
      const answer = await send(dispatcher, addressOf(url), { method: method as HttpMethod, headers, body, signal });
      return asResponse(answer, await answer.text(options.limit ?? 1024 * 1024));
    } catch (error) {
      // As any fetch does it: libraries tell a connection that failed by this.
      throw signal?.aborted ? error : new TypeError("fetch failed", { cause: error });
    }
  };
}

function asResponse(answer: HttpResponse, text: string): Response {
  const given = new Headers();
  for (const name of answer.headerNames()) for (const value of answer.headers(name)) given.append(name, value);
  return new Response(NO_BODY.has(answer.status) ? null : text, { status: answer.status, headers: given });
}

async function textOf(body: unknown, headers: Record<string, string>): Promise<string | Uint8Array | undefined> {
  if (body === undefined || body === null) return undefined;
  if (typeof body === "string" || body instanceof Uint8Array) return body;
  if (body instanceof URLSearchParams) {
    headers["content-type"] ??= "application/x-www-form-urlencoded;charset=UTF-8";
    return body.toString();
  }
  return await new Response(body as ConstructorParameters<typeof Response>[0]).text();
}
