import { isJsonObject, oneLine, stringifyJson, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import type { Connection } from "./connect.ts";
import { offers } from "./handshake.ts";
import { scanParamHeaders } from "./param-headers.ts";
import { useServer, type ServerAddress } from "./server-address.ts";
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

export interface ServerDescription {
  readonly serverInfo: { readonly name: string; readonly version: string } | undefined;
  readonly era: "legacy" | "modern";
  readonly protocolVersion: string;
  readonly transport: "http" | "sse" | "stdio";
  readonly instructions: string | undefined;
  readonly tools: readonly ToolDescription[];
  readonly resources: readonly JsonObject[];
  readonly resourceTemplates: readonly JsonObject[];
  readonly prompts: readonly JsonObject[];
  /** What it offers and did not list, as when it fails at it. */
  readonly unlisted: readonly OfferKind[];
}

export type OfferKind = "tools" | "resources" | "resourceTemplates" | "prompts";

/** Asks a server what it is and what it offers, in a session of its own that is closed again. */
export function describeServer(address: ServerAddress): Promise<ServerDescription> {
  const warn = address.warn ?? (() => {});
  return useServer(address, { use: (connection, signal) => describe(connection, signal, warn) });
}

async function describe(
  connection: Connection,
  signal: AbortSignal,
  warn: (message: string) => void,
): Promise<ServerDescription> {
  const { server, protocolVersion } = connection;
  const unlisted: OfferKind[] = [];
  /** A server that fails at one list may still be good for the others. */
  const list = async (kind: OfferKind, method: string): Promise<JsonObject[]> => {
    if (!offers(server, method.slice(0, method.indexOf("/")))) return [];
    try {
      return await listAll(connection, method, kind, signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof WireError)) throw error;
      // Templates came later than resources, and few servers have any.
      if (!(kind === "resourceTemplates" && isUnknownMethod(error))) {
        unlisted.push(kind);
        warn(`Its ${NOUNS[kind]} could not be listed: ${oneLine(error.message)}.`);
      }
      return [];
    }
  };
  return {
    serverInfo: server.serverInfo,
    era: connection.era,
    protocolVersion,
    transport: connection.kind,
    instructions: server.instructions,
    tools: offers(server, "tools") ? await listTools(connection, signal, warn) : [],
    resources: await list("resources", "resources/list"),
    resourceTemplates: await list("resourceTemplates", "resources/templates/list"),
    prompts: await list("prompts", "prompts/list"),
    unlisted,
  };
}

const NOUNS = {
  tools: "tools",
  resources: "resources",
  resourceTemplates: "resource templates",
  prompts: "prompts",
} as const;

function isUnknownMethod({ failure }: WireError): boolean {
  if (failure.kind === "http") return failure.rpc?.code === -32601;
  return failure.kind === "rpc" && failure.error.code === -32601;
}
