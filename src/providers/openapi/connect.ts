import type { Dispatcher } from "undici";

import { CcosError, type JsonObject } from "../../kernel/index.ts";
import { ACCEPT_ENCODING, openCookies, type Authorizer } from "../../http/index.ts";
import type { SessionContext, Target } from "../../session/handler.ts";
import { logIn, type LoggedIn } from "./log-in.ts";
import type { LoginPlan } from "./read-login.ts";
import { readRecord } from "./session-record.ts";
import type { RestSettings } from "./target.ts";

/** An open session: what goes along with each of its requests. */
export interface Connection {
  readonly dispatcher: Dispatcher;
  /** What every request begins with: who we are, the headers of the place, the token of the login. */
  readonly headers: Readonly<Record<string, string>>;
  /** The ones among them that no call may replace. */
  readonly credentialHeaders: Readonly<Record<string, string>>;
  readonly login: (LoggedIn & { readonly plan: LoginPlan }) | undefined;
}

/** What goes along with every request, wherever it goes. */
export const OWN_HEADERS = { "user-agent": "ccos", "accept-encoding": ACCEPT_ENCODING } as const;

export interface ConnectOptions {
  readonly dispatcher: Dispatcher;
  readonly authorizer: Authorizer;
  readonly openTimeoutMs: number;
}

export interface Connected {
  readonly connection: Connection;
  readonly expiresAt: number | undefined;
}

/** Opens a session: fetches a token, or logs in, where the capability says so. Otherwise nothing is sent. */
export async function connect(target: Target, options: ConnectOptions, context: SessionContext): Promise<Connected> {
  const { place, login: plan } = target.settings as RestSettings;
  const { headers, expiresAt } = await options.authorizer.open(place, context);
  if (plan === undefined) return { connection: connectionOf(target, options, headers, undefined), expiresAt };
  for (const secret of Object.values(plan.credentials)) context.addSecret(secret);
  const silent = new AbortController();
  const timer = setTimeout(() => silent.abort(), options.openTimeoutMs);
  try {
    const signal = AbortSignal.any([context.signal, silent.signal]);
    const answer = await logIn(target, plan, { dispatcher: options.dispatcher, headers, context, signal });
    const connection = connectionOf(target, options, headers, { ...answer, plan });
    return { connection, expiresAt: earlier(expiresAt, answer.expiresAt) };
  } catch (error) {
    if (!silent.signal.aborted || context.signal.aborted) throw error;
    throw new CcosError(
      "unavailable",
      `Logging in at ${target.endpoint} failed: no answer within ${options.openTimeoutMs} ms.`,
      {
        remedy: "Check that the address is right and that the server is well.",
        cause: error,
      },
    );
  } finally {
    clearTimeout(timer);
  }
}

function connectionOf(
  target: Target,
  { dispatcher }: ConnectOptions,
  placeHeaders: Readonly<Record<string, string>>,
  login: Connection["login"],
): Connection {
  const { place } = target.settings as RestSettings;
  const own: Record<string, string> = {};
  if (login?.token !== undefined) {
    const { tokenHeader, tokenPrefix } = login.plan;
    own[tokenHeader] = tokenPrefix === "" ? login.token : `${tokenPrefix} ${login.token}`;
  }
  const headers = { ...OWN_HEADERS, ...placeHeaders, ...own };
  const decided = new Set(["authorization", ...Object.keys(place.credential.headers), ...Object.keys(own)]);
  const credentialHeaders = Object.fromEntries(
    Object.entries(headers).filter(([name]) => decided.has(name) && name !== "cookie"),
  );
  return { dispatcher, headers, credentialHeaders, login };
}

/** A session that another process opened; nothing goes over the wire. Undefined where the record is unreadable. */
export async function reconnect(
  snapshot: JsonObject,
  target: Target,
  options: ConnectOptions,
  context: SessionContext,
): Promise<Connected | undefined> {
  const { place, login: plan } = target.settings as RestSettings;
  const record = readRecord(snapshot);
  if (plan === undefined || record === undefined) return undefined;
  const { csrf, token } = record;
  const cookies = await openCookies(record.cookies);
  const secrets = [...Object.values(plan.credentials), ...cookies.secrets(), csrf, token];
  for (const secret of secrets) if (secret !== undefined) context.addSecret(secret);
  const { headers, expiresAt } = await options.authorizer.open(place, context);
  const login = { cookies, csrf, token, plan, expiresAt: record.expiresAt };
  return { connection: connectionOf(target, options, headers, login), expiresAt: earlier(expiresAt, record.expiresAt) };
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  const at = Math.min(one ?? Infinity, other ?? Infinity);
  return at === Infinity ? undefined : at;
}
