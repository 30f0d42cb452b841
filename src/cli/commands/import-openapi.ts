import { importOpenApi, type ImportOpenApiOptions } from "../../importers/index.ts";
import type { RunImport } from "../import-commands.ts";

export const runImport: RunImport<ImportOpenApiOptions> = (options) => importOpenApi(options);
