import {
  partArguments,
  readHttpPlace,
  readMaxResponseBytes,
  settingReader,
  withQuery,
  wordOf,
  type HttpPlace,
  type HttpPlaceRules,
  type SignInStore,
} from "../../http/index.ts";
import { fail, getOwn, isJsonObject, isSecretName } from "../../kernel/index.ts";
import type { SessionCapability, Target, TargetContext } from "../../session/handler.ts";
import { operationName, readOperation, type McpOperation } from "./operation.ts";
import type { Sending } from "./proof.ts";
import { readSignInPlan, type SignInPlan } from "./sign-in-plan.ts";
import { ALIASES, PROVIDER } from "./traits.ts";

export interface HttpSettings {
  readonly kind: "http";
  /** With what a credential adds to the query. */
  readonly url: string;
  /** Everything that goes with each request, credentials included. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where it was read from; absent for a server that no capability names yet. */
  readonly place?: HttpPlace | undefined;
  /** How a person signs in there, and the sign-in that is used. */
  readonly signIn?: SignInPlan | undefined;
  /** The capability that it was read from, to be named to people. */
  readonly capabilityId?: string | undefined;
  /** How requests are sent, where each needs a proof of its own. */
  readonly sending?: Sending | undefined;
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

export type McpSettings = (HttpSettings | StdioSettings) & {
  /** Absent where no capability is called, as when a server is listed. */
  readonly call?: CallSettings | undefined;
};

/** What a call is about, and how one is followed. */
export interface CallSettings {
  readonly operation: McpOperation;
  /** From which level on a followed call tells its log. */
  readonly logLevel: LogLevel | "off";
  readonly maxBufferedEvents: number;
}

/** Mildest first: RFC 5424, as the protocol has it. */
export const LOG_LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const DEFAULT_LOG_LEVEL: LogLevel = "info";
const DEFAULT_BUFFERED_EVENTS = 1024;
const MOST_BUFFERED_EVENTS = 1_000_000;

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
    signsPeopleIn: true,
  }),
};

/** `github/github-mcp` becomes `GITHUB_MCP_TOKEN`. */
function namespaceVariable(serverName: string | undefined): string[] {
  const namespace = serverName?.split("/", 1)[0]?.toUpperCase().replaceAll("-", "_") ?? "";
  return /^[A-Z_][A-Z0-9_]*$/.test(namespace) ? [`${namespace}_MCP_TOKEN`] : [];
}

/** Where, as whom and with what a capability is called, read from its metadata and the environment. */
export function readTarget(capability: SessionCapability, context: TargetContext, signIns?: SignInStore): Target {
  const read = settingReader(capability, PROVIDER, ALIASES);
  const operation = readOperation(capability, read);
  // Only tools do anything; the rest reads.
  const isHarmless =
    operation.kind !== "tool" || read("read_only_hint") === "true" || read("idempotent_hint") === "true";
  const command = read("command");
  const target =
    command === undefined ? httpTarget(capability, context, signIns) : stdioTarget(command, capability, context, read);
  const call: CallSettings = {
    operation,
    logLevel: readLogLevel(capability, read),
    maxBufferedEvents: readMaxBufferedEvents(capability, read),
  };
  return {
    ...target,
    settings: { ...target.settings, call },
    operation: operationName(operation),
    idempotent: isHarmless ? true : undefined,
  };
}

/** What calls of a target are like; the session does not depend on it. */
export function callSettings(target: Target): CallSettings {
  const { call } = target.settings as McpSettings;
  return call ?? fail("internal", "This target is for a session, and for no call.");
}

function readLogLevel(capability: SessionCapability, read: Read): LogLevel | "off" {
  const text = read("log_level");
  if (text === undefined || text === "") return DEFAULT_LOG_LEVEL;
  const level = [...LOG_LEVELS, "off" as const].find((known) => known === wordOf(text));
  return (
    level ??
    fail("invalid-argument", `:log_level of ${JSON.stringify(capability.id)} is no level.`, {
      remedy: `Use "off" or one of ${LOG_LEVELS.join(", ")}.`,
    })
  );
}

function readMaxBufferedEvents(capability: SessionCapability, read: Read): number {
  const text = read("max_buffered_events");
  if (text === undefined) return DEFAULT_BUFFERED_EVENTS;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1 && value <= MOST_BUFFERED_EVENTS) return value;
  return fail("invalid-argument", `:max_buffered_events of ${JSON.stringify(capability.id)} is no number of events.`, {
    remedy: `Give an integer from 1 to ${MOST_BUFFERED_EVENTS}.`,
  });
}

type Place = Omit<Target, "operation" | "idempotent"> & { readonly settings: HttpSettings | StdioSettings };
type Read = (key: string) => string | undefined;

function httpTarget(capability: SessionCapability, context: TargetContext, signIns: SignInStore | undefined): Place {
  const place = readHttpPlace(capability, context, PLACE_RULES);
  const transport = readTransport(capability, place.read);
  const signIn = readSignInPlan(capability, context, place, signIns);
  const settings: HttpSettings = {
    kind: "http",
    url: withQuery(place.url, place.query).href,
    headers: place.headers,
    place,
    signIn,
    capabilityId: capability.id,
    transport,
    maxResponseBytes: place.maxResponseBytes,
  };
  const shape = { transport, ...place.target.shape };
  const { record } = signIn;
  if (record === undefined) return { ...place.target, shape, settings };
  // Another sign-in is another identity; a token that was renewed is not.
  return { ...place.target, credentials: { "sign-in": record.id }, credentialSource: undefined, shape, settings };
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
