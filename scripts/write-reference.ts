/** `npm run docs`: writes docs/reference.md; a test compares the page with the code. */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { referencePage } from "./reference-page.ts";

writeFileSync(join(dirname(import.meta.dirname), "docs", "reference.md"), referencePage());
