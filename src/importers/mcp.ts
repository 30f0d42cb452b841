import { CcosError, isCcosError, sleep, systemClock, toCcosError, type JsonObject } from "../kernel/index.ts";
import { describeServer, watchServer, type ServerAddress, type ServerDescription } from "../providers/mcp/index.ts";
import type { ImportOptions, ImportResult, ListedOperation, Warn } from "./declaration.ts";
import { declarePrompt, textOf } from "./mcp-prompt.ts";
import { declareResource, declareTemplate } from "./mcp-resource.ts";
import { declareTool } from "./mcp-tool.ts";
import { parseMcpSource, type McpSource } from "./mcp-source.ts";
import { readToken } from "./token.ts";
import { beginImport, writeListing } from "./write-listing.ts";

/** The source is the address of a server (http or https), or a command line that starts one. */
export interface ImportMcpOptions extends ImportOptions {
  /** Sent with every request, and written to the files: no secrets. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** One kind alone; templates count as resources. Default: all of them. */
  readonly only?: "tools" | "resources" | "prompts" | undefined;
}

export interface WatchMcpOptions extends ImportMcpOptions {
  /** Told of every import, the first one too. */
  readonly onImport: (result: ImportResult) => void;
  /** Told what keeps a later one from being made. */
  readonly onProblem: (error: CcosError) => void;
}

/** Lists what an MCP server offers and writes it down as capability files: tools, resources and prompts. */
export async function importMcp(options: ImportMcpOptions): Promise<ImportResult> {
  const run = beginImport(options);
  const source = sourceOf(options, run.warn);
  const address = { ...addressOf(source, options), warn: run.warn };
  const server = await describeServer(address).catch((error: unknown) => {
    if (!isCcosError(error) || error.code !== "unauthenticated" || options.authEnv !== undefined) throw error;
    const signIn = source.connection["server_url"] === undefined ? "" : `, or sign in first: ccos auth ${source.text}`;
    throw error.with({ remedy: `Put a token into a variable and name that with --auth-env${signIn}.` });
  });
  const { only } = options;
  return writeListing(
    {
      provider: "mcp",
      serverName: server.serverInfo?.name ?? "",
      fallbackName: source.fallbackName,
      sourceText: source.text,
      method: "mcp_introspection",
      noun: only === undefined ? "tool, resource or prompt" : NOUNS[only],
      operations: operationsOf(server, source.connection, run.warn),
      isWanted: only === undefined ? undefined : ({ kind }) => kind === only,
      isComplete: server.unlisted.length === 0,
    },
    options,
    run,
  );
}

/**
 * Imports now and whenever the server says that its offer has changed, until the signal aborts. Throws what the first
 * import throws, and `rejected` where the server tells of no changes; what fails later is told, and tried again.
 */
export async function watchMcp(options: WatchMcpOptions): Promise<void> {
  const { onImport, onProblem } = options;
  onImport(await importMcp(options));
  let due: Promise<void> | undefined;
  let again = false;
  const importAgain = async (): Promise<void> => {
    do {
      again = false;
      // A server says several things at once when it changes.
      await sleep(systemClock, SETTLE_MS, options.signal).catch(() => {});
      if (options.signal?.aborted === true) return;
      await importMcp(options).then(onImport, (error: unknown) => {
        if (options.signal?.aborted !== true) onProblem(toCcosError(error));
      });
    } while (again);
    due = undefined;
  };
  const changed = (): void => {
    again = true;
    due ??= importAgain();
  };
  const lost = (reason: string): void =>
    onProblem(new CcosError("unavailable", `The server cannot be heard: ${reason}`));
  await watchServer(
    addressOf(
      sourceOf(options, () => {}),
      options,
    ),
    { changed, lost },
  );
  await due;
}

const SETTLE_MS = 200;

const NOUNS = { tools: "tool", resources: "resource", prompts: "prompt" } as const;

function sourceOf({ source, authEnv, headers }: ImportMcpOptions, warn: (message: string) => void): McpSource {
  return parseMcpSource(source, { authEnv, headers, warn });
}

/** Tools under their own names, everything else behind the name of its kind, so that no two of them meet. */
function operationsOf(server: ServerDescription, connection: JsonObject, warn: Warn): ListedOperation[] {
  const named = (kind: "resources" | "prompts", key: string, items: readonly JsonObject[]) =>
    items.flatMap((item) => {
      const id = textOf(item, key);
      if (id === undefined) warn(`One of its ${kind} has no ${key}; it was left out.`);
      return id === undefined ? [] : [{ id, item, name: textOf(item, "name") ?? id }];
    });
  return [
    ...server.tools.map((tool) => ({
      kind: "tools",
      name: tool.name,
      declare: (hear: Warn) => declareTool(tool, connection, hear),
    })),
    ...named("resources", "uri", server.resources).map(({ id, item, name }) => ({
      kind: "resources",
      name,
      idParts: ["resource", name],
      declare: () => declareResource(id, item, connection),
    })),
    ...named("resources", "uriTemplate", server.resourceTemplates).map(({ id, item, name }) => ({
      kind: "resources",
      name,
      idParts: ["template", name],
      declare: () => declareTemplate(id, item, connection),
    })),
    ...named("prompts", "name", server.prompts).map(({ id, item, name }) => ({
      kind: "prompts",
      name,
      idParts: ["prompt", name],
      declare: () => declarePrompt(id, item, connection),
    })),
  ];
}

function addressOf(source: McpSource, options: ImportMcpOptions): ServerAddress {
  const { server_url: url, command, args } = source.connection;
  const token = readToken(options, source.text, typeof url === "string" ? new URL(url) : undefined);
  const common: ServerAddress = {
    headers: options.headers,
    timeoutMs: options.timeout,
    signal: options.signal,
    tokenVariable: options.authEnv,
    signInFolder: options.signInFolder,
  };
  if (typeof url === "string") return { ...common, url, token };
  return {
    ...common,
    command: command as string,
    args: args as string[] | undefined,
    cwd: options.cwd ?? process.cwd(),
    env: token === undefined || options.authEnv === undefined ? {} : { [options.authEnv]: token },
  };
}
