/** Writes the published JSON schema of the configuration; a test compares the file with the code. */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { configJsonSchema } from "../src/config/schema.ts";

const file = join(dirname(import.meta.dirname), "schema", "ccos.config.json");
writeFileSync(file, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
