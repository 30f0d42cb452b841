import { EXIT, type Command, type CommandContext } from "../command-context.ts";
import { pipedLines } from "../repl/piped-lines.ts";
import { Repl } from "../repl/repl.ts";
import { converse } from "../repl/typed-lines.ts";

/** Evaluates forms as they are typed or piped in. */
export const replCommand: Command<object> = async (_arguments, context) => {
  context.watchSignals();
  if (context.terminal === undefined) return evaluateLines(context);
  await converse(context, context.terminal);
  return EXIT.done;
};

/** Without a terminal: no prompts, a value a line; the exit code is that of the first input that failed. */
async function evaluateLines(context: CommandContext): Promise<number> {
  const repl = new Repl(context);
  try {
    for await (const line of pipedLines(context.stdin, context.signal)) {
      await repl.take(line);
      if (repl.isOver) break;
    }
    await repl.finish();
  } finally {
    await repl.close();
  }
  return repl.failure;
}
