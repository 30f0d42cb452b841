import { fail, isLoopbackHost } from "../kernel/index.ts";
import type { SessionCapability } from "../session/handler.ts";
import type { CredentialQuestion } from "./credential.ts";
import { wordOf, type SettingReader } from "./settings.ts";

/** How a client proves who it is at a token endpoint (RFC 8414, section 2; RFC 7523 for `private_key_jwt`). */
export type ClientAuthentication = "client_secret_basic" | "client_secret_post" | "private_key_jwt" | "none";

/**
 * - `client_credentials`: a secret or key of the client itself (RFC 6749, section 4.4).
 * - `refresh_token`: what somebody's sign-in gave before (section 6).
 * - `jwt_bearer`: a signed statement of who a workload is, from whoever runs it (RFC 7523).
 * - `id_token_exchange`: a person's identity token, exchanged at their organisation's identity provider for a statement
 *   that the issuer takes (RFC 8693, then RFC 7523; "identity assertion authorization grant").
 */
export type Grant = "client_credentials" | "refresh_token" | "jwt_bearer" | "id_token_exchange";

/** Where an identity token is exchanged, and as which client. */
export interface IdentityExchange {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly idToken: string | undefined;
}

/**
 * How the access tokens of a session are obtained, as `:auth {:type "oauth2" …}` declares it. It holds secrets: it is
 * passed on to `Authorizer`, and never shown.
 */
export interface OAuthPlan {
  readonly grant: Grant;
  /** Where tokens come from. Undefined: found by the metadata of the issuer. */
  readonly tokenUrl: string | undefined;
  /** Undefined besides no `tokenUrl`: found by what the server says of itself. */
  readonly issuer: string | undefined;
  readonly clientId: string | undefined;
  readonly clientSecret: string | undefined;
  /** PEM (PKCS #8) or JWK. */
  readonly privateKey: string | undefined;
  readonly keyId: string | undefined;
  /** The algorithm of assertions: `ES256`, `RS256`, `PS256` or `EdDSA`. Undefined: what the key is made for. */
  readonly algorithm: string | undefined;
  readonly clientAuthentication: ClientAuthentication;
  readonly refreshToken: string | undefined;
  /** For `jwt_bearer`. */
  readonly assertion: string | undefined;
  /** For `id_token_exchange`. */
  readonly exchange: IdentityExchange | undefined;
  readonly scope: string | undefined;
  readonly audience: string | undefined;
  readonly resource: string | undefined;
  /** The only origin that any of these secrets is sent to. */
  readonly origin: string;
  /** A variable that is named and not set; no token can be fetched. */
  readonly missing: string | undefined;
  readonly source: string | undefined;
  readonly manner: string;
  readonly credentials: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
}

/**
 * Reads `:auth {:type "oauth2" :grant "client_credentials" | "refresh_token" | "jwt_bearer" | "id_token_exchange"
 * :token_url … | :issuer … :client_id … | :client_id_env_var … :client_secret_env_var … | :private_key_env_var …
 * :refresh_token_env_var … :assertion_env_var … :id_token_env_var … :idp_token_url … :idp_client_id …
 * :idp_client_secret_env_var … :client_auth … :scope … :audience … :resource …}`. `:env_var` is short for the variable of
 * the grant's own secret.
 *
 * Throws `invalid-argument` where something needed is missing, and `permission-denied` where a secret would go to
 * an origin it is not meant for, or a token travel in the clear.
 */
export function readOAuthPlan(question: CredentialQuestion): OAuthPlan {
  const { capability, context, read, url, discoversIssuer } = question;
  const id = JSON.stringify(capability.id);
  const wanted = (what: string): never =>
    fail("invalid-argument", `:auth of ${id} ${what}.`, {
      remedy: "See docs/authentication.md for what each grant needs.",
    });
  const grant = grantOf(read) ?? wanted("names an unknown :grant");
  const tokenUrl = address(read("auth_token_url") ?? read("auth_token_uri"), ":token_url", wanted);
  const issuer = address(read("auth_issuer"), ":issuer", wanted);
  const declared = tokenUrl ?? issuer;
  if (declared === undefined && discoversIssuer !== true) wanted("has neither :token_url nor :issuer");
  const origin = new URL(declared ?? url).origin;

  const short = read("auth_env_var") || undefined;
  const ofClient = read("auth_client_secret_env_var") || (grant === "client_credentials" ? short : undefined);
  const ofKey = read("auth_private_key_env_var") || undefined;
  const ofRefresh = grant === "refresh_token" ? read("auth_refresh_token_env_var") || short : undefined;
  const ofAssertion = grant === "jwt_bearer" ? read("auth_assertion_env_var") || short : undefined;
  const ofIdToken = grant === "id_token_exchange" ? read("auth_id_token_env_var") || short : undefined;
  const ofId = read("auth_client_id_env_var") || undefined;
  if (grant === "refresh_token" && ofRefresh === undefined) wanted("names no variable of a refresh token");
  if (grant === "jwt_bearer" && ofAssertion === undefined) wanted("names no variable of an assertion");
  if (grant === "id_token_exchange" && ofIdToken === undefined) wanted("names no variable of an identity token");
  if (grant === "client_credentials" && ofClient === undefined && ofKey === undefined)
    wanted("names no variable of a client secret or private key");

  let missing: string | undefined;
  const take = (variable: string | undefined, to = origin): string | undefined => {
    if (variable === undefined) return undefined;
    const secret = context.secret(variable, { origin: to })?.trim() || undefined;
    // What a token of an untrusted file is good for goes where the file says: no further than its secret may.
    if (!capability.trusted && url.origin !== to) context.secret(variable, { origin: url.origin });
    if (secret === undefined) missing ??= variable;
    return secret;
  };
  const clientId = (read("auth_client_id") || undefined) ?? take(ofId);
  if (clientId === undefined && ofId === undefined) wanted("has neither :client_id nor :client_id_env_var");
  const key = ofKey === undefined ? undefined : take(ofKey);
  const secret = ofKey === undefined ? take(ofClient) : undefined;
  const refreshToken = take(ofRefresh);
  const assertion = take(ofAssertion);
  const exchange = ofIdToken === undefined ? undefined : readExchange(read, ofIdToken, take, wanted);
  requireSafeWay(url, capability);
  const clientAuthentication =
    readMethod(read, ofKey !== undefined, ofClient !== undefined) ?? wanted("names an unknown :client_auth");
  const scope = scopeOf(read("auth_scope") ?? read("auth_scopes"));
  const audience = read("auth_audience") || undefined;
  const resource = read("auth_resource") || undefined;
  const held = {
    ...(clientId !== undefined && { client_id: clientId }),
    ...(secret !== undefined && { client_secret: secret }),
    ...(key !== undefined && { private_key: key }),
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    ...(assertion !== undefined && { assertion }),
    ...(exchange?.idToken !== undefined && { id_token: exchange.idToken }),
    ...(exchange?.clientSecret !== undefined && { idp_client_secret: exchange.clientSecret }),
  };
  const { client_id: _, ...secrets } = held;
  return {
    grant,
    tokenUrl,
    issuer,
    clientId,
    clientSecret: secret,
    privateKey: key,
    keyId: read("auth_key_id") || undefined,
    algorithm: read("auth_algorithm") || undefined,
    clientAuthentication,
    refreshToken,
    assertion,
    exchange,
    scope,
    audience,
    resource,
    origin,
    missing,
    source: ofRefresh ?? ofAssertion ?? ofIdToken ?? ofKey ?? ofClient,
    manner: JSON.stringify([
      "oauth2",
      grant,
      declared ?? "",
      clientAuthentication,
      scope,
      audience,
      resource,
      ...(exchange === undefined ? [] : [exchange.tokenUrl, exchange.clientId]),
    ]),
    credentials: held,
    secrets: Object.values(secrets).flatMap((text) => [text, encodeURIComponent(text)]),
  };
}

function grantOf(read: SettingReader): OAuthPlan["grant"] | undefined {
  const type = wordOf(read("auth_type") ?? "");
  const implied =
    type === "refresh-token" || read("auth_refresh_token_env_var") ? "refresh-token" : "client-credentials";
  const grant = wordOf(read("auth_grant") ?? read("auth_grant_type") ?? read("auth_flow") ?? implied);
  if (grant === "client-credentials" || grant === "clientcredentials" || grant === "application")
    return "client_credentials";
  return GRANTS[grant];
}

const GRANTS: Readonly<Record<string, Grant>> = {
  "refresh-token": "refresh_token",
  "jwt-bearer": "jwt_bearer",
  "urn:ietf:params:oauth:grant-type:jwt-bearer": "jwt_bearer",
  "id-token-exchange": "id_token_exchange",
};

function readExchange(
  read: SettingReader,
  variable: string,
  take: (variable: string | undefined, to: string) => string | undefined,
  wanted: (what: string) => never,
): IdentityExchange {
  const tokenUrl = address(read("auth_idp_token_url"), ":idp_token_url", wanted) ?? wanted("has no :idp_token_url");
  const clientId = read("auth_idp_client_id") || wanted("has no :idp_client_id");
  // Each secret to its own: the identity token never sees the issuer, nor the client's secret the identity provider.
  const { origin } = new URL(tokenUrl);
  const idToken = take(variable, origin);
  return {
    tokenUrl,
    clientId,
    clientSecret: take(read("auth_idp_client_secret_env_var") || undefined, origin),
    idToken,
  };
}

function readMethod(read: SettingReader, hasKey: boolean, hasSecret: boolean): ClientAuthentication | undefined {
  const implied = hasKey ? "private-key-jwt" : hasSecret ? "client-secret-basic" : "none";
  const method = wordOf(read("auth_client_auth") ?? read("auth_token_endpoint_auth_method") ?? implied);
  switch (method) {
    case "basic":
    case "client-secret-basic":
      return "client_secret_basic";
    case "post":
    case "client-secret-post":
      return "client_secret_post";
    case "private-key-jwt":
      return hasKey ? "private_key_jwt" : undefined;
    case "none":
      return "none";
    default:
      return undefined;
  }
}

/** A token endpoint or issuer: https, or this machine. */
function address(text: string | undefined, key: string, wanted: (what: string) => never): string | undefined {
  if (text === undefined || text === "") return undefined;
  if (!URL.canParse(text)) wanted(`has a ${key} that is no URL`);
  const url = new URL(text);
  const isSafe = url.protocol === "https:" || (url.protocol === "http:" && isLoopbackHost(url.hostname));
  if (!isSafe) wanted(`has a ${key} that is neither https nor on this machine`);
  if (url.username !== "" || url.password !== "" || url.hash !== "")
    wanted(`has a ${key} with credentials or a fragment`);
  return text;
}

function requireSafeWay(url: URL, { id }: SessionCapability): void {
  if (/^(?:https|wss):$/.test(url.protocol) || isLoopbackHost(url.hostname)) return;
  fail("permission-denied", `The access token of ${JSON.stringify(id)} would travel to ${url.host} in the clear.`, {
    remedy: "Use an encrypted address (https, wss).",
  });
}

/** Scopes as OAuth sends them: one text with spaces. A vector arrives as JSON. */
function scopeOf(text: string | undefined): string | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  if (!text.startsWith("[")) return text.trim().replace(/\s+/g, " ");
  try {
    return (JSON.parse(text) as unknown[]).map(String).join(" ");
  } catch {
    return text;
  }
}
