import { CcosError, throwIfAborted } from "../../kernel/index.ts";
import { displayString, Keyword, keyword, RtfsMap, type MapKey, type Value } from "../../rtfs/index.ts";
import type { Manifest } from "../manifest.ts";
import { NativeArguments } from "./arguments.ts";
import { nativeCapability } from "./native.ts";

const ID = "ccos.network.http-fetch";
const MOST_BYTES = 10_000_000;
const MOST_REDIRECTS = 5;
const DEFAULT_TIMEOUT_MS = 30_000;
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/** Running these twice is harmless, so a cut connection is no unknown outcome. */
const SAFE = ["GET", "HEAD", "OPTIONS"];

interface HttpRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** One HTTP request; the answer is a map of `:status`, `:headers` and `:body`. */
export function httpFetchCapability(): Manifest {
  return nativeCapability({
    id: ID,
    description: "One HTTP request: :url, :method, :headers, :body, :timeout_ms. Gives :status, :headers and :body.",
    run: async (args, { signal }) => {
      const given = new NativeArguments(ID, ["url", "method", "headers", "body", "timeout_ms"], args);
      const timeoutMs = given.optionalNumber("timeout_ms") ?? DEFAULT_TIMEOUT_MS;
      if (!(timeoutMs > 0)) throw new CcosError("invalid-argument", `${ID}: :timeout_ms is a number above 0.`);
      const request = readRequest(given);
      const limit = AbortSignal.timeout(Math.min(timeoutMs, 2_147_483_647));
      try {
        return answerValue(await follow(request, AbortSignal.any([signal, limit])));
      } catch (error) {
        throwIfAborted(signal);
        if (limit.aborted) {
          throw new CcosError(
            "deadline-exceeded",
            `${ID}: ${request.url.origin} did not answer within ${timeoutMs} ms.`,
            {
              remedy: "Give it more time with :timeout_ms.",
            },
          );
        }
        throw error;
      }
    },
  });
}

function readRequest(given: NativeArguments): HttpRequest {
  const url = URL.parse(given.string("url"));
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new CcosError("invalid-argument", `${ID}: :url is an http or https URL.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new CcosError("invalid-argument", `${ID}: a URL may not hold credentials.`, {
      remedy: "Send them in a header.",
    });
  }
  const method = (given.optionalString("method") ?? "GET").toUpperCase();
  if (!METHODS.includes(method))
    throw new CcosError("invalid-argument", `${ID}: :method is one of ${METHODS.join(", ")}.`);
  const headers: Record<string, string> = {};
  for (const [key, value] of given.optionalMap("headers") ?? []) {
    const name = key instanceof Keyword ? key.name : String(key);
    if (value !== null) headers[name.toLowerCase()] = displayString(value);
  }
  return { url, method, headers, body: given.optionalString("body") };
}

/** Goes after redirects. To another origin nothing of the caller's goes along: no headers, no body. */
async function follow(first: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  let request = first;
  for (let hop = 0; ; hop++) {
    const answer = await send(request, signal);
    const location = answer.headers["location"];
    if (![301, 302, 303, 307, 308].includes(answer.status) || typeof location !== "string") return answer;
    if (hop >= MOST_REDIRECTS)
      throw new CcosError("protocol-error", `${ID}: more than ${MOST_REDIRECTS} redirects from ${first.url.origin}.`);
    const url = URL.parse(location, request.url.href);
    if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return answer;
    const away = url.origin !== request.url.origin;
    const becomesGet = answer.status === 303 || (answer.status < 307 && request.method === "POST");
    // To repeat a request with effects elsewhere is for the caller to decide.
    if (away && !becomesGet && !SAFE.includes(request.method)) return answer;
    request = {
      url,
      method: becomesGet && request.method !== "HEAD" ? "GET" : request.method,
      headers: away ? {} : becomesGet ? withoutContent(request.headers) : request.headers,
      body: away || becomesGet ? undefined : request.body,
    };
  }
}

function withoutContent(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("content-")));
}

async function send({ url, method, headers, body }: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  // Loaded at the first request: most programs make none.
  const { request } = await import("undici");
  try {
    const response = await request(url, { method, headers, body: body ?? null, signal });
    return { status: response.statusCode, headers: response.headers, body: await readBounded(response.body, url) };
  } catch (error) {
    if (signal.aborted || error instanceof CcosError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (/^(?:UND_ERR_INVALID_ARG|ERR_INVALID)/.test(code) || error instanceof TypeError) {
      throw new CcosError("invalid-argument", `${ID}: the request is not valid HTTP.`, { cause: error });
    }
    const neverSent = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(
      code,
    );
    const harmless = neverSent || SAFE.includes(method);
    throw new CcosError(
      harmless ? "unavailable" : "outcome-unknown",
      `${ID}: ${url.origin} could not be reached or broke off (${code || "no answer"}).`,
      {
        cause: error,
      },
    );
  }
}

async function readBounded(body: AsyncIterable<Uint8Array> & { destroy(): unknown }, url: URL): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MOST_BYTES) {
      body.destroy();
      throw new CcosError("protocol-error", `${ID}: the answer of ${url.origin} has more than ${MOST_BYTES} bytes.`);
    }
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function answerValue(answer: HttpAnswer): Value {
  const headers = new Map<MapKey, Value>();
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  return RtfsMap.of([
    [keyword("status"), answer.status],
    [keyword("headers"), new RtfsMap(headers)],
    [keyword("body"), answer.body],
  ]);
}
