import type { Command } from "../command-context.ts";
import { readJsonArgument, readText } from "../read-input.ts";
import { runProgram, type PrintForm, type ProgramLimits } from "../run-program.ts";
import { UsageError } from "../usage-error.ts";

export interface RunArguments extends ProgramLimits {
  readonly file: string;
  readonly input?: string | undefined;
  readonly print?: PrintForm | undefined;
}

export const runCommand: Command<RunArguments> = async ({ file, input, ...own }, context) => {
  if (file === "-" && input === "-")
    throw new UsageError("Program and input cannot both come from stdin.", "Give one of them as a file.");
  const source = await readText(file, context);
  const value = input === undefined ? undefined : await readJsonArgument(input, context);
  return runProgram({ source, file: file === "-" ? undefined : file, input: value, ...own }, context);
};
