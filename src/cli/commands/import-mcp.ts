import { relative } from "node:path";
import { importMcp } from "../../importers/index.ts";
import { createRedactor } from "../../kernel/index.ts";
import { EXIT, type Command } from "../command-context.ts";

export interface ImportMcpArguments {
  readonly source: string;
  readonly out: string;
  readonly prefix?: string | undefined;
  readonly authEnv?: string | undefined;
  readonly filter?: string | undefined;
  readonly single?: boolean | undefined;
  readonly timeout?: number | undefined;
}

export const importMcpCommand: Command<ImportMcpArguments> = async (args, context) => {
  context.watchSignals();
  const { output, options, cwd } = context;
  const redactor = createRedactor();
  if (args.authEnv !== undefined) redactor.add(context.env[args.authEnv]);
  output.guard(redactor);
  const { files, capabilities, warnings } = await importMcp({ ...args, env: context.env, cwd, signal: context.signal });
  if (options.json === true) {
    output.data({ files, capabilities, warnings });
    return EXIT.done;
  }
  for (const warning of warnings) output.note(`${output.style("yellow", "warning:")} ${output.style([], warning)}`);
  for (const file of files) output.text(output.styleValue([], relative(cwd, file) || file));
  output.note(
    `${capabilities.length} ${capabilities.length === 1 ? "capability" : "capabilities"} in ${files.length} ${files.length === 1 ? "file" : "files"}.`,
  );
  return EXIT.done;
};
