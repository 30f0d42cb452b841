import { fail, isLoopbackHost } from "../../kernel/index.ts";
import type { SessionCapability, TargetContext } from "../../session/handler.ts";
import { isHeaderName, isHeaderValue } from "./headers.ts";

export interface Credential {
  /** The secrets of the session, by what they are. */
  readonly credentials: Readonly<Record<string, string>>;
  /** How they are sent, without what: two ways of sending one secret may make two identities of it. */
  readonly manner: string;
  /** The variable it came from, or should come from. */
  readonly source: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** The server's URL, with the key that it wants there. */
  readonly url: URL;
}

/** The variable that any capability may use, but only for the origins below. */
export const FALLBACK_VARIABLE = "MCP_AUTH_TOKEN";
const FALLBACK_ORIGINS = ["https://api.githubcopilot.com"];

export interface CredentialQuestion {
  readonly capability: SessionCapability;
  readonly context: TargetContext;
  readonly read: (key: string) => string | undefined;
  readonly url: URL;
  /** `MCP_SERVER_URL` stands in for the server that the capability names. */
  readonly replaced: boolean;
}

/**
 * The credential of a capability: the token in its metadata, else the variable it names, else the variable of
 * its namespace, else the general one. Where the server was replaced, only the general one is sent: the others
 * were meant for another server.
 */
export function chooseCredential(question: CredentialQuestion): Credential {
  const { read, replaced } = question;
  const found = replaced ? generalToken(question) : (ownToken(question) ?? generalToken(question));
  const source = found?.source ?? (replaced ? FALLBACK_VARIABLE : (namedVariable(read) ?? FALLBACK_VARIABLE));
  if (found === undefined) return { credentials: {}, manner: "none", source, headers: {}, url: question.url };
  return apply(found.secret, source, question);
}

interface Found {
  readonly secret: string;
  readonly source: string | undefined;
}

function namedVariable(read: CredentialQuestion["read"]): string | undefined {
  return read("auth_env_var") || undefined;
}

function ownToken({ capability, context, read, url }: CredentialQuestion): Found | undefined {
  const literal = read("auth_token");
  if (literal !== undefined && literal !== "") {
    if (url.protocol !== "https:" && !isLoopbackHost(url.hostname)) {
      fail(
        "permission-denied",
        `The token of ${JSON.stringify(capability.id)} would travel to ${url.host} in the clear.`,
        {
          remedy: "Use an https URL.",
        },
      );
    }
    return { secret: literal, source: undefined };
  }
  for (const variable of [namedVariable(read), namespaceVariable(read("server_name"))]) {
    if (variable === undefined) continue;
    const secret = context.secret(variable, { origin: url.origin });
    if (secret !== undefined && secret !== "") return { secret, source: variable };
  }
  return undefined;
}

/** `github/github-mcp` becomes `GITHUB_MCP_TOKEN`. */
function namespaceVariable(serverName: string | undefined): string | undefined {
  const namespace = serverName?.split("/", 1)[0]?.toUpperCase().replaceAll("-", "_") ?? "";
  return /^[A-Z_][A-Z0-9_]*$/.test(namespace) ? `${namespace}_MCP_TOKEN` : undefined;
}

function generalToken({ context, url, replaced }: CredentialQuestion): Found | undefined {
  const fallbackOrigins = replaced ? [...FALLBACK_ORIGINS, url.origin] : FALLBACK_ORIGINS;
  const secret = context.secret(FALLBACK_VARIABLE, { origin: url.origin, fallbackOrigins });
  return secret === undefined || secret === "" ? undefined : { secret, source: FALLBACK_VARIABLE };
}

function apply(secret: string, source: string | undefined, question: CredentialQuestion): Credential {
  const { capability, read, url } = question;
  const where = source === undefined ? "its :auth_token" : `the variable ${source}`;
  const id = JSON.stringify(capability.id);
  // Line ends come with a token read from a file, and belong to no token.
  const text = secret.trim();
  if (!isHeaderValue(text)) {
    fail("invalid-argument", `The credential of ${id} (${where}) has characters that no header can carry.`, {
      remedy: "Check for line breaks and typographic quotes.",
    });
  }
  const credentials: Record<string, string> = { token: text };
  const type = (read("auth_type") ?? "bearer").toLowerCase().replace(/^:/, "").replaceAll("_", "-");
  switch (type) {
    case "bearer":
      return { credentials, manner: "bearer", source, headers: { authorization: `Bearer ${text}` }, url };
    case "basic": {
      const user = read("auth_username");
      const pair = user === undefined ? text : `${user}:${text}`;
      if (!pair.includes(":")) {
        fail("invalid-argument", `The credential of ${id} (${where}) is no user:password.`, {
          remedy: "Set the variable to user:password, or add :username to :auth.",
        });
      }
      // Who somebody is, is told by the user's name as much as by the password: two users may have the same one.
      if (user !== undefined) credentials["username"] = user;
      const encoded = Buffer.from(pair, "utf8").toString("base64");
      return { credentials, manner: "basic", source, headers: { authorization: `Basic ${encoded}` }, url };
    }
    case "api-key":
    case "apikey":
      return applyKey(text, source, question);
    default:
      return fail("invalid-argument", `${id} names an unknown kind of authentication.`, {
        remedy: 'Use :auth {:type "bearer"}, "basic" or "api-key".',
      });
  }
}

function applyKey(text: string, source: string | undefined, { capability, read, url }: CredentialQuestion): Credential {
  const location = (read("auth_location") ?? "header").toLowerCase().replace(/^:/, "");
  const name = read("auth_param_name") ?? read("auth_param") ?? read("auth_name") ?? "Authorization";
  if (!isHeaderName(name))
    fail("invalid-argument", `:auth of ${JSON.stringify(capability.id)} names no possible header.`);
  const sent = { credentials: { token: text }, manner: `api-key ${location} ${name}`, source };
  switch (location) {
    case "header":
      return { ...sent, headers: { [name.toLowerCase()]: text }, url };
    case "cookie":
      return { ...sent, headers: { cookie: `${name}=${encodeURIComponent(text)}` }, url };
    case "query": {
      const keyed = new URL(url);
      keyed.searchParams.set(name, text);
      return { ...sent, headers: {}, url: keyed };
    }
    default:
      return fail("invalid-argument", `:auth of ${JSON.stringify(capability.id)} names an unknown place for its key.`, {
        remedy: 'Use :location "header", "query" or "cookie".',
      });
  }
}
