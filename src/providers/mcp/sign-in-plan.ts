import { fail, getOwn, isLoopbackHost } from "../../kernel/index.ts";
import type { HttpPlace, SignInRecord, SignInStore } from "../../http/index.ts";
import type { SessionCapability, TargetContext } from "../../session/handler.ts";

/** How a person signs in at a server, as far as a capability says it: `:auth {:type "oauth2" :grant "authorization_code" …}`. */
export interface SignInPlan {
  /** How the issuer knows us already; undefined: we introduce ourselves. */
  readonly clientId: string | undefined;
  readonly clientSecret: string | undefined;
  /** The only issuer that the client's secret is sent to. */
  readonly issuer: string | undefined;
  /** Where a document describes us, for issuers that take its address for a client id. */
  readonly clientMetadataUrl: string | undefined;
  readonly scope: string | undefined;
  /** Tokens are to be bound to a key of ours. */
  readonly dpop: boolean;
  /** The sign-in that is used; undefined where nobody has signed in, or another credential is sent. */
  readonly record: SignInRecord | undefined;
}

/**
 * Reads it, and finds the sign-in that calls are made as: the one that is kept for the endpoint, where the capability
 * has no other credential. Throws `permission-denied` where a capability that is not trusted would use it.
 */
export function readSignInPlan(
  capability: SessionCapability,
  context: TargetContext,
  place: HttpPlace,
  store: SignInStore | undefined,
): SignInPlan {
  const { read } = place;
  const issuer = read("auth_issuer") || undefined;
  const variable = place.credential.manner === "sign-in" ? read("auth_client_secret_env_var") || undefined : undefined;
  const { endpoint, credentials } = place.target;
  const isOther = Object.keys(credentials).length > 0 || place.credential.oauth !== undefined;
  const record = isOther ? undefined : store?.read(endpoint);
  if (record !== undefined && !capability.trusted && !isLoopbackHost(place.url.hostname)) {
    fail(
      "permission-denied",
      `The capability ${JSON.stringify(capability.id)} was only found in the working directory and is not trusted, so it may not use the sign-in for ${endpoint}.`,
      { remedy: "If you trust it: ccos trust ./capabilities" },
    );
  }
  return {
    clientId: read("auth_client_id") || undefined,
    clientSecret: variable === undefined ? undefined : secretOf(variable, issuer, capability, context),
    issuer,
    clientMetadataUrl: read("auth_client_metadata_url") || undefined,
    scope: read("auth_scope") || undefined,
    dpop: read("auth_dpop") === "true",
    record,
  };
}

function secretOf(
  variable: string,
  issuer: string | undefined,
  { id }: SessionCapability,
  context: TargetContext,
): string | undefined {
  if (issuer === undefined || !URL.canParse(issuer)) {
    fail("invalid-argument", `:auth of ${JSON.stringify(id)} names a client secret and no :issuer.`, {
      remedy: "Add the :issuer that the secret is for; it is sent nowhere else.",
    });
  }
  return context.secret(variable, { origin: new URL(issuer).origin })?.trim() || undefined;
}

/** What a challenge says (RFC 6750, section 3; RFC 9728, section 5.1). */
export interface Challenge {
  readonly error: string | undefined;
  readonly scope: string | undefined;
  readonly resourceMetadata: string | undefined;
}

const LONGEST_CHALLENGE = 8192;

/** Reads the first challenge of `WWW-Authenticate` that is of a kind we know: `Bearer` or `DPoP`. */
export function readChallenge(header: string | undefined): Challenge | undefined {
  if (header === undefined || header.length > LONGEST_CHALLENGE) return undefined;
  const begun = /(?:^|,)\s*(?:bearer|dpop)(?:\s+|$)/i.exec(header);
  if (begun === null) return undefined;
  const fields = Object.create(null) as Record<string, string>;
  const pairs = /([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi;
  pairs.lastIndex = begun.index + begun[0].length;
  for (const [, name = "", quoted, bare] of header.matchAll(pairs))
    fields[name.toLowerCase()] ??= (quoted ?? bare ?? "").replace(/\\(.)/g, "$1");
  return {
    error: getOwn(fields, "error"),
    scope: getOwn(fields, "scope"),
    resourceMetadata: getOwn(fields, "resource_metadata"),
  };
}

/** Every scope of several lists once, in order (RFC 6749, section 3.3); undefined for none. */
export function unionOfScopes(...lists: readonly (string | undefined)[]): string | undefined {
  const scopes = new Set(lists.flatMap((list) => (list ?? "").split(/\s+/)).filter((scope) => scope !== ""));
  return scopes.size === 0 ? undefined : [...scopes].join(" ");
}
