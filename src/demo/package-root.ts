import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fail } from "../kernel/index.ts";

/**
 * The folder of this package, where `examples/` and `capabilities/` are: the same whether the code runs
 * from its source, from `dist/` or from `node_modules/`.
 */
export function packageRoot(from: string = import.meta.url): string {
  for (let folder = dirname(fileURLToPath(from)); ; folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (existsSync(file) && nameOf(file) === "ccos") return folder;
    if (folder === dirname(folder)) {
      fail("not-found", `No package.json of "ccos" above ${fileURLToPath(from)}.`, {
        remedy: "Run the demo from an installed package or a clone, where its examples and capabilities are.",
      });
    }
  }
}

function nameOf(file: string): unknown {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { name?: unknown } | null)?.name;
  } catch {
    // A broken package.json on the way up is somebody else's.
    return undefined;
  }
}
