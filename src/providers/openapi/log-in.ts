import type { Dispatcher } from "undici";

import {
  CcosError,
  fail,
  getOwn,
  isJsonObject,
  parseJson,
  type JsonObject,
  type JsonValue,
  valueAt,
} from "../../kernel/index.ts";
import {
  ACCEPT_ENCODING,
  addressOf,
  BrokenBody,
  credentialRemedy,
  isHeaderValue,
  openCookies,
  readText,
  send,
  statusFailure,
  wordsOf,
  type CookieSession,
  type HttpFailureContext,
  type HttpMethod,
  type HttpRequest,
  type HttpResponse,
} from "../../http/index.ts";
import type { SessionContext, Target } from "../../session/handler.ts";
import { readCsrfToken } from "./csrf-token.ts";
import type { CsrfPlan, LoginPlan } from "./read-login.ts";
import type { RestSettings } from "./target.ts";
import { writeBody } from "./write-body.ts";

/** What a login gave: everything that has to go along with each request. */
export interface LoggedIn {
  readonly cookies: CookieSession;
  /** The token against forged requests, where it came before the login and not with a cookie. */
  readonly csrf: string | undefined;
  /** What goes into the header for tokens. */
  readonly token: string | undefined;
  /** On the wall clock, where the service said so. */
  readonly expiresAt: number | undefined;
}

export interface LoginOptions {
  readonly dispatcher: Dispatcher;
  /** The headers of the place. */
  readonly headers: Readonly<Record<string, string>>;
  readonly context: SessionContext;
  readonly signal: AbortSignal;
}

const MOST_BYTES = 4 * 1024 * 1024;
/** Statuses with which services refuse a name or a password. */
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 403, 422]);

/** Begins a session as the plan says. Throws `unauthenticated` where the service refuses, naming the variable. */
export async function logIn(target: Target, plan: LoginPlan, options: LoginOptions): Promise<LoggedIn> {
  const { context } = options;
  if (plan.missing !== undefined) {
    fail("unauthenticated", `Nobody can log in at ${target.endpoint}: the variable ${plan.missing} is not set.`, {
      remedy: `Set ${plan.missing}.`,
    });
  }
  const settings = target.settings as RestSettings;
  const where: HttpFailureContext = { phase: "open", sent: true, target, where: `Logging in at ${target.endpoint}` };
  const cookies = await openCookies();
  const ask = async (method: HttpMethod, path: string, part: Partial<HttpRequest> = {}): Promise<HttpResponse> => {
    const url = urlOf(settings, path);
    const cookie = cookies.header(url, getOwn(options.headers, "cookie"));
    const headers = {
      "user-agent": "ccos",
      "accept-encoding": ACCEPT_ENCODING,
      ...options.headers,
      ...part.headers,
      ...(cookie !== undefined && { cookie }),
    };
    const response = await send(options.dispatcher, addressOf(url), {
      ...part,
      method,
      headers,
      signal: options.signal,
    });
    cookies.take(url, response);
    for (const secret of cookies.secrets()) context.addSecret(secret);
    return response;
  };

  const csrf = await csrfToken(plan.csrf, cookies, settings, ask, where, context);
  const response = await ask(plan.method, plan.path, loginRequest(plan, csrf));
  const text = await readText(response, MOST_BYTES);
  if (!succeeded(response, plan, settings)) throw refused(response, text, target, where, context);
  const answer = answerOf(text);
  const token = tokenIn(answer, plan);
  if (token !== undefined) context.addSecret(token);
  if (token === undefined && !cookies.has(urlOf(settings, "/"))) {
    const remedy =
      plan.tokenPath === undefined
        ? "Check :path of :login, or say with :token_path where its answer holds a token."
        : "Check :token_path of :login.";
    fail(
      "protocol-error",
      `${where.where} failed: the answer (HTTP ${response.status}) holds neither a cookie nor a token.`,
      { remedy },
    );
  }
  const seconds = plan.expiresInPath === undefined ? undefined : Number(valueAt(answer, plan.expiresInPath));
  return {
    cookies,
    csrf: plan.csrf?.from === "cookie" ? undefined : csrf,
    token,
    // When cookies end says nothing: a service deletes some of them with a date of the past, and others are not the session's.
    expiresAt: seconds !== undefined && seconds > 0 ? context.clock.now() + seconds * 1000 : undefined,
  };
}

/** A path below the base URL, with what every query has. */
export function urlOf({ base, baseQuery }: RestSettings, path: string): URL {
  const between = path.includes("?") ? "&" : "?";
  return new URL(base + path + (baseQuery === "" ? "" : between + baseQuery));
}

/** The token that goes along with a request that changes something, as it is now. */
export function csrfOf(plan: CsrfPlan, { cookies, csrf }: LoggedIn, settings: RestSettings): string | undefined {
  return plan.from === "cookie" ? cookieNamed(cookies, plan.name, settings) : csrf;
}

function cookieNamed(cookies: CookieSession, name: string, settings: RestSettings): string | undefined {
  const pairs = (cookies.header(urlOf(settings, "/")) ?? "").split("; ");
  const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  if (value === undefined) return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

async function csrfToken(
  plan: CsrfPlan | undefined,
  cookies: CookieSession,
  settings: RestSettings,
  ask: (method: HttpMethod, path: string) => Promise<HttpResponse>,
  where: HttpFailureContext,
  context: SessionContext,
): Promise<string | undefined> {
  if (plan?.path === undefined) return undefined;
  const response = await ask("GET", plan.path);
  const text = await readText(response, MOST_BYTES);
  if (response.status >= 400) throw statusFailure(response, text, where, context.clock.now());
  const token =
    plan.from === "cookie" ? cookieNamed(cookies, plan.name, settings) : readCsrfToken(plan, response, text);
  if (token === undefined || token === "" || !isHeaderValue(token)) {
    return fail("protocol-error", `${where.where} failed: ${plan.path} gives no token against forged requests.`, {
      remedy: "Check :csrf of :login.",
    });
  }
  context.addSecret(token);
  return token;
}

function loginRequest(plan: LoginPlan, csrf: string | undefined): Partial<HttpRequest> {
  const headers: Record<string, string> = { accept: "application/json, */*;q=0.5" };
  let { body } = plan;
  if (csrf !== undefined && plan.csrf?.sendHeader !== undefined) headers[plan.csrf.sendHeader] = csrf;
  if (csrf !== undefined && plan.csrf?.sendField !== undefined) {
    body = { ...(isJsonObject(body ?? null) ? (body as JsonObject) : {}), [plan.csrf.sendField]: csrf };
  }
  if (body === undefined || plan.method === "GET") return { headers };
  const content = new Map([[plan.contentType, { encoding: new Map() }]]);
  const refuse = (what: string): never => fail("invalid-argument", `:body of :login ${what}.`);
  const written = writeBody({ as: "body", required: true, content, contentTypeAs: undefined }, body, undefined, refuse);
  return { headers: { ...headers, "content-type": written.contentType }, body: written.body };
}

function succeeded(response: HttpResponse, plan: LoginPlan, settings: RestSettings): boolean {
  const { status } = response;
  if (plan.successStatuses.length > 0) return plan.successStatuses.includes(status);
  if (status >= 200 && status < 300) return true;
  return (
    status >= 300 &&
    status < 400 &&
    !leadsTo(response.header("location"), plan.loginPage, urlOf(settings, plan.path), settings)
  );
}

/** Whether a place that an answer names is the page for logging in. */
export function leadsTo(location: string | undefined, page: string, from: URL, settings: RestSettings): boolean {
  if (location === undefined || !URL.canParse(location, from.href)) return false;
  const to = new URL(location, from.href);
  if (!page.startsWith("/")) return URL.canParse(page) && to.href.startsWith(new URL(page).href);
  const paths = [page, new URL(settings.base + page).pathname];
  return (
    to.origin === from.origin &&
    paths.some((path) => to.pathname.replace(/\/+$/, "") === (path.split("?", 1)[0] as string).replace(/\/+$/, ""))
  );
}

function refused(
  response: HttpResponse,
  text: string,
  target: Target,
  where: HttpFailureContext,
  context: SessionContext,
): CcosError {
  const { status } = response;
  if (!REFUSALS.has(status) && status >= 400) return statusFailure(response, text, where, context.clock.now());
  const words = wordsOf(text);
  const said = `${where.where} failed: HTTP ${status}${words === "" ? "." : `: ${words}`}`;
  return new CcosError("unauthenticated", said, { remedy: credentialRemedy(target, 401), details: { status } });
}

function answerOf(text: string): JsonValue | undefined {
  try {
    return text.trim() === "" ? undefined : parseJson(text);
  } catch {
    return undefined;
  }
}

function tokenIn(answer: JsonValue | undefined, { tokenPath }: LoginPlan): string | undefined {
  if (tokenPath === undefined) return undefined;
  const token = valueAt(answer, tokenPath);
  if (typeof token !== "string" || token === "") return undefined;
  if (!isHeaderValue(token)) throw new BrokenBody("holds a token that no header can carry");
  return token;
}
