import { fail, getOwn, isJsonObject, type DataEvent, type JsonValue, type ResultEvent } from "../../kernel/index.ts";
import { mediaTypeOf } from "../../http/index.ts";
import type { SessionCall, SessionContext } from "../../session/handler.ts";
import type { Connection } from "./connect.ts";
import { readBookmark, writeBookmark, type Bookmark } from "./bookmark.ts";
import { withValueAt } from "./json-path.ts";
import { readAnswer } from "./map-value.ts";
import { kindOf } from "./media-type.ts";
import type { Operation, Pagination } from "./operation.ts";
import { firstCounted, itemsIn, nextPlace, type Page } from "./pages.ts";
import { plainParameter, urlOfRequest, writeRequest, type OperationRequest } from "./request.ts";
import { sendRequest } from "./session-request.ts";
import { streamBody } from "./stream-body.ts";
import type { RestSettings } from "./target.ts";

const BY_LINK: Pagination = {
  kind: "link",
  param: undefined,
  paramIn: "query",
  cursorPath: undefined,
  nextPath: undefined,
  morePath: undefined,
  itemsPath: undefined,
  firstPage: 1,
  maxPages: 1_000,
};

/**
 * A call as a stream: each item of each page, or each event or line of an answer that is a stream itself. Pages are
 * asked for one by one, when the items before have been taken. An answer without items is the result.
 */
export async function* streamPages(
  connection: Connection,
  call: SessionCall,
  context: SessionContext,
): AsyncGenerator<DataEvent | ResultEvent> {
  const settings = call.target.settings as RestSettings;
  const pagination = settings.operation.pagination ?? BY_LINK;
  const { kind } = pagination;
  const begin =
    kind === "page" || kind === "offset" ? firstCounted(pagination, call.input, settings.operation) : undefined;
  const start: Bookmark =
    call.resumeAfter === undefined ? { place: begin, taken: 0, page: 1 } : readBookmark(call.resumeAfter);
  let { place, taken } = start;
  for (let page = start.page; ; page++) {
    const answer = await askForPage(connection, { ...start, place }, pagination, call, context);
    if (answer.kind === "stream") {
      yield* answer.events;
      return;
    }
    const items = itemsIn(answer.page.value, pagination);
    if (items === undefined) {
      yield { type: "result", value: answer.page.value };
      return;
    }
    const next = nextPlace(answer.page, place, items.length, pagination);
    for (let index = taken; index < items.length; index++) {
      const isLast = index === items.length - 1;
      // After the last item of a page the stream goes on with the next page, not with the rest of this one.
      const cursor = writeBookmark(
        isLast && next !== undefined ? { place: next, taken: 0, page: page + 1 } : { place, taken: index + 1, page },
      );
      yield { type: "data", value: items[index] as JsonValue, cursor };
    }
    taken = 0;
    if (next === undefined) return;
    if (page >= pagination.maxPages) {
      fail(
        "interrupted",
        `${call.target.operation} at ${call.target.endpoint} has more than ${pagination.maxPages} pages.`,
        {
          remedy: "Ask for less, take fewer items, or raise :max_pages of :pagination.",
        },
      );
    }
    place = next;
  }
}

type PageAnswer =
  | { readonly kind: "page"; readonly page: Page }
  | { readonly kind: "stream"; readonly events: AsyncIterable<DataEvent> };

async function askForPage(
  connection: Connection,
  { place, event }: Bookmark,
  pagination: Pagination,
  call: SessionCall,
  context: SessionContext,
): Promise<PageAnswer> {
  const settings = call.target.settings as RestSettings;
  const plain =
    place !== undefined && "value" in place
      ? requestWith(place.value, pagination, call, settings.operation)
      : writeRequest(settings.operation, call.input, call.capability.id);
  const mayFlow = plain.accepted.some((type) => ["events", "json-lines"].includes(kindOf(type)));
  const request: OperationRequest = {
    ...plain,
    headers: {
      ...plain.headers,
      // A stream that is compressed comes in blocks, and not as it is written.
      ...(mayFlow && { "accept-encoding": "identity" }),
      ...(event !== undefined && { "last-event-id": event }),
    },
  };
  const own = urlOfRequest(settings, request);
  const url = place !== undefined && "address" in place ? addressWithin(place.address, own, settings) : own;
  const response = await sendRequest(connection, request, url, call, context);
  const kind = kindOf(mediaTypeOf(response));
  const limits = { accepted: request.accepted, maxResponseBytes: settings.place.maxResponseBytes };
  if (request.method !== "HEAD" && (kind === "events" || kind === "json-lines")) {
    return { kind: "stream", events: streamBody(response, kind, settings.place.maxResponseBytes, call.signal) };
  }
  const where = { phase: "execute", sent: true, target: call.target } as const;
  return {
    kind: "page",
    page: { value: await readAnswer(response, request.method, { ...limits, where }), url, response },
  };
}

/** The request with the cursor, page or offset in its place, whether the description declares it or not. */
function requestWith(
  value: JsonValue,
  { param = "", paramIn }: Pagination,
  { input, capability }: SessionCall,
  operation: Operation,
): OperationRequest {
  const values = isJsonObject(input) ? input : {};
  if (paramIn === "body") {
    const key = operation.requestBody?.as;
    if (key === undefined) return writeRequest(operation, { ...values, [param]: value }, capability.id);
    const body = getOwn<JsonValue>(values, key);
    return writeRequest(
      operation,
      { ...values, [key]: withValueAt(isJsonObject(body) ? body : {}, param.split("."), value) },
      capability.id,
    );
  }
  const { parameters } = operation;
  const declared = parameters?.find((one) => one.in === "query" && one.name === param);
  if (declared !== undefined) return writeRequest(operation, { ...values, [declared.as]: value }, capability.id);
  const request = writeRequest(
    operation,
    Object.fromEntries(Object.entries(values).filter(([key]) => key !== param)),
    capability.id,
  );
  const added = writeRequest(
    {
      ...operation,
      path: "/",
      query: {},
      parameters: [plainParameter(param, "query")],
      requestBody: undefined,
      acceptAs: undefined,
    },
    { [param]: value },
    capability.id,
  );
  return { ...request, query: [request.query, added.query].filter((part) => part !== "").join("&") };
}

/** What the base URL and the credential add to each query is added where a link has left it out. */
function addressWithin(address: string, own: URL, { baseQuery }: RestSettings): URL {
  const url = new URL(address, own.origin);
  for (const [name, value] of new URLSearchParams(baseQuery)) url.searchParams.set(name, value);
  return url;
}
