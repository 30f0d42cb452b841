import { fail } from "../kernel/index.ts";
import type { SessionCapability, TargetContext } from "../session/handler.ts";
import { isHeaderName, isHeaderValue } from "./headers.ts";
import { requireEncryption } from "./literal-secrets.ts";
import { readOAuthPlan, type OAuthPlan } from "./oauth-plan.ts";
import { authReaders, wordOf, type SettingReader } from "./settings.ts";

/** Who a session is, and how it says so with each request. */
export interface Credential {
  /** The secrets of the session, by what they are: they become its identity. */
  readonly credentials: Readonly<Record<string, string>>;
  /** How they are sent, without what: two ways of sending one secret may make two identities of it. */
  readonly manner: string;
  /** The variable it came from, or should come from. */
  readonly source: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** What goes into the query of each request. */
  readonly query: Readonly<Record<string, string>>;
  /** Tokens that are to be fetched when a session opens; see `Authorizer`. */
  readonly oauth: OAuthPlan | undefined;
  /** What must not be shown, in every form in which it is sent. */
  readonly secrets: readonly string[];
}

export interface CredentialRules {
  /** Variables that may hold the secret where the named one does not, in order. */
  readonly further?: readonly string[] | undefined;
  /** A variable that no capability has to name, and the only origins it goes to. */
  readonly fallback?: { readonly variable: string; readonly origins: readonly string[] } | undefined;
  /** Another server stands in for the one that the capability names: what was meant for that one is not sent. */
  readonly onlyFallback?: boolean | undefined;
  /** Further types of `:auth`, whose secret the provider itself puts where it belongs. */
  readonly ownTypes?: readonly string[] | undefined;
  /** A person may sign in: `:grant "authorization_code"` is theirs, and no credential is read for it. Default false. */
  readonly signsPeopleIn?: boolean | undefined;
  /** Tokens may be asked for where a server points to, with nothing declared. Default false. */
  readonly discoversIssuer?: boolean | undefined;
}

export interface CredentialQuestion extends CredentialRules {
  readonly capability: SessionCapability;
  readonly context: TargetContext;
  readonly read: SettingReader;
  /** Where it goes. */
  readonly url: URL;
}

/**
 * The credential of a capability: a secret in its metadata, else the variable it names (`:auth_env_var`), else further
 * ones, else the general one; sent as `:auth {:type …}` says: `bearer` (the default), `basic`, `api-key` in a header, in
 * the query or in a cookie, or `oauth2`. Where `:auth` is a vector, all of its ways together.
 * Throws `invalid-argument` where `:auth` makes no sense, and what `TargetContext.secret` throws.
 */
export function chooseCredential(question: CredentialQuestion): Credential {
  const ways = authReaders(question.capability, question.read).map((read) => chooseOne({ ...question, read }));
  return ways.length === 1 ? (ways[0] as Credential) : ways.reduce((all, way) => join(all, way, question.capability));
}

interface Found {
  readonly secret: string;
  readonly source: string | undefined;
}

function chooseOne(question: CredentialQuestion): Credential {
  const { read, onlyFallback } = question;
  const type = typeOf(read);
  if (type === "oauth2" && onlyFallback !== true) {
    const isPerson = /^(?:authorization-code|device-code)$/.test(wordOf(read("auth_grant") ?? ""));
    return isPerson && question.signsPeopleIn
      ? { ...NONE, manner: "sign-in", source: undefined }
      : tokensOf(readOAuthPlan(question));
  }
  const named = read("auth_env_var") || undefined;
  const found = onlyFallback ? generalToken(question) : (ownToken(question, named) ?? generalToken(question));
  const general = question.fallback?.variable;
  const source = found?.source ?? (onlyFallback ? general : (named ?? general));
  if (found === undefined) return { ...NONE, source };
  return apply(found.secret, source, type, question);
}

const NONE = { credentials: {}, manner: "none", headers: {}, query: {}, oauth: undefined, secrets: [] } as const;

function typeOf(read: SettingReader): string {
  const type = wordOf(read("auth_type") ?? "bearer");
  switch (type) {
    case "apikey":
      return "api-key";
    case "oauth":
    case "client-credentials":
    case "refresh-token":
      return "oauth2";
    default:
      return type;
  }
}

function ownToken(question: CredentialQuestion, named: string | undefined): Found | undefined {
  const { capability, context, read, url, further = [] } = question;
  const literal = read("auth_token");
  if (literal !== undefined && literal !== "") {
    requireEncryption(url, { token: literal }, capability.id);
    return { secret: literal, source: undefined };
  }
  for (const variable of [named, ...further]) {
    if (variable === undefined) continue;
    const secret = context.secret(variable, { origin: url.origin });
    if (secret !== undefined && secret !== "") return { secret, source: variable };
  }
  return undefined;
}

function generalToken({ context, url, fallback }: CredentialQuestion): Found | undefined {
  if (fallback === undefined) return undefined;
  const secret = context.secret(fallback.variable, { origin: url.origin, fallbackOrigins: fallback.origins });
  return secret === undefined || secret === "" ? undefined : { secret, source: fallback.variable };
}

function tokensOf(oauth: OAuthPlan): Credential {
  return {
    ...NONE,
    credentials: oauth.credentials,
    manner: oauth.manner,
    source: oauth.source,
    oauth,
    secrets: oauth.secrets,
  };
}

function apply(secret: string, source: string | undefined, type: string, question: CredentialQuestion): Credential {
  const { capability, read } = question;
  const where = source === undefined ? "its :auth_token" : `the variable ${source}`;
  const id = JSON.stringify(capability.id);
  // Line ends come with a token read from a file, and belong to no token.
  const text = secret.trim();
  if (!isHeaderValue(text)) {
    fail("invalid-argument", `The credential of ${id} (${where}) has characters that no header can carry.`, {
      remedy: "Check for line breaks and typographic quotes.",
    });
  }
  const sent = { ...NONE, credentials: { token: text }, manner: type, source, secrets: [text] };
  switch (type) {
    case "bearer":
      return { ...sent, headers: { authorization: `Bearer ${text}` } };
    case "basic": {
      const user = read("auth_username");
      const pair = user === undefined ? text : `${user}:${text}`;
      if (!pair.includes(":")) {
        fail("invalid-argument", `The credential of ${id} (${where}) is no user:password.`, {
          remedy: "Set the variable to user:password, or add :username to :auth.",
        });
      }
      const encoded = Buffer.from(pair, "utf8").toString("base64");
      return {
        ...sent,
        // Who somebody is, is told by the user's name as much as by the password: two users may have the same one.
        credentials: user === undefined ? { token: text } : { token: text, username: user },
        headers: { authorization: `Basic ${encoded}` },
        // A server that has decoded the pair may quote the password alone.
        secrets: [...new Set([text, encoded, pair.slice(pair.indexOf(":") + 1)])],
      };
    }
    case "api-key":
      return { ...sent, ...placeKey(text, question) };
    default: {
      const { ownTypes = [] } = question;
      if (ownTypes.includes(type)) return sent;
      const further = ownTypes.map((own) => `"${own}", `).join("");
      return fail("invalid-argument", `${id} names an unknown kind of authentication.`, {
        remedy: `Use :auth {:type "bearer"}, "basic", "api-key", ${further}or "oauth2".`,
      });
    }
  }
}

function placeKey(text: string, { capability, read }: CredentialQuestion): Partial<Credential> {
  const location = wordOf(read("auth_location") ?? read("auth_in") ?? "header");
  const name = read("auth_param_name") ?? read("auth_param") ?? read("auth_name") ?? "Authorization";
  if (!isHeaderName(name))
    fail("invalid-argument", `:auth of ${JSON.stringify(capability.id)} names no possible header.`);
  const manner = `api-key ${location} ${name}`;
  switch (location) {
    case "header": {
      const prefix = read("auth_prefix") ?? "";
      if (!isHeaderValue(prefix))
        fail("invalid-argument", `:auth of ${JSON.stringify(capability.id)} has a :prefix that no header can carry.`);
      return { manner, headers: { [name.toLowerCase()]: prefix === "" ? text : `${prefix} ${text}` } };
    }
    case "cookie": {
      const encoded = encodeURIComponent(text);
      return { manner, headers: { cookie: `${name}=${encoded}` }, secrets: [...new Set([text, encoded])] };
    }
    case "query":
      return { manner, query: { [name]: text }, secrets: [...new Set([text, encodeURIComponent(text)])] };
    default:
      return fail("invalid-argument", `:auth of ${JSON.stringify(capability.id)} names an unknown place for its key.`, {
        remedy: 'Use :location "header", "query" or "cookie".',
      });
  }
}

function join(all: Credential, way: Credential, { id }: SessionCapability): Credential {
  const headers: Record<string, string> = { ...all.headers };
  for (const [name, value] of Object.entries(way.headers)) {
    if (name === "cookie" && "cookie" in headers) headers["cookie"] += `; ${value}`;
    else if (name in headers) fail("invalid-argument", `Two entries of :auth of ${JSON.stringify(id)} set ${name}.`);
    else headers[name] = value;
  }
  const bearers = [all.oauth, way.oauth, all.headers["authorization"], way.headers["authorization"]];
  if ((all.oauth ?? way.oauth) !== undefined && bearers.filter((one) => one !== undefined).length > 1)
    fail("invalid-argument", `Two entries of :auth of ${JSON.stringify(id)} set authorization.`);
  const credentials: Record<string, string> = { ...all.credentials };
  for (const [name, value] of Object.entries(way.credentials)) {
    let free = name;
    for (let number = 2; free in credentials; number++) free = `${name} ${number}`;
    credentials[free] = value;
  }
  return {
    credentials,
    manner: `${all.manner} + ${way.manner}`,
    source: all.source ?? way.source,
    headers,
    query: { ...all.query, ...way.query },
    oauth: all.oauth ?? way.oauth,
    secrets: [...new Set([...all.secrets, ...way.secrets])],
  };
}
