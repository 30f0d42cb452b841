import { isatty } from "node:tty";
import { Command as Parser, CommanderError, Option } from "commander";
import type { Command, CommandContext, GlobalOptions } from "./command-context.ts";
import { EXIT } from "./command-context.ts";
import { reportError } from "./error-report.ts";
import { exitCodeOf } from "./exit-code.ts";
import type { AuthArguments } from "./commands/auth.ts";
import { addImportCommands, positiveInteger } from "./import-commands.ts";
import { createInterruption, type SignalSource } from "./interruption.ts";
import { createOutput, type Sink } from "./output.ts";
import { processSink } from "./process-sink.ts";
import { version } from "./version.ts";

/** What the program needs of its process. */
export interface World {
  readonly stdin: CommandContext["stdin"];
  readonly ask: CommandContext["ask"];
  readonly terminal?: CommandContext["terminal"];
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly signals: SignalSource;
}

/** Runs one command line (without the program's own name) and says the exit code. Never throws. */
export async function main(argv: readonly string[], world: World = processWorld()): Promise<number> {
  let exitCode: number = EXIT.done;
  const parser = createParser(world, async (options, load, args) => {
    exitCode = await execute(world, options, load, args);
  });
  try {
    await parser.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    reportError(error, createOutput(world), world);
    return exitCodeOf(error);
  }
  return exitCode;
}

type Load<Arguments> = () => Promise<Command<Arguments>>;
type Execute = <Arguments>(options: GlobalOptions, load: Load<Arguments>, args: Arguments) => Promise<void>;

async function execute<Arguments>(
  world: World,
  options: GlobalOptions,
  load: Load<Arguments>,
  args: Arguments,
): Promise<number> {
  const output = createOutput({ ...world, quiet: options.quiet, color: options.color });
  const interruption = createInterruption(world.signals, (text) => output.note(text));
  const context: CommandContext = {
    options,
    output,
    env: world.env,
    cwd: world.cwd,
    // Asked for only when a command reads it: opening it costs time, and an open pipe keeps the process.
    get stdin() {
      return world.stdin;
    },
    ask: world.ask,
    get terminal() {
      return world.terminal;
    },
    signal: interruption.signal,
    watchSignals: () => interruption.watch(),
  };
  try {
    const command = await load();
    const code = await command(args, context);
    return interruption.exitCode() ?? code;
  } catch (error) {
    reportError(error, output, { cwd: world.cwd });
    return interruption.exitCode() ?? exitCodeOf(error);
  } finally {
    interruption.stop();
  }
}

function createParser(world: World, execute: Execute): Parser {
  const parser = new Parser("ccos");
  const collect = (path: string, before: readonly string[] = []): string[] => [...before, path];
  parser
    .description(
      "Declare a capability once, as data; call it by name. Its session is opened, shared, refreshed, replaced and closed for you.",
    )
    .version(version(), "-V, --version")
    .option(
      "--capabilities <path>",
      "folder or file of capabilities, repeatable (CCOS_CAPABILITIES; default ./capabilities)",
      collect,
    )
    .option("--config <file>", "configuration (CCOS_CONFIG; default ./ccos.config.json)")
    .option(
      "--store <url>",
      "where sessions outlive this process: memory, sqlite:PATH or redis://HOST:PORT (CCOS_STORE)",
    )
    .option("--json", "machine-readable output")
    .option("-v, --verbose", "tell on stderr what happens to sessions")
    .option("-q, --quiet", "only values and errors")
    .option("--no-color", "no colours (also NO_COLOR)")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void world.stdout.write(text),
      writeErr: (text) => void world.stderr.write(text),
      outputError: (text, write) => write(usageText(text)),
    })
    .exitOverride()
    .showHelpAfterError("  ccos --help lists commands and options.");

  // Options of the program are recognised before and after the command's name.
  const options = (): GlobalOptions => parser.opts<GlobalOptions>();
  const print = (): Option => new Option("--print <form>", "how the value is printed").choices(["edn", "json"]);
  const limited = (command: Parser): Parser =>
    command
      .option("--timeout <ms>", "time for the program, in milliseconds (60000)", positiveInteger)
      .option("--max-steps <n>", "evaluation steps (50000000)", positiveInteger);
  interface OfProgram {
    print?: "edn" | "json";
    timeout?: number;
    maxSteps?: number;
  }

  limited(parser.command("eval [expression]"))
    .description("value of an RTFS expression or program")
    .option("--file <file>", "read the program from a file, or from stdin with -")
    .addOption(print())
    .action((expression: string | undefined, own: OfProgram & { file?: string }) =>
      execute(options(), async () => (await import("./commands/eval.ts")).evalCommand, { expression, ...own }),
    );

  limited(parser.command("run <file>"))
    .description("run an RTFS program from a file, or from stdin with -")
    .option("--input <json>", "value of the symbol input: JSON, @FILE, or - for stdin")
    .addOption(print())
    .action((file: string, own: OfProgram & { input?: string }) =>
      execute(options(), async () => (await import("./commands/run.ts")).runCommand, { file, ...own }),
    );

  parser
    .command("repl")
    .description("evaluate forms as you type them; definitions stay")
    .action(() => execute(options(), async () => (await import("./commands/repl.ts")).replCommand, {}));

  parser
    .command("check <path...>")
    .description("read and validate capability files and folders; executes nothing")
    .action((paths: string[]) =>
      execute(options(), async () => (await import("./commands/check.ts")).checkCommand, { paths }),
    );

  parser
    .command("fmt <path...>")
    .description("put files and folders into the canonical style; - formats stdin to stdout")
    .option("--check", "change nothing; list what is not formatted and exit with 1")
    .action((paths: string[], own: { check?: boolean }) =>
      execute(options(), async () => (await import("./commands/fmt.ts")).fmtCommand, { paths, ...own }),
    );

  parser
    .command("call <id> [input...]")
    .description("call a capability; input is JSON, @FILE or - (stdin), and key=value or key:=JSON pairs")
    .option("--timeout <ms>", "time for the whole call, in milliseconds", positiveInteger)
    .option("--stream", "print its events as they come, one JSON a line; without --timeout there is no limit of time")
    .action((id: string, input: string[], own: { timeout?: number; stream?: boolean }) =>
      execute(options(), async () => (await import("./commands/call.ts")).callCommand, { id, input, ...own }),
    );

  parser
    .command("list [query]")
    .description("capabilities, or those that contain a text")
    .action((query: string | undefined) =>
      execute(options(), async () => (await import("./commands/list.ts")).listCommand, { query }),
    );

  parser
    .command("describe <id>")
    .description("all about one capability: schemas, effects, metadata, policy")
    .action((id: string) =>
      execute(options(), async () => (await import("./commands/describe.ts")).describeCommand, { id }),
    );

  addImportCommands(parser, (load, args) => execute(options(), load, args));

  parser
    .command("auth <id>")
    .description("sign in where the calls of a capability go, or at the URL of an MCP server, and keep the tokens")
    .option("--scope <scopes>", "what to ask for besides what the server asks for, separated by spaces")
    .option("--device", "by a code that is typed in on another device, where the issuer offers that")
    .option("--no-browser", "show the address, and open nothing")
    .option("--port <n>", "the port on this machine that the browser comes back to (any free one)", positiveInteger)
    .option("--timeout <ms>", "time for the person, in milliseconds (300000)", positiveInteger)
    .option("--status", "tell who is signed in; exit code 1 where nobody is")
    .option("--logout", "forget the tokens, and tell the issuer")
    .action((id: string, own: Omit<AuthArguments, "id">) =>
      execute(options(), async () => (await import("./commands/auth.ts")).authCommand, { id, ...own }),
    );

  const sessions = parser.command("sessions").description("the sessions that a store keeps for the next command");
  sessions
    .command("list")
    .description("those that a store holds")
    .action(() => execute(options(), async () => (await import("./commands/sessions.ts")).listSessionsCommand, {}));
  sessions
    .command("close [id]")
    .description("end one at its peer, or all of them")
    .option("--all", "every session of the capabilities that are loaded")
    .action((id: string | undefined, own: { all?: boolean }) =>
      execute(options(), async () => (await import("./commands/sessions.ts")).closeSessionsCommand, { id, ...own }),
    );

  parser
    .command("trust <path...>")
    .description("record a folder or file of the working directory as trusted, as it is now")
    .action((paths: string[]) =>
      execute(options(), async () => (await import("./commands/trust.ts")).trustCommand, { paths }),
    );

  parser
    .command("doctor [id]")
    .description(
      "variables, trust, reachability, handshake of one capability or all, each problem with its remedy; calls nothing",
    )
    .option("--timeout <ms>", "time for each step, in milliseconds (10000)", positiveInteger)
    .action((id: string | undefined, own: { timeout?: number }) =>
      execute(options(), async () => (await import("./commands/doctor.ts")).doctorCommand, { id, ...own }),
    );

  parser
    .command("demo")
    .description("a tour, offline, on an embedded server")
    .action(() => execute(options(), async () => (await import("./commands/demo.ts")).demoCommand, {}));

  return parser;
}

/** The parser's own messages in the form that all errors have. */
function usageText(text: string): string {
  const [first = "", ...more] = text.trim().split("\n");
  const message = first.replace(/^error: /, "");
  return (
    [`error[usage]: ${message}`, ...more.map((line) => `  ${line.trim().replace(/^\((.*)\)$/, "$1")}`)].join("\n") +
    "\n"
  );
}

function processWorld(): World {
  return {
    get stdin() {
      return process.stdin;
    },
    ask: isatty(0) && isatty(2) ? askAtTerminal : undefined,
    get terminal() {
      return isatty(0) && isatty(1) ? { input: process.stdin, output: process.stdout } : undefined;
    },
    stdout: processSink("stdout"),
    stderr: processSink("stderr"),
    env: process.env,
    cwd: process.cwd(),
    signals: process,
  };
}

async function askAtTerminal(question: string, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // At a prompt the terminal's Ctrl-C is a key and no signal; it is to mean the same.
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const closed = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
  try {
    return await Promise.race([terminal.question(question, { signal }), closed]);
  } finally {
    terminal.close();
  }
}
