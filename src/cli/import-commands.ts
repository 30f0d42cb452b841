import { InvalidArgumentError, Option, type Command as Parser } from "commander";
import type { ImportOptions, ImportResult } from "../importers/index.ts";
import type { Command, CommandContext } from "./command-context.ts";

/** What the command line gave an import: the options that all kinds have, and those of its own under their names. */
export type ImportArguments = Pick<
  ImportOptions,
  "source" | "out" | "prefix" | "authEnv" | "filter" | "single" | "prune" | "timeout"
>;

/** Runs one kind of import with what the command line gave, and with the rest of its world. Undefined: all has been told. */
export type RunImport<Arguments extends ImportArguments = ImportArguments> = (
  options: Arguments & Pick<ImportOptions, "env" | "cwd" | "signal" | "signInFolder">,
  context: CommandContext,
) => Promise<ImportResult | undefined>;

/** One kind of import on the command line. */
interface ImportCommand {
  readonly name: string;
  readonly description: string;
  /** What the ids begin with unless `--prefix` says so, for the help. */
  readonly prefix: string;
  /** Options that only this kind has. */
  readonly options?: (parser: Parser) => unknown;
  /** Its file under `commands/`, loaded when it runs. */
  readonly load: () => Promise<RunImport<never>>;
}

const collect = (text: string, before: readonly string[] = []): string[] => [...before, text];

const IMPORTS: readonly ImportCommand[] = [
  {
    name: "mcp",
    description: "tools, resources and prompts of an MCP server, by its URL or by the command that starts it",
    prefix: "mcp and the server's own name",
    options: (command) =>
      command
        .addOption(new Option("--only <kind>", "one kind alone").choices(["tools", "resources", "prompts"]))
        .option("--watch", "stay, and import again whenever the server says that its offer has changed"),
    load: async () => (await import("./commands/import-mcp.ts")).runImport,
  },
  {
    name: "openapi",
    description: "operations of an OpenAPI or Swagger description, by its file or URL (JSON or YAML)",
    prefix: "openapi and the title",
    options: (command) =>
      command.option("--server <url>", "address of the service (default: the first the description names)"),
    load: async () => (await import("./commands/import-openapi.ts")).runImport,
  },
  {
    name: "graphql",
    description: "operations of a GraphQL service, by its URL or by its schema (SDL, or the JSON of an introspection)",
    prefix: "graphql and the host, or the schema's file",
    options: (command) =>
      command
        .option("--endpoint <url>", "address of the service, where the source is a schema")
        .option("--depth <levels>", "levels of objects that are selected of a result (2)", positiveInteger),
    load: async () => (await import("./commands/import-graphql.ts")).runImport,
  },
  {
    name: "grpc",
    description: "methods of gRPC services: host:port of a server with reflection, .proto files, or a descriptor set",
    prefix: "grpc",
    options: (command) =>
      command
        .option("--target <address>", "where the services are called, for what is read from files")
        .option("--proto-path <folder>", "where imports of .proto files are looked up, repeatable", collect)
        .option("--ca-file <file>", "authority of the server's certificate, in PEM form"),
    load: async () => (await import("./commands/import-grpc.ts")).runImport,
  },
];

/** Adds `import` and its kinds to the program. `run` is what runs any command. */
export function addImportCommands(
  program: Parser,
  run: (load: () => Promise<Command<ImportArguments>>, args: ImportArguments) => Promise<void>,
): void {
  const importer = program.command("import").description("write capability files from what a service says of itself");
  for (const { name, description, prefix, options, load } of IMPORTS) {
    const command = importer
      .command(`${name} <source>`)
      .description(description)
      .requiredOption("--out <folder>", "where the files go")
      .option("--prefix <prefix>", `first part of the ids (default: ${prefix})`)
      .option("--auth-env <variable>", "variable that holds the token")
      .option("--filter <glob>", "only operations whose name matches")
      .option("--prune", "remove files of an earlier import for what is offered no longer")
      .option("--single", "one module file instead of a file for each operation")
      .option("--timeout <ms>", "time for reading the description, in milliseconds (30000)", positiveInteger);
    options?.(command);
    command.action((source: string, own: Omit<ImportArguments, "source">) =>
      run(async () => (await import("./commands/import.ts")).importCommand(await load()), { source, ...own }),
    );
  }
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 2_147_483_647)
    throw new InvalidArgumentError("It must be a whole number from 1.");
  return value;
}
