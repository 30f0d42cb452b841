import { resolve } from "node:path";
import { fail, isCcosError, oneLine } from "../kernel/index.ts";
import { describeServer, type ServerAddress } from "../providers/mcp/index.ts";
import { capabilityText, moduleText } from "./capability-text.ts";
import { matchesGlob } from "./glob.ts";
import { declareTool } from "./mcp-tool.ts";
import { parseMcpSource, type McpSource } from "./mcp-source.ts";
import { assignNames, checkPrefix, idSegment } from "./names.ts";
import { saveFiles, type GeneratedFile } from "./save-files.ts";

export interface ImportMcpOptions {
  /** The address of a server (http or https), or a command line that starts one. */
  readonly source: string | URL;
  /** The folder the files go to; made where it is missing. */
  readonly out: string;
  /** What the ids begin with. Default: `mcp.` and the server's own name. */
  readonly prefix?: string | undefined;
  /** The variable that holds the token: sent while listing, named in the files. */
  readonly authEnv?: string | undefined;
  /** Only tools whose name fits; `*` stands for any run of characters, `?` for one. */
  readonly filter?: string | undefined;
  /** One file for all tools. Default false: one file a tool. */
  readonly single?: boolean | undefined;
  /** Sent with every request, and written to the files: no secrets. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Time for listing, in milliseconds. Default 30,000. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Where the token is read. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where a relative `out` and the command start. Default: `process.cwd()`. */
  readonly cwd?: string | undefined;
  /** The wall clock, in milliseconds. Default: the machine's. */
  readonly now?: (() => number) | undefined;
}

export interface ImportResult {
  /** Absolute paths of the files that hold the capabilities, whether or not they had to be written. */
  readonly files: readonly string[];
  /** The ids, in the order of the server's list. */
  readonly capabilities: readonly string[];
  readonly warnings: readonly string[];
}

const PROVIDER = "mcp";
const IMPORTED = /:method "mcp_introspection"/;

/**
 * Lists the tools of an MCP server and writes them down as capability files.
 *
 * Whatever the server says is data: names become ids of a small alphabet, texts become string literals.
 * Importing again replaces files that an import wrote where the server has changed, and touches no others.
 */
export async function importMcp(options: ImportMcpOptions): Promise<ImportResult> {
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(oneLine(message, 500));
  const cwd = options.cwd ?? process.cwd();
  const givenPrefix = options.prefix === undefined ? undefined : checkPrefix(options.prefix);
  const source = parseMcpSource(options.source, { authEnv: options.authEnv, headers: options.headers, warn });
  const server = await describeServer({ ...addressOf(source, options, cwd), warn }).catch((error: unknown) => {
    if (!isCcosError(error) || error.code !== "unauthenticated" || options.authEnv !== undefined) throw error;
    throw error.with({ remedy: "Put a token into a variable and name that with --auth-env." });
  });
  const serverName = oneLine((server.serverInfo?.name ?? "").toWellFormed(), 120) || source.fallbackName;
  const prefix = givenPrefix ?? `${PROVIDER}.${idSegment(serverName) || "server"}`;

  const { filter } = options;
  const tools = server.tools.filter((tool) => filter === undefined || matchesGlob(tool.name, filter));
  if (tools.length === 0) {
    const remedy = filter === undefined ? "" : ` whose name fits ${JSON.stringify(filter)}`;
    warn(`${source.text} lists no tool${remedy}.`);
  }
  const named = assignNames(prefix, tools, (tool) => tool.name, warn);
  const found = { connection: source.connection, serverName, sourceUrl: source.text };
  const declare = ({ id, item }: (typeof named)[number], createdAt: string, hear: typeof warn) =>
    declareTool(id, item, { ...found, createdAt, warn: hear });
  // Warnings are collected once, here; rendering may happen several times.
  for (const one of named) declare(one, "", warn);

  const quiet = (): void => {};
  const files: GeneratedFile[] =
    options.single === true
      ? named.length === 0
        ? []
        : [
            {
              fileName: `${prefix}-capabilities-module.rtfs`,
              render: (createdAt) =>
                moduleText(
                  {
                    name: `${idSegment(prefix)}-capabilities-module`,
                    server: serverName,
                    source: source.text,
                    createdAt,
                  },
                  named.map((one) => declare(one, createdAt, quiet)),
                ),
            },
          ]
      : named.map((one) => ({
          fileName: one.fileName,
          render: (createdAt) => capabilityText(declare(one, createdAt, quiet)),
        }));

  const paths = await saveFiles(files, {
    out: resolve(cwd, options.out),
    createdAt: new Date((options.now ?? Date.now)()).toISOString(),
    isOurs: (text) => IMPORTED.test(text),
    warn,
  });
  return { files: paths, capabilities: named.map((one) => one.id), warnings };
}

function addressOf(source: McpSource, options: ImportMcpOptions, cwd: string): ServerAddress {
  const { server_url: url, command, args } = source.connection;
  const token = readToken(options, source);
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
    cwd,
    env: token === undefined || options.authEnv === undefined ? {} : { [options.authEnv]: token },
  };
}

function readToken({ authEnv, env = process.env }: ImportMcpOptions, source: McpSource): string | undefined {
  if (authEnv === undefined) return undefined;
  const token = Object.hasOwn(env, authEnv) ? env[authEnv] : undefined;
  if (token === undefined || token === "") {
    return fail("unauthenticated", `The variable ${authEnv}, which --auth-env names, is not set.`, {
      remedy: `Set ${authEnv} to a token for ${source.text}.`,
    });
  }
  const { server_url: url } = source.connection;
  if (typeof url === "string" && !mayCarryToken(new URL(url))) {
    fail("permission-denied", `The token of ${authEnv} would travel in the clear to ${new URL(url).host}.`, {
      remedy: "Use an https address.",
    });
  }
  return token;
}

function mayCarryToken(url: URL): boolean {
  return url.protocol === "https:" || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
}
