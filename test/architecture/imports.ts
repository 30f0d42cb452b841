import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";

export interface Import {
  /** The importing file, relative to the root that was read. */
  readonly file: string;
  readonly line: number;
  /** As written. */
  readonly specifier: string;
  /** The imported file, relative to the same root; undefined for packages and node's own modules. */
  readonly target: string | undefined;
  readonly typeOnly: boolean;
}

/** Every `.ts` file under `root`, relative to it, in a stable order. */
export function sourceFiles(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .toSorted();
}

// A statement at the start of a line, or a call of import(…) with a literal anywhere. Comments are blanked first.
const STATEMENT = /^[ \t]*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?["']([^"'\n]+)["']/gm;
const CALL = /\bimport\(\s*["']([^"'\n]+)["']\s*\)/g;
const COMMENT = /\/\*[\s\S]*?\*\/|^[ \t]*\/\/.*$/gm;

/** The imports of one source text; `file` is its path relative to `root`. */
export function importsOf(text: string, file: string): Import[] {
  const code = text.replace(COMMENT, (comment) => comment.replace(/[^\n]/g, " "));
  const found: Import[] = [];
  const add = (index: number, specifier: string, typeOnly: boolean): void => {
    const line = code.slice(0, index).split("\n").length;
    const target = specifier.startsWith(".") ? posix.normalize(posix.join(posix.dirname(file), specifier)) : undefined;
    found.push({ file, line, specifier, target, typeOnly });
  };
  for (const match of code.matchAll(STATEMENT)) {
    add(match.index + (match[0].length - match[0].trimStart().length), match[2] as string, match[1] !== undefined);
  }
  for (const match of code.matchAll(CALL)) add(match.index, match[1] as string, false);
  return found;
}

export function importsUnder(root: string): Import[] {
  return sourceFiles(root).flatMap((file) => importsOf(readFileSync(join(root, file), "utf8"), file));
}

export const repository = join(dirname(import.meta.dirname), "..");
