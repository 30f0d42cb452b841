import { fail } from "../../kernel/index.ts";
import type { SessionCapability, TargetContext } from "../../session/handler.ts";
import { isHeaderName, isHeaderValue } from "./headers.ts";

export interface Credential {
  /** The secrets of the session, by what they are. */
  readonly credentials: Readonly<Record<string, string>>;
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
  if (found === undefined) return { credentials: {}, source, headers: {}, url: question.url };
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
    if (url.protocol !== "https:" && !isLoopback(url.hostname)) {
      fail("permission-denied", `The token of ${JSON.stringify(capability.id)} would travel to ${url.host} in the clear.`, {
        remedy: "Use an https URL.",
      });
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
  const credentials = { token: text };
  const asHeaders = (headers: Record<string, string>): Credential => ({ credentials, source, headers, url });
  const type = (read("auth_type") ?? "bearer").toLowerCase().replace(/^:/, "").replaceAll("_", "-");
  switch (type) {
    case "bearer":
      return asHeaders({ authorization: `Bearer ${text}` });
    case "basic": {
      const user = read("auth_username");
      const pair = user === undefined ? text : `${user}:${text}`;
      if (!pair.includes(":")) {
        fail("invalid-argument", `The credential of ${id} (${where}) is no user:password.`, {
          remedy: "Set the variable to user:password, or add :username to :auth.",
        });
      }
      return asHeaders({ authorization: `Basic ${Buffer.from(pair, "utf8").toString("base64")}` });
    }
    case "api-key":
    case "apikey":
      return applyKey(text, asHeaders, { ...question, credentials, source });
    default:
      return fail("invalid-argument", `${id} names an unknown kind of authentication.`, {
        remedy: 'Use :auth {:type "bearer"}, "basic" or "api-key".',
      });
  }
}

function applyKey(
  text: string,
  asHeaders: (headers: Record<string, string>) => Credential,
  question: CredentialQuestion & { readonly credentials: Record<string, string>; readonly source: string | undefined },
): Credential {
  const { capability, read, credentials, source } = question;
  const location = (read("auth_location") ?? "header").toLowerCase().replace(/^:/, "");
  const name = read("auth_param_name") ?? read("auth_param") ?? read("auth_name") ?? "Authorization";
  if (!isHeaderName(name)) fail("invalid-argument", `:auth of ${JSON.stringify(capability.id)} names no possible header.`);
  switch (location) {
    case "header":
      return asHeaders({ [name.toLowerCase()]: text });
    case "cookie":
      return asHeaders({ cookie: `${name}=${encodeURIComponent(text)}` });
    case "query": {
      const url = new URL(question.url);
      url.searchParams.set(name, text);
      return { credentials, source, headers: {}, url };
    }
    default:
      return fail("invalid-argument", `:auth of ${JSON.stringify(capability.id)} names an unknown place for its key.`, {
        remedy: 'Use :location "header", "query" or "cookie".',
      });
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname) || hostname.endsWith(".localhost");
}
