import { runDemo } from "../../demo/index.ts";
import { EXIT, type Command } from "../command-context.ts";

export const demoCommand: Command<object> = async (_args, context) => {
  const { output, options } = context;
  context.watchSignals();
  // With --json stdout holds the counts alone, so the story goes beside it.
  const write = (line: string): void => (options.json === true ? output.note(line) : output.text(line));
  const color = options.json !== true && output.coloured;
  const { ok, problems, ...counts } = await runDemo({ write, color, signal: context.signal });
  if (options.json === true) output.data({ ok, problems, ...counts });
  return ok ? EXIT.done : EXIT.failed;
};
