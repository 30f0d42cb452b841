import { importGrpc, type ImportGrpcOptions } from "../../importers/index.ts";
import type { RunImport } from "../import-commands.ts";

export const runImport: RunImport<ImportGrpcOptions> = (options) => importGrpc(options);
