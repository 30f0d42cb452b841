import { createHash, randomUUID } from "node:crypto";
import { channel } from "node:diagnostics_channel";

import { CcosError, readRateHeaders } from "../../kernel/index.ts";
import {
  addressOf,
  RedirectRefused,
  send,
  sendAndFollow,
  type Followed,
  type HttpMethod,
  type HttpResponse,
} from "../../http/index.ts";
import type { SessionCall, SessionContext } from "../../session/handler.ts";
import { OWN_HEADERS, type Connection } from "./connect.ts";
import { csrfOf, leadsTo, urlOf } from "./log-in.ts";
import { refusalOf } from "./map-error.ts";
import type { LoginPlan } from "./read-login.ts";
import type { OperationRequest } from "./request.ts";
import type { RestSettings } from "./target.ts";

/** Methods that change nothing, and so need no token against forged requests. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);
const httpRequests = channel("undici:request:create");

/** One request of a call, with what the session adds to it. Gives the answer of a success, and throws for any other. */
export async function sendRequest(
  connection: Connection,
  request: OperationRequest,
  url: URL,
  call: SessionCall,
  context: SessionContext,
): Promise<HttpResponse> {
  const settings = call.target.settings as RestSettings;
  const { login } = connection;
  let followed: Followed;
  try {
    followed = await sendAndFollow(
      connection.dispatcher,
      url,
      {
        method: request.method as HttpMethod,
        headers: headersOf(connection, request, url, call, settings),
        body: request.body,
        signal: call.signal,
        started: () => call.sent(),
      },
      { headersElsewhere: { ...OWN_HEADERS, accept: request.headers["accept"] as string } },
    );
  } catch (error) {
    if (error instanceof RedirectRefused && isLoginOrigin(error.to, login?.plan.loginPage)) throw lost(call);
    throw error;
  }
  const { response } = followed;
  const now = context.clock.now();
  const news = readRateHeaders((name) => response.header(name), now);
  if (news !== undefined) call.limited?.(news);
  if (login !== undefined) {
    if (login.cookies.take(followed.url, response))
      for (const secret of login.cookies.secrets()) context.addSecret(secret);
    if (isLost(followed, url, login.plan, settings)) {
      await response.discard();
      throw lost(call);
    }
  }
  if (response.status < 300 || response.status === 304) return response;
  throw await refusalOf(response, settings.operation, { phase: "execute", sent: true, target: call.target }, now);
}

function headersOf(
  connection: Connection,
  request: OperationRequest,
  url: URL,
  call: SessionCall,
  settings: RestSettings,
): Record<string, string> {
  const headers = sessionHeaders(connection, request.method, url, settings, request.headers, request.cookies);
  const { idempotencyKey } = settings.operation;
  if (idempotencyKey !== undefined) headers[idempotencyKey] ??= idempotencyKeyOf(call);
  // Whoever watches our HTTP client adds the headers of a trace by itself; twice, they would be worth nothing.
  return call.headers === undefined || httpRequests.hasSubscribers ? headers : { ...call.headers, ...headers };
}

/** Headers with what every request of a session carries: its credentials, its cookies, its token against forged requests. */
function sessionHeaders(
  connection: Connection,
  method: string,
  url: URL,
  settings: RestSettings,
  own: Readonly<Record<string, string>>,
  cookies = "",
): Record<string, string> {
  const headers: Record<string, string> = { ...connection.headers, ...own, ...connection.credentialHeaders };
  const { login } = connection;
  if (login?.plan.csrf?.sendHeader !== undefined && !SAFE.has(method)) {
    const token = csrfOf(login.plan.csrf, login, settings);
    if (token !== undefined) headers[login.plan.csrf.sendHeader] = token;
  }
  if (cookies !== "")
    headers["cookie"] = headers["cookie"] === undefined ? cookies : `${headers["cookie"]}; ${cookies}`;
  const cookie = login?.cookies.header(url, headers["cookie"]);
  if (cookie !== undefined) headers["cookie"] = cookie;
  return headers;
}

/** Whether a session is alive: whether the service answers to it at a path with success. */
export async function probe(
  connection: Connection,
  settings: RestSettings,
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  const url = urlOf(settings, path);
  const headers = sessionHeaders(connection, "GET", url, settings, { accept: "*/*" });
  try {
    const response = await send(connection.dispatcher, addressOf(url), { method: "GET", headers, signal });
    await response.discard();
    return response.status < 300;
  } catch {
    return false;
  }
}

/** Ends a session where its login says how; what the service answers changes nothing. */
export async function logOut(connection: Connection, settings: RestSettings, signal: AbortSignal): Promise<void> {
  const logout = connection.login?.plan.logout;
  if (logout === undefined) return;
  const url = urlOf(settings, logout.path);
  const headers = sessionHeaders(connection, logout.method, url, settings, { accept: "*/*" });
  const response = await send(connection.dispatcher, addressOf(url), { method: logout.method, headers, signal });
  await response.discard();
}

/** The same for every execution of a call. In the form of a UUID, which every server takes. */
function idempotencyKeyOf({ callId }: SessionCall): string {
  if (callId === undefined) return randomUUID();
  const hex = createHash("sha256").update(callId).digest("hex");
  // Version 8: made as one likes (RFC 9562, section 5.8).
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Whether an answer says that nobody is logged in: by its status, or by leading to the page for that. */
function isLost(
  { response, url }: Followed,
  asked: URL,
  { lostStatuses, loginPage }: LoginPlan,
  settings: RestSettings,
): boolean {
  if (lostStatuses.includes(response.status)) return true;
  if (url.href !== asked.href && leadsTo(url.href, loginPage, asked, settings)) return true;
  return (
    response.status >= 300 && response.status < 400 && leadsTo(response.header("location"), loginPage, url, settings)
  );
}

/** A page for logging in may be one of another service, such as a single sign-on. */
function isLoginOrigin(origin: string, page: string | undefined): boolean {
  return page !== undefined && URL.canParse(page) && new URL(page).origin === origin;
}

function lost({ target }: SessionCall): CcosError {
  return new CcosError("session-lost", `${target.endpoint} no longer knows the session: it asks to log in.`);
}
