import { importMcp } from "../../importers/index.ts";
import type { RunImport } from "../import-commands.ts";

export const runImport: RunImport = (options) => importMcp(options);
