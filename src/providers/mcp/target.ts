import {
  partArguments,
  readHttpPlace,
  readMaxResponseBytes,
  settingReader,
  withQuery,
  type HttpPlace,
  type HttpPlaceRules,
} from "../../http/index.ts";
import { fail, getOwn, isJsonObject, isSecretName } from "../../kernel/index.ts";
import type { SessionCapability, Target, TargetContext } from "../../session/handler.ts";
import { ALIASES, PROVIDER } from "./traits.ts";

export interface HttpSettings {
  readonly kind: "http";
  /** With what a credential adds to the query. */
  readonly url: string;
  /** Everything that goes with each request, credentials included. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where it was read from; absent for a server that no capability names yet. */
  readonly place?: HttpPlace | undefined;
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

/** The variable that any capability may use, but only for the origins below. */
const FALLBACK_VARIABLE = "MCP_AUTH_TOKEN";
const FALLBACK_ORIGINS = ["https://api.githubcopilot.com"];

const PLACE_RULES: HttpPlaceRules = {
  provider: PROVIDER,
  urlKey: "server_url",
  otherWays: ["command"],
  aliases: ALIASES,
  generalOverride: SERVER_URL_VARIABLE,
  reserved: [
    "accept",
    "content-type",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-param-*",
    "mcp-protocol-version",
    "mcp-session-id",
  ],
  credentialRules: (read, url, replaced) => ({
    further: namespaceVariable(read("server_name")),
    fallback: {
      variable: FALLBACK_VARIABLE,
      origins: replaced ? [...FALLBACK_ORIGINS, url.origin] : FALLBACK_ORIGINS,
    },
    onlyFallback: replaced,
    discoversIssuer: true,
  }),
};

/** `github/github-mcp` becomes `GITHUB_MCP_TOKEN`. */
function namespaceVariable(serverName: string | undefined): string[] {
  const namespace = serverName?.split("/", 1)[0]?.toUpperCase().replaceAll("-", "_") ?? "";
  return /^[A-Z_][A-Z0-9_]*$/.test(namespace) ? [`${namespace}_MCP_TOKEN`] : [];
}

/** Where, as whom and with what a capability is called, read from its metadata and the environment. */
export function readTarget(capability: SessionCapability, context: TargetContext): Target {
  const read = settingReader(capability, PROVIDER, ALIASES);
  const operation = read("tool_name");
  if (operation === undefined || operation === "") {
    fail("invalid-argument", `Capability ${JSON.stringify(capability.id)} names no tool.`, {
      remedy: `Add :tool_name to its :${PROVIDER} block.`,
    });
  }
  const idempotent = read("read_only_hint") === "true" || read("idempotent_hint") === "true" ? true : undefined;
  const command = read("command");
  const target =
    command === undefined ? httpTarget(capability, context) : stdioTarget(command, capability, context, read);
  return { ...target, operation, idempotent };
}

type Place = Omit<Target, "operation" | "idempotent">;
type Read = (key: string) => string | undefined;

function httpTarget(capability: SessionCapability, context: TargetContext): Place {
  const place = readHttpPlace(capability, context, PLACE_RULES);
  const transport = readTransport(capability, place.read);
  const settings: HttpSettings = {
    kind: "http",
    url: withQuery(place.url, place.query).href,
    headers: place.headers,
    place,
    transport,
    maxResponseBytes: place.maxResponseBytes,
  };
  return { ...place.target, shape: { transport, ...place.target.shape }, settings };
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
  const maxResponseBytes = readMaxResponseBytes(capability, context.endpointSettings(endpoint), read);
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
export function secretsOf({ credentials, settings }: Target): readonly string[] {
  const known = settings as McpSettings;
  return (known.kind === "http" ? known.place?.secrets : undefined) ?? Object.values(credentials);
}
