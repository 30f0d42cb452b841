import type { JsonValue } from "../kernel/index.ts";
import { print as printEdn, toJsonText } from "../rtfs/index.ts";
import { EXIT, type CommandContext } from "./command-context.ts";
import { reportError } from "./error-report.ts";
import { exitCodeOf } from "./exit-code.ts";
import { offerTrust } from "./offer-trust.ts";
import { withEnvironment } from "./open-environment.ts";

export type PrintForm = "edn" | "json";

export interface Program {
  readonly source: string;
  readonly file?: string | undefined;
  readonly input?: JsonValue | undefined;
  /** Default: as the language writes it; JSON with `--json`. */
  readonly print?: PrintForm | undefined;
  /** Time for the whole program, in milliseconds. */
  readonly timeout?: number | undefined;
  /** Evaluation steps. */
  readonly maxSteps?: number | undefined;
}

/** What the options of `eval` and `run` say of the program's limits. */
export type ProgramLimits = Pick<Program, "timeout" | "maxSteps">;

/** Runs a program and prints its value. */
export async function runProgram(program: Program, context: CommandContext): Promise<number> {
  const { source, file, input, print, timeout, maxSteps } = program;
  context.watchSignals();
  const form = print ?? (context.options.json === true ? "json" : "edn");
  try {
    await withEnvironment(context, async (env) => {
      const limits = {
        ...(timeout !== undefined && { timeoutMs: timeout }),
        ...(maxSteps !== undefined && { maxSteps }),
      };
      const value = await env.evaluate(source, { file, importsBeside: file, input, signal: context.signal, limits });
      const maxLength = env.limits.maxOutputSize;
      context.output.value(
        form === "json"
          ? toJsonText(value, { indent: context.output.terminal ? 2 : 0, maxLength })
          : printEdn(value, { maxLength }),
      );
    });
    return EXIT.done;
  } catch (error) {
    if (await offerTrust(error, context)) {
      // Not run again by itself: what it did before it was refused, it would do twice.
      context.output.problem("It is trusted now. Run the program again.");
      return exitCodeOf(error);
    }
    reportError(error, context.output, { cwd: context.cwd, sources: new Map([[file, source]]) });
    return exitCodeOf(error);
  }
}
