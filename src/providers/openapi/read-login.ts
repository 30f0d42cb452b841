import {
  getOwn,
  isJsonObject,
  isSecretName,
  type JsonObject,
  type JsonValue,
  parsePath,
  type JsonPath,
} from "../../kernel/index.ts";
import { isHeaderName, requireEncryption, type HttpPlace } from "../../http/index.ts";
import type { SessionCapability, TargetContext } from "../../session/handler.ts";
import { isPlainPath } from "./expand-path.ts";
import { isMediaType } from "./media-type.ts";
import { complaintsOf, part, type Complain } from "./read-operation.ts";

/**
 * How a session is begun and ended where a service has sessions of its own, as `:login {…}` declares it; see
 * docs/openapi.md for each key. Texts in `:body` may name variables: `"${SHOP_PASSWORD}"`.
 */
export interface LoginPlan {
  readonly path: string;
  readonly method: "POST" | "PUT" | "PATCH" | "GET";
  readonly contentType: string;
  /** With the values of the variables. */
  readonly body: JsonValue | undefined;
  /** Statuses that say that the login succeeded; empty: 2xx, and redirects that do not lead back to the login. */
  readonly successStatuses: readonly number[];
  readonly csrf: CsrfPlan | undefined;
  /** Where the answer holds a token, which then goes along with each request. */
  readonly tokenPath: JsonPath | undefined;
  readonly tokenHeader: string;
  readonly tokenPrefix: string;
  /** Where the answer says how many seconds the session lasts. */
  readonly expiresInPath: JsonPath | undefined;
  /** Statuses that say that the service does not know the session. */
  readonly lostStatuses: readonly number[];
  /** A redirect to this path, or URL, says the same. */
  readonly loginPage: string;
  readonly logout: { readonly path: string; readonly method: "POST" | "DELETE" | "GET" | "PUT" } | undefined;
  /** A variable that is named and not set: nobody can log in. */
  readonly missing: string | undefined;
  readonly source: string | undefined;
  readonly credentials: Readonly<Record<string, string>>;
  /** What tells sessions apart, without secrets. */
  readonly shape: string;
}

/** Where a token against forged requests comes from, and how it goes along with requests that change something. */
export interface CsrfPlan {
  /** Asked for with GET before the login; undefined: nothing is. */
  readonly path: string | undefined;
  readonly from: "cookie" | "header" | "body" | "field" | "meta";
  readonly name: string;
  readonly bodyPath: JsonPath | undefined;
  readonly sendHeader: string | undefined;
  /** The field of the login's body. */
  readonly sendField: string | undefined;
}

/** 401, and what frameworks answer where a session has ended (419, 440). */
const LOST = [401, 419, 440];
const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;
const NESTED = 8;

export function readLogin(
  capability: SessionCapability,
  context: TargetContext,
  place: HttpPlace,
): LoginPlan | undefined {
  const value = part(capability, "login");
  if (value === undefined) return undefined;
  const blame = complaintsOf(capability);
  const complain: Complain = (what, remedy) => blame(`:login: ${what}`, remedy);
  if (!isJsonObject(value)) return complain("it is no map.");
  const text = (key: string): string | undefined => textIn(value, key, complain);
  const path = pathIn(value, "path", complain) ?? complain("it has no :path.");
  const contentType = text("content_type") ?? "application/json";
  if (!isMediaType(contentType)) complain(":content_type is no media type.");
  const { body, ...secrets } = fillIn(getOwn<JsonValue>(value, "body"), context, place, complain);
  requireEncryption(place.url, secrets.credentials, capability.id);
  const tokenHeader = (text("token_header") ?? "authorization").toLowerCase();
  if (!isHeaderName(tokenHeader)) complain(":token_header is no name of a header.");
  const csrf = readCsrf(getOwn<JsonValue>(value, "csrf"), complain);
  const logout = readLogout(getOwn<JsonValue>(value, "logout"), complain);
  return {
    path,
    method: methodIn(value, ["POST", "PUT", "PATCH", "GET"], complain),
    contentType,
    body,
    successStatuses: statusesIn(value, "success_statuses", complain) ?? [],
    csrf,
    tokenPath: jsonPathIn(value, "token_path", complain),
    tokenHeader,
    tokenPrefix: text("token_prefix") ?? (tokenHeader === "authorization" ? "Bearer" : ""),
    expiresInPath: jsonPathIn(value, "expires_in_path", complain),
    lostStatuses: statusesIn(value, "lost_statuses", complain) ?? LOST,
    loginPage: text("login_page") ?? path,
    logout,
    ...secrets,
    shape: JSON.stringify([
      path,
      contentType,
      shown(getOwn<JsonValue>(value, "body")),
      getOwn<JsonValue>(value, "csrf") ?? null,
    ]),
  };
}

interface Filled {
  readonly body: JsonValue | undefined;
  readonly missing: string | undefined;
  readonly source: string | undefined;
  readonly credentials: Readonly<Record<string, string>>;
}

/** Puts the values of variables into the body; every one of them, and what the file holds of secrets, is a credential. */
function fillIn(body: JsonValue | undefined, context: TargetContext, { url }: HttpPlace, complain: Complain): Filled {
  const credentials: Record<string, string> = {};
  const sources: string[] = [];
  let missing: string | undefined;
  const take = (variable: string): string => {
    const secret = context.secret(variable, { origin: url.origin });
    if (!sources.includes(variable)) sources.push(variable);
    if (secret === undefined || secret === "") missing ??= variable;
    else credentials[`login ${variable}`] = secret;
    return secret ?? "";
  };
  const fill = (value: JsonValue, name: string, depth: number): JsonValue => {
    if (depth > NESTED) return complain(`:body nests deeper than ${NESTED} levels.`);
    if (Array.isArray(value)) return value.map((item) => fill(item, name, depth + 1));
    if (isJsonObject(value)) {
      const filled = Object.create(null) as JsonObject;
      for (const [key, inner] of Object.entries(value)) filled[key] = fill(inner, key, depth + 1);
      return filled;
    }
    if (typeof value !== "string") return value;
    const text = value.replace(VARIABLE, (_match, variable: string) => take(variable));
    if (text === value && text !== "" && isSecretName(name)) credentials[`login field ${name}`] = text;
    return text;
  };
  const filled = body === undefined || body === null ? undefined : fill(body, "", 0);
  return { body: filled, missing, source: sources.at(-1), credentials };
}

/** The body as the file has it, with names of variables and without secrets. */
function shown(value: JsonValue | undefined, name = ""): JsonValue {
  if (Array.isArray(value)) return value.map((item) => shown(item, name));
  if (isJsonObject(value)) return Object.entries(value).map(([key, inner]) => [key, shown(inner, key)]);
  const isLiteral = typeof value === "string" && value.search(VARIABLE) < 0;
  return isLiteral && isSecretName(name) ? "" : (value ?? null);
}

function readCsrf(value: JsonValue | undefined, complain: Complain): CsrfPlan | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) return complain(":csrf is no map.");
  const within: Complain = (what) => complain(`:csrf: ${what}`);
  const from = (["cookie", "header", "field", "meta"] as const).find((key) => textIn(value, key, within) !== undefined);
  const bodyPath = jsonPathIn(value, "body_path", within);
  if (from === undefined && bodyPath === undefined)
    within("it has none of :cookie, :header, :field, :meta and :body_path.");
  const sendField = textIn(value, "send_field", within);
  const sendHeader = textIn(value, "send_header", within) ?? (sendField === undefined ? "x-csrf-token" : undefined);
  if (sendHeader !== undefined && !isHeaderName(sendHeader)) within(":send_header is no name of a header.");
  const path = pathIn(value, "path", within);
  if (path === undefined && from !== "cookie") within("it has no :path to get the token from.");
  const name = from === undefined ? "" : (textIn(value, from, within) as string);
  return { path, from: from ?? "body", name, bodyPath, sendHeader: sendHeader?.toLowerCase(), sendField };
}

function readLogout(value: JsonValue | undefined, complain: Complain): LoginPlan["logout"] {
  if (value === undefined || value === null) return undefined;
  const within: Complain = (what) => complain(`:logout: ${what}`);
  if (!isJsonObject(value)) return within("it is no map.");
  return {
    path: pathIn(value, "path", within) ?? within("it has no :path."),
    method: methodIn(value, ["POST", "DELETE", "GET", "PUT"], within),
  };
}

function textIn(object: JsonObject, key: string, complain: Complain): string | undefined {
  const value = getOwn<JsonValue>(object, key);
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? value : complain(`:${key} is no text.`);
}

/** Below the base URL: where credentials go is decided there, and not by a path. */
function pathIn(object: JsonObject, key: string, complain: Complain): string | undefined {
  const path = textIn(object, key, complain);
  if (path === undefined) return undefined;
  return isPlainPath(path) ? path : complain(`:${key} is no path that begins with "/".`);
}

function jsonPathIn(object: JsonObject, key: string, complain: Complain): JsonPath | undefined {
  const value = getOwn<JsonValue>(object, key);
  if (value === undefined || value === null) return undefined;
  return parsePath(value) ?? complain(`:${key} is no path into JSON.`, 'Write it such as "data.token".');
}

function methodIn<M extends string>(object: JsonObject, allowed: readonly [M, ...M[]], complain: Complain): M {
  const method = textIn(object, "method", complain)?.toUpperCase();
  if (method === undefined) return allowed[0];
  return allowed.find((known) => known === method) ?? complain(`:method is none of ${allowed.join(", ")}.`);
}

function statusesIn(object: JsonObject, key: string, complain: Complain): number[] | undefined {
  const value = getOwn<JsonValue>(object, key);
  if (value === undefined || value === null) return undefined;
  const statuses = (Array.isArray(value) ? value : [value]).map(Number);
  return statuses.every((status) => Number.isInteger(status) && status >= 200 && status <= 599)
    ? statuses
    : complain(`:${key} holds what is no status.`);
}
