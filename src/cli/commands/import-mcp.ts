import { importMcp, watchMcp, type ImportMcpOptions } from "../../importers/index.ts";
import { reportError } from "../error-report.ts";
import type { ImportArguments, RunImport } from "../import-commands.ts";
import { tellImport } from "./import.ts";

type McpArguments = ImportArguments & Pick<ImportMcpOptions, "only"> & { readonly watch?: boolean | undefined };

export const runImport: RunImport<McpArguments> = async ({ watch, ...options }, context) => {
  if (watch !== true) return importMcp(options);
  await watchMcp({
    ...options,
    onImport: (result) => void tellImport(result, options, context),
    onProblem: (error) => reportError(error, context.output, { cwd: context.cwd }),
  });
  return undefined;
};
