import * as oauth from "oauth4webapi";
import type { Dispatcher } from "undici";

import { fail, isCcosError, isLoopbackHost, oneLine, type Clock } from "../kernel/index.ts";
import type { Target } from "../session/handler.ts";
import { endOf, type Tokens } from "./authorizer.ts";
import { clientAuthenticationOf } from "./client-authentication.ts";
import { statusFailure, type HttpFailureContext } from "./failure.ts";
import { fetchThrough } from "./fetch-through.ts";
import type { IdentityExchange, OAuthPlan } from "./oauth-plan.ts";
import { tokenFailure } from "./token-failure.ts";

export interface TokenSurroundings {
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  /** Gives the request up. */
  readonly signal?: AbortSignal | undefined;
  addSecret(secret: string): void;
}

const REQUEST_TIMEOUT_MS = 20_000;

/**
 * Asks a token endpoint for an access token: by client credentials (RFC 6749, section 4.4) or with a refresh token
 * (section 6). The secrets of the plan go to the origin that it declares, and nowhere else.
 */
export async function requestTokens(plan: OAuthPlan, around: TokenSurroundings): Promise<Tokens> {
  const place = plan.tokenUrl ?? plan.issuer ?? plan.origin;
  const context = failureAt(plan, place);
  const through = fetchThrough(around.dispatcher, {
    signal: AbortSignal.any([
      AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      ...(around.signal === undefined ? [] : [around.signal]),
    ]),
    allow(url) {
      if (url.origin === plan.origin || url.href === plan.exchange?.tokenUrl) return;
      fail("permission-denied", `${context.where} failed: the issuer names an endpoint at ${url.origin}.`, {
        remedy: "If that is right, declare it with :token_url; secrets go only to the origin that is declared.",
      });
    },
  });
  const options = {
    [oauth.customFetch]: async (url: string, init: RequestInit): Promise<Response> => {
      const answer = await through(url, init);
      // A service that is ill says so in its own words, which are no answer of the protocol.
      if (answer.status < 500 && answer.status !== 429) return answer;
      const head = { status: answer.status, header: (name: string) => answer.headers.get(name) ?? undefined };
      throw statusFailure(head, await answer.text(), context, around.clock.now());
    },
    // Only this machine is reached without encryption, and the address has been checked for that.
    [oauth.allowInsecureRequests]: isLoopbackHost(new URL(place).hostname),
  };
  try {
    const server = await serverOf(plan, options);
    const client: oauth.Client = { client_id: plan.clientId ?? "" };
    const authentication = clientAuthenticationOf(plan);
    const obtainedAt = around.clock.now();
    const extra: Record<string, string> = {
      ...(plan.scope !== undefined && { scope: plan.scope }),
      ...(plan.audience !== undefined && { audience: plan.audience }),
      ...(plan.resource !== undefined && { resource: plan.resource }),
    };
    const parameters = { server, client, authentication, options };
    const answer = await requestBy(plan, parameters, extra, through, around);
    for (const secret of [answer.access_token, answer.refresh_token])
      if (secret !== undefined) around.addSecret(secret);
    if (answer.token_type.toLowerCase() !== "bearer") {
      fail("protocol-error", `${context.where} failed: its tokens are of the type ${oneLine(answer.token_type, 40)}.`, {
        remedy: "Only bearer tokens are supported here.",
      });
    }
    return {
      accessToken: answer.access_token,
      expiresAt: endOf(answer.expires_in, obtainedAt),
      refreshToken: answer.refresh_token,
    };
  } catch (error) {
    throw tokenFailure(error, plan, context, REQUEST_TIMEOUT_MS);
  }
}

/** How requests are made; every kind of request takes these. */
interface Options {
  readonly [oauth.customFetch]: (url: string, init: RequestInit) => Promise<Response>;
  readonly [oauth.allowInsecureRequests]: boolean;
}

interface TokenRequest {
  readonly server: oauth.AuthorizationServer;
  readonly client: oauth.Client;
  readonly authentication: oauth.ClientAuth;
  readonly options: Options;
}

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

async function requestBy(
  plan: OAuthPlan,
  { server, client, authentication, options }: TokenRequest,
  extra: Readonly<Record<string, string>>,
  through: typeof fetch,
  around: TokenSurroundings,
): Promise<oauth.TokenEndpointResponse> {
  switch (plan.grant) {
    case "client_credentials": {
      const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, extra, options);
      return oauth.processClientCredentialsResponse(server, client, answer);
    }
    case "refresh_token": {
      const more = { ...options, additionalParameters: extra };
      const token = plan.refreshToken ?? "";
      const answer = await oauth.refreshTokenGrantRequest(server, client, authentication, token, more);
      return oauth.processRefreshTokenResponse(server, client, answer);
    }
    case "jwt_bearer":
    case "id_token_exchange": {
      const assertion = plan.assertion ?? (await exchangeIdentity(plan, server, through));
      around.addSecret(assertion);
      const form = { ...extra, assertion };
      const answer = await oauth.genericTokenEndpointRequest(server, client, authentication, JWT_BEARER, form, options);
      return oauth.processGenericTokenEndpointResponse(server, client, answer);
    }
  }
}

/** A statement of who a person is, for one issuer and one resource, from the provider of their identity (RFC 8693). */
async function exchangeIdentity(
  plan: OAuthPlan,
  server: oauth.AuthorizationServer,
  through: typeof fetch,
): Promise<string> {
  const { tokenUrl, clientId, clientSecret, idToken = "" } = plan.exchange as IdentityExchange;
  const body = new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    requested_token_type: "urn:ietf:params:oauth:token-type:id-jag",
    subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
    subject_token: idToken,
    audience: plan.audience ?? server.issuer,
    client_id: clientId,
    ...(clientSecret !== undefined && { client_secret: clientSecret }),
    ...(plan.resource !== undefined && { resource: plan.resource }),
    ...(plan.scope !== undefined && { scope: plan.scope }),
  });
  const answer = await through(tokenUrl, { method: "POST", headers: { accept: "application/json" }, body });
  const said = (await answer.json().catch(() => ({}))) as Readonly<Record<string, unknown>>;
  if (answer.ok && typeof said["access_token"] === "string") return said["access_token"];
  const { error, error_description } = said;
  if (typeof error === "string") throw Object.assign(new Error(error), { error, error_description });
  return fail("protocol-error", `The exchange at ${tokenUrl} gave no statement (HTTP ${answer.status}).`, {
    remedy: "Check :idp_token_url: what answers there exchanges no identity tokens.",
  });
}

/** What is known of an issuer: its token endpoint, declared or from its metadata (RFC 8414, or OpenID's). */
async function serverOf(plan: OAuthPlan, options: Options): Promise<oauth.AuthorizationServer> {
  if (plan.tokenUrl !== undefined)
    return { issuer: plan.issuer ?? new URL(plan.tokenUrl).origin, token_endpoint: plan.tokenUrl };
  const issuer = new URL(plan.issuer ?? plan.origin);
  let first: unknown;
  for (const algorithm of ["oauth2", "oidc"] as const) {
    try {
      return await oauth.processDiscoveryResponse(
        issuer,
        await oauth.discoveryRequest(issuer, { ...options, algorithm }),
      );
    } catch (error) {
      if (isCcosError(error)) throw error;
      first ??= error;
    }
  }
  throw first as Error;
}

function failureAt(plan: OAuthPlan, place: string): HttpFailureContext {
  const target: Target = {
    endpoint: place,
    credentials: plan.credentials,
    credentialSource: plan.source,
    shape: {},
    operation: "token",
    settings: undefined,
  };
  return { phase: "open", sent: true, target, where: `Fetching a token from ${oneLine(place, 200)}` };
}
