import { createRedactor, fail, oneLine, type JsonObject } from "../kernel/index.ts";
import { splitCommandLine } from "./command-line.ts";
import { requireNoCredentials, warnOfSecrets } from "./plain-address.ts";
import { checkVariable } from "./token.ts";

/** Where the tools are listed from, and what a file says to lead back there. */
export interface McpSource {
  /** Keys of the provider block. */
  readonly connection: JsonObject;
  /** For people and for `:discovery`: an address without secrets, or a command line. */
  readonly text: string;
  /** What the server is called where it does not say so itself. */
  readonly fallbackName: string;
}

export interface McpSourceOptions {
  readonly authEnv?: string | undefined;
  /** Sent with every request, and written to the files: no secrets. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly warn: (message: string) => void;
}

const SECRET_HEADER = /^(?:authorization|proxy-authorization|cookie|.*(?:token|secret|api-?key|password).*)$/i;

/** Reads a source as people give it: an http(s) address, or anything else as a command line. */
export function parseMcpSource(source: string | URL, options: McpSourceOptions): McpSource {
  const text = String(source).trim();
  if (text === "")
    fail("invalid-argument", "There is no source to import from.", { remedy: "Give an address or a command." });
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "http" && scheme !== "https") {
    fail("invalid-argument", `There is no MCP over ${scheme}.`, {
      remedy: "Give an http or https address, or the command that starts the server.",
    });
  }
  const found = scheme === undefined ? commandOf(text) : addressOf(text, options);
  const connection = { ...found.connection };
  if (options.authEnv !== undefined) {
    connection["auth_env_var"] = checkVariable(options.authEnv);
  }
  return { ...found, connection };
}

function addressOf(text: string, { headers = {}, warn }: McpSourceOptions): McpSource {
  const url = URL.parse(text);
  if (url === null) {
    return fail("invalid-argument", `${oneLine(createRedactor().redact(text))} is not an address.`, {
      remedy: "Give it like http://127.0.0.1:3000/mcp.",
    });
  }
  requireNoCredentials(url);
  url.hash = "";
  const shown = warnOfSecrets(url, warn);
  for (const name of Object.keys(headers)) {
    if (SECRET_HEADER.test(name)) {
      fail(
        "invalid-argument",
        `The header ${oneLine(name, 60)} carries a secret, which would be written to the files.`,
        {
          remedy: "Put the token into a variable and name that with --auth-env.",
        },
      );
    }
  }
  return {
    connection: { server_url: url.href, ...(Object.keys(headers).length > 0 && { headers: { ...headers } }) },
    text: shown,
    fallbackName: url.hostname,
  };
}

function commandOf(text: string): McpSource {
  const [command = "", ...args] = splitCommandLine(text);
  return {
    connection: { command, ...(args.length > 0 && { args }) },
    text: createRedactor().redact(text),
    fallbackName: command.replace(/^.*[\\/]/, "").replace(/\.\w+$/, ""),
  };
}
