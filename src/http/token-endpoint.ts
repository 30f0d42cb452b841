import { createPrivateKey, type KeyObject } from "node:crypto";

import * as oauth from "oauth4webapi";
import type { Dispatcher } from "undici";

import { CcosError, fail, isCcosError, isLoopbackHost, oneLine, type Clock } from "../kernel/index.ts";
import type { Target } from "../session/handler.ts";
import type { Tokens } from "./authorizer.ts";
import { exchangeFailure, statusFailure, type HttpFailureContext } from "./failure.ts";
import { fetchThrough } from "./fetch-through.ts";
import type { OAuthPlan } from "./oauth-plan.ts";

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
      if (url.origin === plan.origin) return;
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
    const authentication = await authenticationOf(plan);
    const obtainedAt = around.clock.now();
    const extra: Record<string, string> = {
      ...(plan.scope !== undefined && { scope: plan.scope }),
      ...(plan.audience !== undefined && { audience: plan.audience }),
      ...(plan.resource !== undefined && { resource: plan.resource }),
    };
    const answer =
      plan.grant === "client_credentials"
        ? await oauth.processClientCredentialsResponse(
            server,
            client,
            await oauth.clientCredentialsGrantRequest(server, client, authentication, extra, options),
          )
        : await oauth.processRefreshTokenResponse(
            server,
            client,
            await oauth.refreshTokenGrantRequest(server, client, authentication, plan.refreshToken ?? "", {
              ...options,
              additionalParameters: extra,
            }),
          );
    for (const secret of [answer.access_token, answer.refresh_token])
      if (secret !== undefined) around.addSecret(secret);
    if (answer.token_type.toLowerCase() !== "bearer") {
      fail("protocol-error", `${context.where} failed: its tokens are of the type ${oneLine(answer.token_type, 40)}.`, {
        remedy: "Only bearer tokens are supported here.",
      });
    }
    return {
      accessToken: answer.access_token,
      expiresAt: answer.expires_in === undefined ? undefined : obtainedAt + answer.expires_in * 1000,
      refreshToken: answer.refresh_token,
    };
  } catch (error) {
    throw tokenFailure(error, plan, context);
  }
}

type Options = Parameters<typeof oauth.discoveryRequest>[1];

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
  throw first;
}

async function authenticationOf(plan: OAuthPlan): Promise<oauth.ClientAuth> {
  switch (plan.clientAuthentication) {
    case "client_secret_basic":
      return basic(plan.clientSecret ?? "");
    case "client_secret_post":
      return oauth.ClientSecretPost(plan.clientSecret ?? "");
    case "private_key_jwt":
      return oauth.PrivateKeyJwt(readKey(plan));
    case "none":
      return oauth.None();
  }
}

/**
 * RFC 6749, section 2.3.1: both parts form-encoded. What form encoding may leave as it is stays as it is, as servers
 * that do not decode are common.
 */
function basic(secret: string): oauth.ClientAuth {
  const encode = (text: string): string => new URLSearchParams({ "": text }).toString().slice(1);
  return (_server, client, _body, headers) => {
    const pair = `${encode(client.client_id)}:${encode(secret)}`;
    headers.set("authorization", `Basic ${Buffer.from(pair, "utf8").toString("base64")}`);
  };
}

/** A key for assertions, from PEM (PKCS #8, SEC 1 or PKCS #1) or a JWK. */
function readKey(plan: OAuthPlan): oauth.PrivateKey {
  const text = (plan.privateKey ?? "").replaceAll("\\n", "\n");
  let key: KeyObject;
  let kid = plan.keyId;
  try {
    if (text.trimStart().startsWith("{")) {
      const jwk = JSON.parse(text) as { readonly kid?: string };
      key = createPrivateKey({ key: jwk as never, format: "jwk" });
      kid ??= jwk.kid;
    } else key = createPrivateKey(text);
  } catch (error) {
    return fail("invalid-argument", `The private key in ${plan.source} is neither PEM nor a JWK.`, { cause: error });
  }
  const algorithm = algorithmOf(key, plan);
  const cryptoKey = key.toCryptoKey(algorithm, false, ["sign"]);
  return { key: cryptoKey, ...(kid !== undefined && { kid }) };
}

function algorithmOf(key: KeyObject, plan: OAuthPlan): Parameters<KeyObject["toCryptoKey"]>[0] {
  switch (key.asymmetricKeyType) {
    case "ec": {
      const curve = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" }[
        key.asymmetricKeyDetails?.namedCurve ?? ""
      ];
      if (curve !== undefined) return { name: "ECDSA", namedCurve: curve };
      break;
    }
    case "rsa":
      return { name: plan.algorithm?.startsWith("PS") ? "RSA-PSS" : "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    case "ed25519":
      return { name: "Ed25519" };
  }
  return fail("invalid-argument", `The private key in ${plan.source} is of a kind that signs no assertions.`, {
    remedy: "Use a key for ES256, RS256, PS256 or EdDSA.",
  });
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

/** Errors of the issuer (RFC 6749, section 5.2) and of the way to it. */
function tokenFailure(error: unknown, plan: OAuthPlan, context: HttpFailureContext): CcosError {
  if (isCcosError(error)) return error;
  const {
    error: code,
    error_description: text,
    name,
    message,
  } = error as {
    readonly error?: unknown;
    readonly error_description?: unknown;
    readonly name?: string;
    readonly message?: string;
  };
  if (typeof code === "string") {
    const said = `${context.where} failed: ${oneLine(code, 60)}${typeof text === "string" ? `: ${oneLine(text)}` : ""}`;
    return new CcosError(CLIENT_REFUSED.test(code) ? "unauthenticated" : "rejected", said, {
      remedy: remedyFor(code, plan),
      cause: error,
    });
  }
  if (name === "WWWAuthenticateChallengeError")
    return new CcosError("unauthenticated", `${context.where} failed: the client was refused.`, {
      remedy: remedyFor("invalid_client", plan),
      cause: error,
    });
  if (name === "TimeoutError")
    return new CcosError("unavailable", `${context.where} failed: no answer within ${REQUEST_TIMEOUT_MS} ms.`, {
      remedy: "Check that the issuer is well.",
      cause: error,
    });
  if (name === "OperationProcessingError" || name === "UnsupportedOperationError")
    return new CcosError("protocol-error", `${context.where} failed: ${oneLine(message ?? "")}.`, {
      remedy: "Check :token_url or :issuer: what answers there is no such endpoint.",
      cause: error,
    });
  return exchangeFailure(name === "TypeError" && error instanceof Error ? (error.cause ?? error) : error, context);
}

const CLIENT_REFUSED = /^(?:invalid_client|invalid_grant|unauthorized_client|access_denied)$/;

function remedyFor(code: string, plan: OAuthPlan): string {
  switch (code) {
    case "invalid_client":
    case "unauthorized_client":
      return `Check :client_id, the secret in ${plan.source}, and :client_auth (${plan.clientAuthentication} was used).`;
    case "invalid_grant":
      return plan.grant === "refresh_token"
        ? `The refresh token in ${plan.source} has expired, was revoked, or was used elsewhere; get another one.`
        : `The issuer refuses what is in ${plan.source}.`;
    case "invalid_scope":
      return "Correct :scope of :auth.";
    case "invalid_target":
      return "Correct :resource or :audience of :auth.";
    case "unsupported_grant_type":
      return `The issuer does not offer the grant ${plan.grant}.`;
    default:
      return "The issuer's own log may say more.";
  }
}
