import { realpathSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { CcosError } from "../kernel/index.ts";
import { Source, type LoadModule } from "../rtfs/index.ts";
import { readTextFile } from "./read-text-file.ts";

/** Bytes of one module. */
const LARGEST_MODULE = 10_000_000;
/** Modules of one program. */
const MOST_MODULES = 1_000;
/** Dots are folders: `geo.shapes` is `geo/shapes.rtfs`. */
const MODULE_NAME = /^[A-Za-z0-9_$+*=<>!?%-]+(?:\.[A-Za-z0-9_$+*=<>!?%-]+)*$/;

/**
 * Finds the modules that a program's file imports: `(import geo.shapes :as s)` reads `geo/shapes.rtfs` beside
 * the importing file. Nothing outside of the program's own folder is read, not by a link either: what somebody
 * runs is the folder they chose. Relative paths start at `cwd`; without a program nothing is found. Throws `permission-denied` for a file that lies elsewhere.
 */
export function moduleFiles(program: string | undefined, cwd: string): LoadModule | undefined {
  if (program === undefined) return undefined;
  const root = realpathSync(resolve(cwd, dirname(program)));
  let modules = 0;
  return (name, from) => {
    if (!MODULE_NAME.test(name)) return undefined;
    const path = join(dirname(from ?? program), `${name.replaceAll(".", sep)}.rtfs`);
    let real: string;
    try {
      real = realpathSync(resolve(cwd, path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new CcosError("invalid-argument", `The module ${name} cannot be read from ${path}.`, { cause: error });
    }
    if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) {
      throw new CcosError("permission-denied", `The module ${name} lies outside of the program's folder, in ${real}.`, {
        remedy: "Copy it into the folder of the program.",
      });
    }
    if (++modules > MOST_MODULES)
      throw new CcosError("invalid-argument", `A program imports at most ${MOST_MODULES} files.`);
    const text = readTextFile(real, LARGEST_MODULE);
    if (typeof text !== "string")
      throw new CcosError(
        "invalid-argument",
        `${path} has ${text.size} bytes, more than the ${LARGEST_MODULE} a module may have.`,
      );
    return new Source(text, path);
  };
}
