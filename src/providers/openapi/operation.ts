import type { JsonObject, JsonPath, JsonValue } from "../../kernel/index.ts";

/**
 * An operation as its metadata block declares it, in the words of OpenAPI 3.1. The importer writes such blocks and
 * the handler reads them (`read-operation.ts`); this file is what both agree on. In a capability file:
 *
 * ```rtfs
 * :openapi {:base_url "https://api.example.com/v1"
 *           :path "/users/{id}/photos"
 *           :method "POST"
 *           :operation_id "addPhoto"
 *           :requires_session "auto"
 *           :parameters [{:name "id" :in "path" :required true}
 *                        {:name "tags" :in "query" :style "form" :explode false}
 *                        {:name "id" :in "query" :as "id_query"}
 *                        {:name "filter" :in "query" :content "application/json"}]
 *           :request_body {:required true
 *                          :content {"multipart/form-data" {:encoding {"photo" {:content_type "image/png"}}}
 *                                    "application/json" {}}
 *                          :content_type_as "content_type"}
 *           :responses {"201" {:description "Added" :content ["application/json"]}
 *                       "409" {:description "It is there already"}}
 *           :security [[{:type "apiKey" :in "header" :name "X-Key" :env_var "PHOTOS_KEY"}] []]
 *           :pagination {:cursor_param "after" :cursor_path "meta.next" :items_path "data"}
 *           :idempotency_key "Idempotency-Key"}
 * ```
 *
 * `:security` holds the alternatives of a description, each a vector of what `:auth` may be (see docs/authentication.md):
 * ways that go together. The first one whose variables are all set is used; an empty one is anonymous. `:auth` (a map,
 * or a vector of maps) and `:auth_env_var` say the same of one way, and come before `:security`.
 *
 * The input of a call is one map. Each parameter is the key `:as`, or its own name; the body, whole, is the key
 * `body`, or what its `:as` says. So nothing of a body can meet a parameter. The importer gives `:as` where two
 * names would meet: the place is added to the later one (`id_query`, `id_header`, `id_cookie`), `request_body`
 * where a parameter is called `body`, and a number where that is taken, too. Keys that nothing declares are
 * refused, except where a block declares neither `:parameters` nor `:request_body`: then the placeholders of the
 * path are taken from the input, and the rest is the query (GET, HEAD, DELETE, OPTIONS), or else a JSON body.
 */
export interface Operation {
  /** In capitals. */
  readonly method: string;
  /** The template, from its first `/`. */
  readonly path: string;
  /** Undefined where the block declares neither parameters nor a body. */
  readonly parameters: readonly Parameter[] | undefined;
  readonly requestBody: RequestBody | undefined;
  /** Sent with every call: `:query {:current true}`. */
  readonly query: JsonObject;
  /** By status (`200`, `4XX`, `default`). */
  readonly responses: ReadonlyMap<string, ResponseDeclaration>;
  /** Media types to ask for, in order; empty: those of the responses, or any. */
  readonly accept: readonly string[];
  /** The input key with which a caller asks for another media type: `:accept_as "accept"`. */
  readonly acceptAs: string | undefined;
  /** `value`: the body as it was decoded. `response`: `{status, headers, content_type, body}`. */
  readonly result: "value" | "response";
  readonly pagination: Pagination | undefined;
  /** The header that makes a call repeatable: `:idempotency_key true` is `Idempotency-Key`. */
  readonly idempotencyKey: string | undefined;
}

export type ParameterPlace = "path" | "query" | "header" | "cookie";

export type ParameterStyle = "simple" | "label" | "matrix" | "form" | "spaceDelimited" | "pipeDelimited" | "deepObject";

export interface Parameter {
  readonly name: string;
  readonly in: ParameterPlace;
  /** The key of the input. */
  readonly as: string;
  /** Default: `simple` in paths and headers, `form` in queries and cookies. */
  readonly style: ParameterStyle;
  /** Default: true for `form`, else false. */
  readonly explode: boolean;
  /** Query only: reserved characters of RFC 3986 are left as they are. */
  readonly allowReserved: boolean;
  /** In paths always. */
  readonly required: boolean;
  /** Instead of a style: the value is written in this media type, such as `application/json`. */
  readonly content: string | undefined;
}

export interface RequestBody {
  /** The key of the input that holds the body, whole. */
  readonly as: string;
  readonly required: boolean;
  /** By media type. The first JSON one is the default, else the first. */
  readonly content: ReadonlyMap<string, MediaType>;
  /** The input key with which a caller chooses one of several media types. */
  readonly contentTypeAs: string | undefined;
}

export interface MediaType {
  /** For forms and multipart: how a property is written. */
  readonly encoding: ReadonlyMap<string, Encoding>;
}

export interface Encoding {
  /** Multipart: the media type of the part. */
  readonly contentType: string | undefined;
  /** Forms, and multipart without a content type: as for parameters in a query. */
  readonly style: ParameterStyle | undefined;
  readonly explode: boolean | undefined;
  readonly allowReserved: boolean;
  /** Multipart: further headers of the part. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface ResponseDeclaration {
  readonly description: string | undefined;
  /** Media types; empty where none is declared. */
  readonly content: readonly string[];
}

/**
 * How a result goes on. Nothing declared: by the `Link` header (`rel="next"`), as far as there is one.
 *
 * - `cursor`: `:cursor_path` in the answer is the value of `:cursor_param` for the next page; ends where it is
 *   missing, null or empty, or where `:more_path` is false.
 * - `next`: `:next_path` in the answer is the address of the next page, within the same origin.
 * - `page`: `:page_param` counts up from `:first_page` (1) until a page has no items.
 * - `offset`: `:offset_param` counts items until a page has none.
 * - `none`: a call has one page.
 */
export interface Pagination {
  readonly kind: "link" | "cursor" | "next" | "page" | "offset" | "none";
  /** The parameter by its name in the request: the cursor, page or offset. */
  readonly param: string | undefined;
  /** Where that parameter goes. Default `query`. */
  readonly paramIn: "query" | "body";
  readonly cursorPath: JsonPath | undefined;
  readonly nextPath: JsonPath | undefined;
  readonly morePath: JsonPath | undefined;
  /** Where the items are; undefined: the answer itself is the list. */
  readonly itemsPath: JsonPath | undefined;
  readonly firstPage: number;
  /** Default 1000. */
  readonly maxPages: number;
}

/**
 * Bytes in JSON, in inputs and results alike: `{:data "BASE64" :content_type "image/png" :filename "a.png"}`.
 * In an input `:text` may stand instead of `:data`, and the other two may be missing.
 */
export interface FileValue {
  readonly [key: string]: JsonValue;
}
