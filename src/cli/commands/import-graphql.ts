import { importGraphql, type ImportGraphqlOptions } from "../../importers/index.ts";
import type { RunImport } from "../import-commands.ts";

export const runImport: RunImport<ImportGraphqlOptions> = (options) => importGraphql(options);
