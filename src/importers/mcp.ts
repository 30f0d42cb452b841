import { isCcosError } from "../kernel/index.ts";
import { describeServer, type ServerAddress } from "../providers/mcp/index.ts";
import type { ImportOptions, ImportResult } from "./declaration.ts";
import { declareTool } from "./mcp-tool.ts";
import { parseMcpSource, type McpSource } from "./mcp-source.ts";
import { readToken } from "./token.ts";
import { beginImport, writeListing } from "./write-listing.ts";

/** The source is the address of a server (http or https), or a command line that starts one. */
export interface ImportMcpOptions extends ImportOptions {
  /** Sent with every request, and written to the files: no secrets. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Lists the tools of an MCP server and writes them down as capability files. */
export async function importMcp(options: ImportMcpOptions): Promise<ImportResult> {
  const run = beginImport(options);
  const { authEnv, headers } = options;
  const source = parseMcpSource(options.source, { authEnv, headers, warn: run.warn });
  const address = { ...addressOf(source, options), warn: run.warn };
  const server = await describeServer(address).catch((error: unknown) => {
    if (!isCcosError(error) || error.code !== "unauthenticated" || authEnv !== undefined) throw error;
    throw error.with({ remedy: "Put a token into a variable and name that with --auth-env." });
  });
  return writeListing(
    {
      provider: "mcp",
      serverName: server.serverInfo?.name ?? "",
      fallbackName: source.fallbackName,
      sourceText: source.text,
      method: "mcp_introspection",
      noun: "tool",
      operations: server.tools.map((tool) => ({
        name: tool.name,
        declare: (warn) => declareTool(tool, source.connection, warn),
      })),
    },
    options,
    run,
  );
}

function addressOf(source: McpSource, options: ImportMcpOptions): ServerAddress {
  const { server_url: url, command, args } = source.connection;
  const token = readToken(options, source.text, typeof url === "string" ? new URL(url) : undefined);
  const common: ServerAddress = {
    headers: options.headers,
    timeoutMs: options.timeout,
    signal: options.signal,
    tokenVariable: options.authEnv,
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
