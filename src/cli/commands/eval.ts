import type { Command } from "../command-context.ts";
import { readText } from "../read-input.ts";
import { runProgram, type PrintForm, type ProgramLimits } from "../run-program.ts";
import { UsageError } from "../usage-error.ts";

export interface EvalArguments extends ProgramLimits {
  readonly expression?: string | undefined;
  readonly file?: string | undefined;
  readonly print?: PrintForm | undefined;
}

export const evalCommand: Command<EvalArguments> = async ({ expression, file, ...own }, context) => {
  if (expression !== undefined && file !== undefined) throw new UsageError("Give an expression or --file, not both.");
  if (expression !== undefined) return runProgram({ source: expression, ...own }, context);
  if (file === undefined)
    throw new UsageError("There is nothing to evaluate.", "Give an expression in quotes, or --file FILE.");
  const source = await readText(file, context);
  return runProgram({ source, file: file === "-" ? undefined : file, ...own }, context);
};
