import { fail, type JsonObject } from "../kernel/index.ts";
import type { SessionCapability, Target, TargetContext } from "../session/handler.ts";
import { chooseCredential, type Credential, type CredentialRules } from "./credential.ts";
import { readHeaders, type HeaderRules } from "./headers.ts";
import { partHeaders, partQuery, requireEncryption } from "./literal-secrets.ts";
import { readMaxResponseBytes, settingReader, type SettingReader } from "./settings.ts";

/** What a provider says of its metadata, so that its place can be read from it. */
export interface HttpPlaceRules extends HeaderRules {
  /** The key that holds the URL, such as `endpoint`. The variable that replaces it is named by the same key with `_override_env`. */
  readonly urlKey: string;
  /** Other keys that say where to go without a URL; only for what is said where all are missing. */
  readonly otherWays?: readonly string[] | undefined;
  /** Older spellings of keys, as the provider's traits have them. */
  readonly aliases?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Schemes with their colon. Default `http:` and `https:`. */
  readonly schemes?: readonly string[] | undefined;
  /** A variable that replaces the URL of every capability that names none of its own. */
  readonly generalOverride?: string | undefined;
  /** Variables and origins besides those that capabilities name; from the URL, and whether it replaced the declared one. */
  readonly credentialRules?: ((read: SettingReader, url: URL, replaced: boolean) => CredentialRules) | undefined;
}

/** Where, as whom and with what a capability is called over HTTP. */
export interface HttpPlace {
  /** As declared, or from the variable; without what the credential adds to the query. Has no fragment. */
  readonly url: URL;
  /** The URL came from `generalOverride`, and so replaces a server the capability may know nothing of. */
  readonly replaced: boolean;
  /** Everything that goes with each request: the capability's headers, and its credential's. Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the credential adds to the query of each request; see `withQuery`. */
  readonly query: Readonly<Record<string, string>>;
  /** Tokens that are to be fetched when a session opens: pass the place to `Authorizer.open`. */
  readonly credential: Credential;
  readonly maxResponseBytes: number;
  /** `endpoint`, `credentials`, `credentialSource` and `shape` of the target. Add to `shape` what else tells sessions apart. */
  readonly target: Pick<Target, "endpoint" | "credentials" | "credentialSource" | "shape">;
  /** What must never be shown: register each with `SessionContext.addSecret` when a session opens. */
  readonly secrets: readonly string[];
  /** What the configuration says for this endpoint. */
  readonly configured: JsonObject;
  readonly read: SettingReader;
}

/**
 * Reads a place from a capability's flattened metadata and the environment: the URL (`:<urlKey>`, or the variable that
 * `:<urlKey>_override_env` names), `:headers`, `:auth` and `:auth_env_var`, and `:max_response_bytes`. No I/O.
 *
 * Throws `invalid-argument` where the metadata is incomplete or wrong, and `permission-denied` where a secret would go
 * to an origin it is not meant for, or travel in the clear.
 */
export function readHttpPlace(capability: SessionCapability, context: TargetContext, rules: HttpPlaceRules): HttpPlace {
  const read = settingReader(capability, rules.provider, rules.aliases);
  const { url, replaced } = readUrl(capability, context, rules, read);
  const credential = chooseCredential({
    capability,
    context,
    read,
    url,
    ...rules.credentialRules?.(read, url, replaced),
  });
  const headers = readHeaders(capability, rules);
  for (const name of Object.keys(credential.headers)) {
    if (name in headers)
      fail("invalid-argument", `:headers and :auth of ${JSON.stringify(capability.id)} both set ${name}.`);
  }
  const ownHeaders = partHeaders(headers);
  const ownQuery = partQuery(url);
  const own = { ...ownHeaders.secrets, ...ownQuery.secrets };
  requireEncryption(url, own, capability.id);
  const endpoint = ownQuery.shown.href;
  const configured = context.endpointSettings(endpoint);
  const maxResponseBytes = readMaxResponseBytes(capability, configured, read);
  return {
    url,
    replaced,
    headers: { ...headers, ...credential.headers },
    query: credential.query,
    credential,
    maxResponseBytes,
    target: {
      endpoint,
      credentials: { ...own, ...credential.credentials },
      credentialSource: credential.source,
      shape: {
        auth: credential.manner,
        headers: JSON.stringify(ownHeaders.shown),
        max_response_bytes: String(maxResponseBytes),
      },
    },
    secrets: [...Object.values(own), ...credential.secrets],
    configured,
    read,
  };
}

/** A URL of the same place with what its credential adds to the query. */
export function withQuery(url: URL, query: Readonly<Record<string, string>>): URL {
  const keyed = new URL(url);
  for (const [name, value] of Object.entries(query)) keyed.searchParams.set(name, value);
  return keyed;
}

function readUrl(
  capability: SessionCapability,
  context: TargetContext,
  rules: HttpPlaceRules,
  read: SettingReader,
): { readonly url: URL; readonly replaced: boolean } {
  const { urlKey, generalOverride, provider } = rules;
  const own = read(`${urlKey}_override_env`) || undefined;
  const variable = own ?? generalOverride;
  const given = variable === undefined ? undefined : context.variable(variable);
  const kinds = (rules.schemes ?? ["http:", "https:"]).map((scheme) => scheme.slice(0, -1)).join(" or ");
  if (variable !== undefined && given !== undefined && given !== "") {
    const remedy = `Set ${variable} to an ${kinds} URL, or unset it.`;
    const url = parsePlace(given, `the variable ${variable}`, remedy, rules);
    context.authorizeEndpoint(url.origin, variable);
    return { url, replaced: variable === generalOverride };
  }
  const id = JSON.stringify(capability.id);
  const declared = read(urlKey);
  if (declared === undefined || declared === "") {
    fail("invalid-argument", `Capability ${id} names no server.`, {
      remedy: `Add ${[urlKey, ...(rules.otherWays ?? [])].map((key) => `:${key}`).join(" or ")} to its :${provider} block${own === undefined ? "" : `, or set ${own}`}.`,
    });
  }
  return { url: parsePlace(declared, `capability ${id}`, `Correct its :${urlKey}.`, rules), replaced: false };
}

function parsePlace(text: string, where: string, remedy: string, rules: HttpPlaceRules): URL {
  const schemes = rules.schemes ?? ["http:", "https:"];
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !schemes.includes(url.protocol)) {
    const kinds = schemes.map((scheme) => scheme.slice(0, -1)).join(" or ");
    fail("invalid-argument", `The server of ${where} is no ${kinds} URL.`, { remedy });
  }
  if (url.username !== "" || url.password !== "") {
    fail("invalid-argument", `The server URL of ${where} contains credentials.`, {
      remedy: 'Name a variable instead: :auth {:type "basic" :env_var "NAME"}, its value being user:password.',
    });
  }
  url.hash = "";
  return url;
}
