import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

import { Agent, type Dispatcher } from "undici";

/**
 * The lean way to a server: `request` of one shared dispatcher, without the streams and objects of the
 * platform's `fetch`, which cost more than everything else in a warm call.
 */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly headers: Record<string, string>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpResponse {
  readonly status: number;
  header(name: string): string | undefined;
  readonly body: Readable;
}

/** More than this many bytes. */
export class TooLarge extends Error {
  readonly limit: number;
  constructor(limit: number) {
    super(`more than ${limit} bytes`);
    this.name = "TooLarge";
    this.limit = limit;
  }
}

/**
 * One dispatcher for all sessions, so that warm connections are shared. Its own timers are off: deadlines
 * belong to calls, and a tool may be silent for as long as its caller allows.
 */
export function createDispatcher(): Agent {
  return new Agent({
    connections: 256,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: 10_000 },
  });
}

const MOST_REDIRECTS = 5;

/**
 * Sends one request. A redirect that keeps the method is followed within the origin only: credentials go
 * where they were meant to go. Any other answer is given back as it is.
 */
export async function send(dispatcher: Dispatcher, url: URL, request: HttpRequest): Promise<HttpResponse> {
  let target = url;
  for (let hop = 0; ; hop++) {
    const { statusCode, headers, body } = await dispatcher.request({
      origin: target.origin,
      path: target.pathname + target.search,
      method: request.method,
      headers: request.headers,
      body: request.body ?? null,
      signal: request.signal ?? null,
    });
    // Letting go of a body that nobody read to its end is no error of anybody's.
    body.on("error", () => {});
    const location = headers["location"];
    const keepsMethod =
      statusCode === 307 || statusCode === 308 || (request.method === "GET" && statusCode >= 301 && statusCode <= 303);
    if (keepsMethod && typeof location === "string" && hop < MOST_REDIRECTS) {
      const next = URL.canParse(location, target.href) ? new URL(location, target) : undefined;
      if (next !== undefined && next.origin === url.origin) {
        await body.dump();
        target = next;
        continue;
      }
    }
    return {
      status: statusCode,
      header(name) {
        const value = headers[name];
        return Array.isArray(value) ? value.join(", ") : value;
      },
      body,
    };
  }
}

/** The whole body as text. Throws `TooLarge`, and closes the connection, when it has more than `limit` bytes. */
export async function readText(response: HttpResponse, limit: number): Promise<string> {
  const { body } = response;
  const declared = Number(response.header("content-length"));
  if (declared > limit) {
    body.destroy();
    throw new TooLarge(limit);
  }
  if (declared >= 0) return (body as Readable & { text(): Promise<string> }).text();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) {
      body.destroy();
      throw new TooLarge(limit);
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer).toString("utf8") : Buffer.concat(chunks, size).toString("utf8");
}

/** The first bytes of a body that nobody needs whole, such as an error page; the rest is not read. */
export async function readExcerpt(response: HttpResponse, limit = 64 * 1024): Promise<string> {
  const decoder = new StringDecoder("utf8");
  let text = "";
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      text += decoder.write(chunk);
      if (text.length >= limit) break;
    }
  } catch {
    // What arrived before the connection broke says enough.
  }
  return text;
}

/** Lets go of a body that nobody reads, so that its connection can be used again. */
export async function discard(response: HttpResponse): Promise<void> {
  try {
    await (response.body as Readable & { dump?(): Promise<void> }).dump?.();
  } catch {
    // The connection is gone; so is the body.
  }
}

/** `Retry-After` as milliseconds from now: seconds, or a date. Undefined where it says nothing usable. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
