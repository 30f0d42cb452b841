import { randomUUID } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { CcosError } from "../kernel/index.ts";

/** Writes beside the file and renames: a reader sees the old content or the new one, and a link is replaced, not followed. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const draft = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  await access(path, async () => {
    try {
      await writeFile(draft, content, { flag: "wx" });
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  });
}

/** What the file system refuses is told as `invalid-argument`, with the path and what to do; errors of ours pass. */
export async function access<T>(path: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof CcosError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CcosError("invalid-argument", `${path} cannot be written: ${code ?? message}.`, {
      remedy: "Name a folder that you may write to (--out).",
      cause: error,
    });
  }
}
