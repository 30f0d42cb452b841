import { createDispatcher } from "../../http/index.ts";
import { fail, isJsonObject, stringifyJson, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import type { Target } from "../../session/handler.ts";
import type { Connection } from "./connect.ts";
import { offers } from "./handshake.ts";
import { classify } from "./map-error.ts";
import { VerdictMemory } from "./negotiate.ts";
import { scanParamHeaders } from "./param-headers.ts";
import type { McpSettings } from "./target.ts";
import { WireError } from "./wire-error.ts";

export interface ToolDescription {
  readonly name: string;
  readonly title: string | undefined;
  readonly description: string | undefined;
  readonly inputSchema: JsonObject;
  readonly outputSchema: JsonObject | undefined;
  readonly annotations: JsonObject | undefined;
}

const MOST_PAGES = 100;
const MOST_TOOLS = 10_000;
/** Characters of all pages but the first together: each page alone is bounded as every answer is. */
const MOST_CHARACTERS = 32 * 1024 * 1024;

/** Every page of a listing; a server that pages for ever is told from one that has much to tell. */
export async function listAll(
  connection: Connection,
  method: string,
  member: string,
  signal?: AbortSignal,
): Promise<JsonObject[]> {
  const { transport, meta } = connection;
  const found: JsonObject[] = [];
  const cursors = new Set<string>();
  let cursor: JsonValue | undefined;
  let characters = 0;
  for (let page = 0; ; page++) {
    const params: JsonObject = { ...(cursor !== undefined && { cursor }), ...(meta && { _meta: meta }) };
    const answer = await transport.request(method, params, { signal });
    const broken = (text: string): WireError => new WireError({ kind: "broken", text }, transport.state);
    if ("error" in answer) throw new WireError({ kind: "rpc", error: answer.error }, transport.state);
    const items = isJsonObject(answer.result) ? answer.result[member] : undefined;
    if (!Array.isArray(items)) throw broken(`The answer to ${method} has no list of ${member}.`);
    for (const item of items) if (isJsonObject(item)) found.push(item);
    cursor = (answer.result as JsonObject)["nextCursor"];
    if (typeof cursor !== "string") return found;
    if (cursors.has(cursor)) throw broken(`The pages of ${method} go round in a circle.`);
    cursors.add(cursor);
    if (page > 0) characters += stringifyJson(items).length;
    if (page + 1 >= MOST_PAGES || found.length > MOST_TOOLS || characters > MOST_CHARACTERS)
      throw broken(`The answer to ${method} has no end.`);
  }
}

/** The tools of a server; those that must not be called over this transport are left out, and reported. */
export async function listTools(
  connection: Connection,
  signal?: AbortSignal,
  warn: (message: string) => void = () => {},
): Promise<ToolDescription[]> {
  const tools: ToolDescription[] = [];
  for (const item of await listAll(connection, "tools/list", "tools", signal)) {
    const { name, title, description, inputSchema, outputSchema, annotations } = item;
    if (typeof name !== "string" || name === "") {
      warn("A tool without a name was left out.");
      continue;
    }
    if (connection.era === "modern" && connection.kind === "http") {
      const scan = scanParamHeaders(inputSchema ?? null);
      if (!scan.ok) {
        warn(`The tool ${JSON.stringify(name)} was left out: ${scan.reason}.`);
        continue;
      }
    }
    tools.push({
      name,
      title: typeof title === "string" ? title : undefined,
      description: typeof description === "string" ? description : undefined,
      inputSchema: isJsonObject(inputSchema) ? inputSchema : {},
      outputSchema: isJsonObject(outputSchema) ? outputSchema : undefined,
      annotations: isJsonObject(annotations) ? annotations : undefined,
    });
  }
  return tools;
}

/** A server to describe: a URL, or a command. Secrets are given as values; nothing is read from the environment. */
export interface ServerAddress {
  readonly url?: string | undefined;
  readonly command?: string | undefined;
  readonly args?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
  readonly token?: string | undefined;
  /** The variable the token came from, to be named when it is refused. */
  readonly tokenVariable?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly transport?: "auto" | "streamable-http" | "sse" | undefined;
  /** Most bytes of one answer. Default 32 MiB. */
  readonly maxResponseBytes?: number | undefined;
  /** Time for everything, in milliseconds. Default 30000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Hears of tools that were left out. */
  readonly warn?: ((message: string) => void) | undefined;
}

export interface ServerDescription {
  readonly serverInfo: { readonly name: string; readonly version: string } | undefined;
  readonly era: "legacy" | "modern";
  readonly protocolVersion: string;
  readonly transport: "http" | "sse" | "stdio";
  readonly instructions: string | undefined;
  readonly tools: readonly ToolDescription[];
  readonly resources: readonly JsonObject[];
  readonly prompts: readonly JsonObject[];
}

/** Asks a server what it is and what it offers, in a session of its own that is closed again. */
export async function describeServer(address: ServerAddress): Promise<ServerDescription> {
  const target = targetOf(address);
  const [{ connect }, dispatcher] = await Promise.all([import("./connect.ts"), createDispatcher()]);
  const timeoutMs = address.timeoutMs ?? 30_000;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = address.signal === undefined ? timeout : AbortSignal.any([address.signal, timeout]);
  const warn = address.warn ?? (() => {});
  let connection: Connection | undefined;
  try {
    connection = await connect(target, {
      dispatcher,
      verdicts: new VerdictMemory(Date.now),
      now: Date.now,
      openTimeoutMs: timeoutMs,
      signal,
    });
    const { server, protocolVersion } = connection;
    return {
      serverInfo: server.serverInfo,
      era: connection.era,
      protocolVersion,
      transport: connection.kind,
      instructions: server.instructions,
      tools: !offers(server, "tools") ? [] : await listTools(connection, signal, warn),
      resources: !offers(server, "resources") ? [] : await listAll(connection, "resources/list", "resources", signal),
      prompts: !offers(server, "prompts") ? [] : await listAll(connection, "prompts/list", "prompts", signal),
    };
  } catch (error) {
    if (timeout.aborted && address.signal?.aborted !== true) {
      fail("deadline-exceeded", `${target.endpoint} did not say within ${timeoutMs} ms what it offers.`, {
        cause: error,
      });
    }
    throw classify(error, { phase: "open", sent: connection !== undefined, target });
  } finally {
    await connection?.transport.terminate();
    await connection?.transport.close();
    await dispatcher.destroy();
  }
}

function targetOf(address: ServerAddress): Target {
  const { url, command, args = [], env = {}, cwd, token, headers = {} } = address;
  const maxResponseBytes = address.maxResponseBytes ?? 32 * 1024 * 1024;
  const credentials: Record<string, string> = token === undefined ? {} : { token };
  const common = { credentials, credentialSource: address.tokenVariable, shape: {}, operation: "the listing" };
  if (command !== undefined) {
    const settings: McpSettings = { kind: "stdio", command, args, env, cwd, maxResponseBytes };
    return { ...common, endpoint: [command, ...args].join(" "), settings };
  }
  const parsed = url !== undefined && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !["http:", "https:"].includes(parsed.protocol)) {
    fail("invalid-argument", "The server is named neither by an http or https URL nor by a command.");
  }
  const settings: McpSettings = {
    kind: "http",
    url: parsed.href,
    headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token.trim()}` }) },
    transport: address.transport ?? "auto",
    maxResponseBytes,
  };
  return { ...common, endpoint: parsed.origin + parsed.pathname, settings };
}
