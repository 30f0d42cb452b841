import { createHash } from "node:crypto";

import type { Dispatcher } from "undici";

import {
  isJsonType,
  mediaTypeOf,
  readText,
  send,
  waitAskedFor,
  type Exchange,
  type HttpAddress,
  type HttpResponse,
} from "../../http/index.ts";
import {
  parseJson,
  stringifyInput,
  stringifyJson,
  type JsonObject,
  type JsonValue,
  type Roster,
} from "../../kernel/index.ts";
import { looksLikeResponse, readResponse, type GraphqlResponse } from "./map-value.ts";
import { WireError } from "./wire-error.ts";

/** A request as the protocol has it: https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters */
export interface GraphqlRequest {
  readonly query: string;
  readonly operationName?: string | undefined;
  readonly variables: JsonObject;
}

/** Where requests go, with everything that goes along. */
export interface HttpLink {
  readonly dispatcher: Dispatcher;
  readonly url: URL;
  readonly address: HttpAddress;
  readonly headers: Readonly<Record<string, string>>;
  readonly maxResponseBytes: number;
  /** The wall clock. */
  readonly now: () => number;
  /** Holds what is under way, so that the end of the session ends it. */
  readonly underWay: Roster<Exchange>;
}

export interface RequestOptions {
  readonly method: "GET" | "POST";
  readonly signal: AbortSignal;
  /** Go with this request alone. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly sent?: (() => void) | undefined;
  /** Sends the hash of the document in its place first; see `persisted`. */
  readonly persisted?: PersistedQueries | undefined;
}

/** An answer to a request, with what its head says. */
export interface HttpAnswer {
  readonly response: GraphqlResponse;
  readonly http: HttpResponse;
  /** How long the server asks to wait. Asked for where something is wrong. */
  readonly retryAfterMs: () => number | undefined;
}

/** Whether a server takes hashes of documents, as it has said. */
export interface PersistedQueries {
  isRefused: boolean;
}

/** https://graphql.github.io/graphql-over-http/draft/#sec-Accept */
export const ACCEPT = "application/graphql-response+json, application/json;q=0.9";
/** A longer URL than this is refused by too many servers: then a query goes by POST. */
const LONGEST_URL = 8_000;
const QUOTED = 4_000;

/** Sends one request and reads its response, by the specification of GraphQL over HTTP. */
export async function ask(link: HttpLink, request: GraphqlRequest, options: RequestOptions): Promise<HttpAnswer> {
  const { persisted } = options;
  if (persisted === undefined || persisted.isRefused) return exchange(link, bodyOf(request), options);
  // https://www.apollographql.com/docs/apollo-server/performance/apq
  const extensions = { persistedQuery: { version: 1, sha256Hash: hashOf(request.query) } };
  let verdict: PersistedVerdict;
  try {
    const short = await exchange(link, { ...bodyOf(request), query: undefined, extensions }, options);
    verdict = persistedVerdict(short.response, short.http.status);
    if (verdict === "taken") return short;
  } catch (error) {
    // Whoever knows nothing of hashes takes this for a request without a document.
    if (!(error instanceof WireError) || error.failure.kind !== "status" || error.failure.answer.status !== 400)
      throw error;
    verdict = "unsupported";
  }
  // Nothing has run: the server did not know what it was asked.
  persisted.isRefused = verdict === "unsupported";
  return exchange(link, persisted.isRefused ? bodyOf(request) : { ...bodyOf(request), extensions }, options);
}

type Body = Readonly<Record<string, JsonValue | undefined>>;

/** As JSON without what is undefined. */
export function bodyOf({ query, operationName, variables }: GraphqlRequest): Record<string, JsonValue | undefined> {
  return { query, operationName, variables: isEmpty(variables) ? undefined : variables };
}

function isEmpty(variables: JsonObject): boolean {
  for (const _ in variables) return false;
  return true;
}

async function exchange(link: HttpLink, body: Body, options: RequestOptions): Promise<HttpAnswer> {
  const { signal, sent } = options;
  const path = options.method === "GET" ? pathOf(link.url, body) : undefined;
  const headers: Record<string, string> = { ...link.headers, ...options.headers, accept: ACCEPT };
  // The servers that guard against requests of other sites (CSRF) want a header that no form can send.
  if (path === undefined) headers["content-type"] = "application/json";
  else headers["apollo-require-preflight"] = "true";
  const http = await send(link.dispatcher, path === undefined ? link.address : { origin: link.address.origin, path }, {
    method: path === undefined ? "POST" : "GET",
    headers,
    body: path === undefined ? stringifyInput(body) : undefined,
    signal,
    started: sent,
    underWay: link.underWay,
  });
  const now = link.now();
  return {
    response: await readAnswer(http, link.maxResponseBytes, now),
    http,
    retryAfterMs: () => waitAskedFor((name) => http.header(name), now),
  };
}

/** The path of a GET; undefined where it would be too long. */
function pathOf(url: URL, body: Body): string | undefined {
  const asked = new URL(url);
  for (const [name, value] of Object.entries(body)) {
    if (value !== undefined) asked.searchParams.set(name, typeof value === "string" ? value : stringifyJson(value));
  }
  const path = asked.pathname + asked.search;
  return path.length > LONGEST_URL ? undefined : path;
}

/**
 * Reads an answer of either media type. With `application/graphql-response+json` any status may carry a response; with
 * `application/json` a status that is no success may come from somebody between, so only what looks like a response is one.
 */
export async function readAnswer(http: HttpResponse, limit: number, now: number): Promise<GraphqlResponse> {
  const mediaType = mediaTypeOf(http);
  const isSuccess = http.status >= 200 && http.status < 300;
  const isJson = mediaType === "" || isJsonType(mediaType);
  if (!isJson && isSuccess) {
    await http.discard();
    throw new WireError({ kind: "content", mediaType });
  }
  if (!isJson) throw statusError(http, await http.excerpt(), now);
  const text = await readText(http, limit);
  let value: JsonValue;
  try {
    value = parseJson(text);
  } catch (error) {
    if (!isSuccess) throw statusError(http, text, now);
    throw new WireError(
      { kind: "broken", text: text === "" ? "The answer is empty." : "The answer is no JSON." },
      error,
    );
  }
  if (!isSuccess && !looksLikeResponse(value)) throw statusError(http, text, now);
  return readResponse(value);
}

function statusError(answer: HttpResponse, body: string, now: number): WireError {
  return new WireError({ kind: "status", answer, body: body.slice(0, QUOTED), now });
}

type PersistedVerdict = "taken" | "unknown" | "unsupported";

/** What a server makes of a hash in the place of a document. */
function persistedVerdict({ data, errors }: GraphqlResponse, status: number): PersistedVerdict {
  if (data != null) return "taken";
  for (const { code, message } of errors) {
    const said = `${code} ${message}`.replaceAll("_", "").toLowerCase();
    if (said.includes("persistedquerynotfound")) return "unknown";
    if (said.includes("persistedquerynotsupported")) return "unsupported";
  }
  return status === 400 && data === undefined ? "unsupported" : "taken";
}

const hashes = new Map<string, string>();
const MOST_HASHES = 1_000;

function hashOf(query: string): string {
  let hash = hashes.get(query);
  if (hash === undefined) {
    if (hashes.size >= MOST_HASHES) hashes.clear();
    hashes.set(query, (hash = createHash("sha256").update(query).digest("hex")));
  }
  return hash;
}
