import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CcosError } from "../kernel/index.ts";

const SKIPPED: ReadonlySet<string> = new Set([".git", "node_modules"]);

/**
 * The files that these paths mean, sorted within each: a file itself, whatever its name, or the `*.rtfs` below
 * a folder. Links in a folder are not followed: what they lead to is not of that folder.
 * A path that does not exist is among the problems.
 */
export async function findProgramFiles(
  paths: readonly string[],
  cwd: string,
): Promise<{ readonly files: readonly string[]; readonly problems: readonly CcosError[] }> {
  const files = new Set<string>();
  const problems: CcosError[] = [];
  const search = async (folder: string): Promise<void> => {
    const entries = await readdir(resolve(cwd, folder), { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) await search(path);
      else if (entry.isFile() && entry.name.endsWith(".rtfs")) files.add(path);
    }
  };
  for (const path of paths) {
    try {
      if ((await stat(resolve(cwd, path))).isDirectory()) await search(path);
      else files.add(path);
    } catch (error) {
      problems.push(fileProblem(path, error));
    }
  }
  return { files: [...files], problems };
}

/** What is wrong with a file that could not be read or written. */
export function fileProblem(path: string, cause: unknown): CcosError {
  const code = (cause as NodeJS.ErrnoException).code;
  const isMissing = code === "ENOENT" || code === "ENOTDIR";
  const why = isMissing ? "does not exist" : `cannot be used (${code ?? String(cause)})`;
  return new CcosError(isMissing ? "not-found" : "invalid-argument", `${path} ${why}.`, {
    place: { file: path, line: 1, column: 1 },
    remedy: isMissing ? "Check the path; it is relative to the current folder." : "Check its permissions.",
    cause,
  });
}
