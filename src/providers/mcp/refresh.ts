import {
  discoverOAuthProtectedResourceMetadata,
  discoverOAuthServerInfo,
  refreshAuthorization,
} from "@modelcontextprotocol/client";
import type { Dispatcher } from "undici";

import { endOf, fetchThrough, type OAuthPlan, type SignInRecord } from "../../http/index.ts";
import { CcosError, fail, isJsonObject } from "../../kernel/index.ts";
import type { SessionContext, Target } from "../../session/handler.ts";
import { isSameKeeper } from "./authorization.ts";
import { signInCommand } from "./credential-remedy.ts";
import { oauthFailure } from "./oauth-failure.ts";
import type { Challenge } from "./sign-in-plan.ts";
import type { HttpSettings } from "./target.ts";

const REQUEST_TIMEOUT_MS = 20_000;

/**
 * The next token of a sign-in. Its refresh token goes to the token endpoint that was found when the person signed in,
 * and nowhere else. The caller holds the lock, and keeps what this gives.
 */
export async function refresh(
  record: SignInRecord,
  target: Target,
  dispatcher: Dispatcher,
  context: SessionContext,
): Promise<SignInRecord> {
  const where = `Renewing the sign-in for ${record.endpoint}`;
  const { metadata, client, resource, authorizationServerUrl, proofKey } = record.details;
  const known = isJsonObject(metadata) ? metadata : undefined;
  const issuerUrl = textOf(authorizationServerUrl);
  const endpoint = new URL(textOf(known?.["token_endpoint"]) || "/token", issuerUrl);
  const fetchFn = fetchThrough(dispatcher, {
    signal: context.signal,
    timeoutMs: REQUEST_TIMEOUT_MS,
    allow(url) {
      if (url.origin !== endpoint.origin) fail("permission-denied", `${where} leads to ${url.origin}.`);
    },
  });
  try {
    const proof = isJsonObject(proofKey) ? await (await import("./proof.ts")).readProofKey(proofKey) : undefined;
    const obtainedAt = context.clock.now();
    const tokens = await refreshAuthorization(issuerUrl, {
      metadata: known as never,
      clientInformation: client as never,
      refreshToken: record.refreshToken as string,
      ...(typeof resource === "string" && { resource }),
      ...(proof !== undefined && { dpop: proof }),
      fetchFn,
    });
    for (const secret of [tokens.access_token, tokens.refresh_token])
      if (secret !== undefined) context.addSecret(secret);
    return {
      ...record,
      accessToken: tokens.access_token,
      tokenType: tokens.token_type,
      refreshToken: tokens.refresh_token ?? record.refreshToken,
      scope: tokens.scope ?? record.scope,
      expiresAt: endOf(tokens.expires_in, obtainedAt),
      obtainedAt,
    };
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    const failure = oauthFailure(error, target, where);
    if (failure.code !== "unauthenticated") throw failure;
    throw new CcosError("unauthenticated", failure.message, {
      remedy: `The sign-in has ended. Sign in anew: ${signInCommand(target)}`,
      cause: error,
    });
  }
}

/** Whether the server still sends people to the issuer that gave these tokens. In doubt, yes. */
export async function isIssuer(
  record: SignInRecord,
  settings: HttpSettings,
  challenge: Challenge | undefined,
  dispatcher: Dispatcher,
  context: SessionContext,
): Promise<boolean> {
  try {
    const found = await discoverOAuthProtectedResourceMetadata(
      settings.url,
      metadataAt(challenge),
      quickFetch(new URL(settings.url), dispatcher, context),
    );
    const issuers = (found.authorization_servers ?? []).map(withoutSlash);
    return issuers.length === 0 || issuers.includes(withoutSlash(textOf(record.details["authorizationServerUrl"])));
  } catch {
    return true;
  }
}

/**
 * The token endpoint for a machine whose capability names none: the one of the issuer that the server points to. Since the
 * server chooses it, a secret goes there only where server and issuer are one origin, or both on this machine.
 */
export async function discoverPlan(
  plan: OAuthPlan,
  url: URL,
  challenge: Challenge | undefined,
  dispatcher: Dispatcher,
  context: SessionContext,
): Promise<OAuthPlan> {
  const where = `Looking for who gives tokens for ${url.origin}`;
  let found: Awaited<ReturnType<typeof discoverOAuthServerInfo>>;
  try {
    const { resourceMetadataUrl } = metadataAt(challenge);
    found = await discoverOAuthServerInfo(url, {
      fetchFn: quickFetch(url, dispatcher, context),
      ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }),
    });
  } catch (error) {
    throw oauthFailure(
      error,
      { endpoint: url.origin, operation: "token", credentials: {}, shape: {}, settings: {} },
      where,
    );
  }
  const { authorizationServerMetadata: metadata, authorizationServerUrl, resourceMetadata } = found;
  const issuer = metadata?.issuer ?? authorizationServerUrl;
  const endpoint = new URL(metadata?.token_endpoint ?? new URL("/token", authorizationServerUrl));
  if (!isSameKeeper(url, endpoint)) {
    fail(
      "permission-denied",
      `${where}: the server points to ${endpoint.origin}, and nobody has said that the secret may go there.`,
      {
        remedy: `If that is right, add :issuer "${issuer}" to :auth.`,
      },
    );
  }
  const supported = resourceMetadata?.scopes_supported?.join(" ");
  return {
    ...plan,
    tokenUrl: endpoint.href,
    issuer,
    origin: endpoint.origin,
    audience: plan.audience,
    resource: plan.resource ?? resourceMetadata?.resource,
    scope: plan.scope ?? supported,
    manner: `${plan.manner} ${endpoint.href} ${supported ?? ""}`,
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function metadataAt(challenge: Challenge | undefined): { readonly resourceMetadataUrl?: URL } {
  const named = challenge?.resourceMetadata;
  return named !== undefined && URL.canParse(named) ? { resourceMetadataUrl: new URL(named) } : {};
}

function quickFetch(namedBy: URL, dispatcher: Dispatcher, context: SessionContext): typeof fetch {
  return fetchThrough(dispatcher, { signal: context.signal, timeoutMs: REQUEST_TIMEOUT_MS, namedBy });
}

function withoutSlash(address: string): string {
  return address.replace(/\/$/, "");
}
