import { signInFolder } from "../../config/index.ts";
import { relative } from "node:path";
import { createRedactor } from "../../kernel/index.ts";
import type { ImportResult } from "../../importers/index.ts";
import { EXIT, type Command, type CommandContext } from "../command-context.ts";
import type { ImportArguments, RunImport } from "../import-commands.ts";

/** Operations that could not be imported and are told one by one; of the rest, only how many there are. */
const MOST_TOLD = 50;

/** The command of one kind of import: runs it, and tells what came of it. */
export function importCommand(runImport: RunImport<never>): Command<ImportArguments> {
  return async (args, context) => {
    context.watchSignals();
    const { output, cwd, env, signal } = context;
    const redactor = createRedactor();
    if (args.authEnv !== undefined && Object.hasOwn(env, args.authEnv)) redactor.add(env[args.authEnv]);
    output.guard(redactor);
    const run = runImport as RunImport;
    const result = await run({ ...args, env, cwd, signal, signInFolder: signInFolder(env) }, context);
    return result === undefined ? EXIT.done : tellImport(result, args, context);
  };
}

/** Tells what came of an import; gives the exit code. */
export function tellImport(
  result: ImportResult,
  args: ImportArguments,
  { output, options, cwd }: CommandContext,
): number {
  const { files, capabilities, warnings, notImported, stale } = result;
  const exitCode = capabilities.length === 0 && notImported.length > 0 ? EXIT.failed : EXIT.done;
  if (options.json === true) {
    output.data({ files, capabilities, warnings, notImported, stale });
    return exitCode;
  }
  for (const warning of warnings) output.note(`${output.style("yellow", "warning:")} ${output.style([], warning)}`);
  for (const { operation, place, reason } of notImported.slice(0, MOST_TOLD)) {
    const where = place === undefined ? "" : ` (${place})`;
    output.note(`${output.style("yellow", "not imported:")} ${output.style([], `${operation}${where}: ${reason}`)}`);
  }
  if (notImported.length > MOST_TOLD) {
    output.note(`… and ${notImported.length - MOST_TOLD} more that were not imported; --json lists them all.`);
  }
  for (const file of files) output.text(output.styleValue([], relative(cwd, file) || file));
  const what = args.prune === true ? "removed:" : "offered no longer:";
  for (const file of stale) output.note(`${output.style("yellow", what)} ${output.style([], relative(cwd, file))}`);
  if (stale.length > 0 && args.prune !== true) output.note("--prune removes what is offered no longer.");
  const missing = notImported.length === 0 ? "" : `; ${notImported.length} not imported`;
  output.note(
    `${count(capabilities.length, "capability", "capabilities")} in ${count(files.length, "file", "files")}${missing}.`,
  );
  return exitCode;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
