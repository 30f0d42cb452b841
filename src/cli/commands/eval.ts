import type { Command } from "../command-context.ts";
import { readText } from "../read-input.ts";
import { runProgram, type PrintForm } from "../run-program.ts";
import { UsageError } from "../usage-error.ts";

export interface EvalArguments {
  readonly expression?: string | undefined;
  readonly file?: string | undefined;
  readonly print?: PrintForm | undefined;
}

export const evalCommand: Command<EvalArguments> = async ({ expression, file, print }, context) => {
  if (expression !== undefined && file !== undefined) throw new UsageError("Give an expression or --file, not both.");
  if (expression !== undefined) return runProgram({ source: expression, print }, context);
  if (file === undefined)
    throw new UsageError("There is nothing to evaluate.", "Give an expression in quotes, or --file FILE.");
  const source = await readText(file, context);
  return runProgram({ source, file: file === "-" ? undefined : file, print }, context);
};
