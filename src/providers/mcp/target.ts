import type { JsonObject } from "../../kernel/index.ts";
import { fail, getOwn, isJsonObject, isSecretName } from "../../kernel/index.ts";
import type { SessionCapability, Target, TargetContext } from "../../session/handler.ts";
import { chooseCredential } from "./credential.ts";
import { readHeaders } from "./headers.ts";
import { partArguments, partHeaders, partQuery, requireEncryption } from "./literal-secrets.ts";
import { ALIASES, PROVIDER } from "./traits.ts";

export interface HttpSettings {
  readonly kind: "http";
  /** With what a credential adds to the query. */
  readonly url: string;
  /** Everything that goes with each request, credentials included. */
  readonly headers: Readonly<Record<string, string>>;
  readonly transport: "auto" | "streamable-http" | "sse";
  readonly maxResponseBytes: number;
}

export interface StdioSettings {
  readonly kind: "stdio";
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly maxResponseBytes: number;
}

export type McpSettings = HttpSettings | StdioSettings;

/** Replaces the URL of every capability that names no variable of its own for that. */
export const SERVER_URL_VARIABLE = "MCP_SERVER_URL";
/** The origin of a child process, for the rules on secrets. */
export const COMMAND_ORIGIN = "command:";

const DEFAULT_MAX_RESPONSE_BYTES = 32 * 1024 * 1024;
const LEAST_RESPONSE_BYTES = 1024;

/** Where, as whom and with what a capability is called, read from its metadata and the environment. */
export function readTarget(capability: SessionCapability, context: TargetContext): Target {
  const read = (key: string): string | undefined => setting(capability, key);
  const operation = read("tool_name");
  if (operation === undefined || operation === "") {
    fail("invalid-argument", `Capability ${JSON.stringify(capability.id)} names no tool.`, {
      remedy: `Add :tool_name to its :${PROVIDER} block.`,
    });
  }
  const idempotent = read("read_only_hint") === "true" || read("idempotent_hint") === "true" ? true : undefined;
  const command = read("command");
  const target =
    command === undefined ? httpTarget(capability, context, read) : stdioTarget(command, capability, context, read);
  return { ...target, operation, idempotent };
}

type Place = Omit<Target, "operation" | "idempotent">;
type Read = (key: string) => string | undefined;

function httpTarget(capability: SessionCapability, context: TargetContext, read: Read): Place {
  const { url, replaced } = readUrl(capability, context, read);
  const credential = chooseCredential({ capability, context, read, url, replaced });
  const headers = readHeaders(capability);
  const ownHeaders = partHeaders(headers);
  const ownQuery = partQuery(url);
  const own = { ...ownHeaders.secrets, ...ownQuery.secrets };
  requireEncryption(url, own, capability.id);
  const transport = readTransport(capability, read);
  const endpoint = ownQuery.shown.href;
  const maxResponseBytes = readLimit(capability, context.endpointSettings(endpoint), read);
  const settings: HttpSettings = {
    kind: "http",
    url: credential.url.href,
    headers: { ...headers, ...credential.headers },
    transport,
    maxResponseBytes,
  };
  return {
    endpoint,
    credentials: { ...own, ...credential.credentials },
    credentialSource: credential.source,
    shape: {
      transport,
      auth: credential.manner,
      headers: JSON.stringify(ownHeaders.shown),
      max_response_bytes: String(maxResponseBytes),
    },
    settings,
  };
}

function readUrl(
  capability: SessionCapability,
  context: TargetContext,
  read: Read,
): { readonly url: URL; readonly replaced: boolean } {
  const own = read("server_url_override_env");
  const variable = own === undefined || own === "" ? SERVER_URL_VARIABLE : own;
  const given = context.variable(variable);
  if (given !== undefined && given !== "") {
    const url = parseUrl(given, `the variable ${variable}`, `Set ${variable} to an http or https URL, or unset it.`);
    context.authorizeEndpoint(url.origin, variable);
    return { url, replaced: variable === SERVER_URL_VARIABLE };
  }
  const declared = read("server_url");
  if (declared === undefined || declared === "") {
    fail("invalid-argument", `Capability ${JSON.stringify(capability.id)} names no server.`, {
      remedy: `Add :server_url or :command to its :${PROVIDER} block${own === undefined ? "" : `, or set ${own}`}.`,
    });
  }
  return {
    url: parseUrl(declared, `capability ${JSON.stringify(capability.id)}`, "Correct its :server_url."),
    replaced: false,
  };
}

function parseUrl(text: string, where: string, remedy: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    fail("invalid-argument", `The server of ${where} is no http or https URL.`, { remedy });
  }
  if (url.username !== "" || url.password !== "") {
    fail("invalid-argument", `The server URL of ${where} contains credentials.`, {
      remedy: 'Name a variable instead: :auth {:type "basic" :env_var "NAME"}, its value being user:password.',
    });
  }
  url.hash = "";
  return url;
}

function readTransport(capability: SessionCapability, read: Read): HttpSettings["transport"] {
  const text = read("transport")?.toLowerCase().replaceAll("_", "-").replace(/^:/, "");
  switch (text) {
    case undefined:
    case "":
    case "auto":
      return "auto";
    case "streamable-http":
    case "streamablehttp":
    case "http":
      return "streamable-http";
    case "sse":
      return "sse";
    default:
      return fail("invalid-argument", `Capability ${JSON.stringify(capability.id)} names an unknown transport.`, {
        remedy: 'Use :transport "auto", "streamable-http" or "sse"; a child process is declared by :command.',
      });
  }
}

function readLimit(capability: SessionCapability, configured: JsonObject, read: Read): number {
  const own = read("max_response_bytes");
  const value = own !== undefined ? Number(own) : getOwn(configured, "max_response_bytes");
  if (value === undefined) return DEFAULT_MAX_RESPONSE_BYTES;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < LEAST_RESPONSE_BYTES) {
    fail("invalid-argument", `max_response_bytes of ${JSON.stringify(capability.id)} is no number of bytes.`, {
      remedy: `Give an integer of at least ${LEAST_RESPONSE_BYTES}.`,
    });
  }
  return value;
}

function stdioTarget(command: string, capability: SessionCapability, context: TargetContext, read: Read): Place {
  const name = JSON.stringify(capability.id);
  if (command === "" || command.includes("\0")) fail("invalid-argument", `Capability ${name} names an empty command.`);
  context.authorizeCommand(command);
  const args = readArgs(capability, read);
  const shownArgs = partArguments(args);
  const credentials: Record<string, string> = { ...shownArgs.secrets };
  /** As declared: with names of variables, never their values. */
  const declaredEnv: [string, string][] = [];
  const env: Record<string, string> = Object.create(null) as Record<string, string>;
  let source: string | undefined;
  const take = (variable: string): string => {
    const secret = context.secret(variable, { origin: COMMAND_ORIGIN });
    source ??= variable;
    if (secret !== undefined) credentials[variable] = secret;
    return secret ?? "";
  };
  const declared = getOwn(capability.block, "env");
  for (const [key, value] of Object.entries(isJsonObject(declared) ? declared : {})) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key))
      fail("invalid-argument", `:env of ${name} has a name no variable can have.`);
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
      fail("invalid-argument", `:env of ${name} needs texts as values.`);
    }
    const text = String(value);
    if (text.includes("\0")) fail("invalid-argument", `:env of ${name} has a value with a NUL.`);
    env[key] = text.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_match, variable: string) => take(variable));
    const isLiteral = env[key] === text && isSecretName(key);
    if (isLiteral) credentials[`variable ${key}`] = text;
    declaredEnv.push([key, isLiteral ? "" : text]);
  }
  // A child reads its token from its own environment, under the name its author chose.
  const named = read("auth_env_var");
  if (named !== undefined && named !== "" && !(named in env)) {
    const secret = take(named);
    if (secret !== "") env[named] = secret;
  }
  const cwd = read("cwd");
  const endpoint = [command, ...shownArgs.shown]
    .map((part) => (/^[\w@%+=:,./-]+$/.test(part) ? part : JSON.stringify(part)))
    .join(" ");
  const maxResponseBytes = readLimit(capability, context.endpointSettings(endpoint), read);
  const settings: StdioSettings = { kind: "stdio", command, args, env, cwd, maxResponseBytes };
  return {
    endpoint,
    credentials,
    credentialSource: source,
    shape: {
      transport: "stdio",
      command: JSON.stringify([command, ...shownArgs.shown]),
      env: JSON.stringify(declaredEnv.sort(([a], [b]) => (a < b ? -1 : 1))),
      cwd: cwd ?? "",
      max_response_bytes: String(maxResponseBytes),
    },
    settings,
  };
}

function readArgs(capability: SessionCapability, read: Read): string[] {
  let args: unknown = getOwn(capability.block, "args");
  if (args === undefined) {
    const text = read("args");
    if (text === undefined) return [];
    try {
      args = JSON.parse(text);
    } catch {
      args = undefined;
    }
  }
  if (
    !Array.isArray(args) ||
    args.some((arg) => !["string", "number"].includes(typeof arg) || String(arg).includes("\0"))
  ) {
    fail("invalid-argument", `:args of ${JSON.stringify(capability.id)} is no vector of texts.`, {
      remedy: 'Write them one by one: :args ["-y" "some-server"].',
    });
  }
  return args.map(String);
}

/** What a server could quote that nobody may see: the secrets, those that stand in the file too, in the forms in which they are sent. */
export function secretsOf({ credentials, settings }: Target): string[] {
  const { username: _, ...secrets } = credentials;
  const { headers = {} } = settings as Partial<HttpSettings>;
  const [, scheme = "", encoded = ""] = /^(\S+) (.+)$/.exec(getOwn(headers, "authorization") ?? "") ?? [];
  const forms = new Set(Object.values(secrets));
  if (encoded !== "") forms.add(encoded);
  // A server that has decoded the pair may quote the password alone.
  if (scheme === "Basic")
    forms.add(
      Buffer.from(encoded, "base64")
        .toString("utf8")
        .replace(/^[^:]*:/, ""),
    );
  return [...forms];
}

/** A key of the block, under its own name or an older one. */
export function setting(capability: SessionCapability, key: string): string | undefined {
  const { metadata } = capability;
  const own = getOwn(metadata, `${PROVIDER}_${key}`);
  if (own !== undefined) return own;
  for (const alias of getOwn(ALIASES as Record<string, readonly string[]>, key) ?? []) {
    const value = getOwn(metadata, `${PROVIDER}_${alias}`);
    if (value !== undefined) return value;
  }
  return undefined;
}
