import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { CcosError } from "../kernel/index.ts";

// Not looked into by whoever records trust either, so nothing in them could ever be covered by it.
const SKIPPED: ReadonlySet<string> = new Set([".git", "node_modules"]);
const DEEPEST_FOLDER = 64;

/** The capability files below these paths, sorted within each; a path that is a file itself may have any name. */
export async function findFiles(paths: readonly string[], maxFiles: number, errors: CcosError[]): Promise<string[]> {
  const files: string[] = [];
  // A file named twice, or found below two of the folders, is one file; a link may lead back up.
  const seen = new Set<string>();
  let full = false;

  const add = (path: string, real: string): void => {
    if (full || seen.has(real)) return;
    if (files.length >= maxFiles) {
      full = true;
      errors.push(
        new CcosError("invalid-argument", `There are more than ${maxFiles} capability files; the others are not read.`),
      );
      return;
    }
    seen.add(real);
    files.push(path);
  };

  const search = async (folder: string, real: string, depth: number): Promise<void> => {
    if (seen.has(real) || depth > DEEPEST_FOLDER) return;
    seen.add(real);
    const entries = await readdir(folder, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (full) return;
      const { name } = entry;
      if (SKIPPED.has(name)) continue;
      // What the folder says of its entries saves looking at each file; only of links it says too little.
      if (entry.isFile()) {
        if (name.endsWith(".rtfs")) add(join(folder, name), join(real, name));
      } else if (entry.isDirectory() || entry.isSymbolicLink()) await visit(join(folder, name), depth + 1, false);
    }
  };

  const visit = async (path: string, depth: number, given: boolean): Promise<void> => {
    if (full) return;
    try {
      const info = await stat(path);
      if (info.isDirectory()) await search(path, await realpath(path), depth);
      else if (info.isFile() && (given || path.endsWith(".rtfs"))) add(path, await realpath(path));
      else if (given) errors.push(neitherFileNorFolder(path));
    } catch (error) {
      // A dangling link inside a folder is nobody's mistake here; a path that was asked for is.
      if (given || (error as NodeJS.ErrnoException).code !== "ENOENT") errors.push(unreadable(path, error));
    }
  };
  for (const path of paths) await visit(path, 0, true);
  return files;
}

/** A pipe or a device may have no end, and gives its content only once. */
function neitherFileNorFolder(path: string): CcosError {
  return new CcosError("invalid-argument", `${path} is neither a file nor a folder.`, {
    place: { file: path, line: 1, column: 1 },
    remedy: "Name a file or a folder; save what a pipe gives in a file first.",
  });
}

/** What is wrong with a path that could not be read. */
export function unreadable(path: string, cause: unknown): CcosError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const missing = code === "ENOENT" || code === "ENOTDIR";
  const why = missing
    ? "does not exist"
    : `cannot be read (${code ?? (cause instanceof Error ? cause.message : String(cause))})`;
  return new CcosError(missing ? "not-found" : "invalid-argument", `${path} ${why}.`, {
    place: { file: path, line: 1, column: 1 },
    remedy: missing ? "Check the path; it is relative to the current folder." : "Check its permissions.",
    cause,
  });
}
