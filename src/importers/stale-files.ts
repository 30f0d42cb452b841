import { lstat, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { CcosError } from "../kernel/index.ts";

export interface StaleFilesOptions {
  /** What the ids begin with. */
  readonly prefix: string;
  /** Names of the files of what is offered now, written or not. */
  readonly offered: ReadonlySet<string>;
  /** Whether a text was written by an import of the same source. */
  readonly isOurs: (text: string) => boolean;
}

const LONGEST_KNOWN = 16 * 1024 * 1024;

/**
 * The files of a folder that an earlier import of the same source, with the same prefix, wrote for what is offered no
 * longer. Links and folders are none of them.
 */
export async function findStaleFiles(folder: string, options: StaleFilesOptions): Promise<string[]> {
  const { prefix, offered, isOurs } = options;
  const stale: string[] = [];
  const names = await readdir(folder).catch(() => []);
  for (const name of names.sort(byName)) {
    const isCandidate = name.endsWith(".rtfs") && name.replace(/^_/, "").startsWith(`${prefix}.`) && !offered.has(name);
    if (!isCandidate) continue;
    const path = join(folder, name);
    const found = await lstat(path).catch(() => undefined);
    if (found?.isFile() !== true || found.size > LONGEST_KNOWN) continue;
    if (isOurs(await readFile(path, "utf8").catch(() => ""))) stale.push(path);
  }
  return stale;
}

function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Removes them. Throws `invalid-argument` with the path of the one that cannot be. */
export async function removeFiles(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await rm(path, { force: true }).catch((error: NodeJS.ErrnoException) => {
      throw new CcosError("invalid-argument", `${path} cannot be removed: ${error.code ?? error.message}.`, {
        remedy: "Name a folder that you may write to (--out).",
        cause: error,
      });
    });
  }
}
