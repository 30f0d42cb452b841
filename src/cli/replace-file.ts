import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Gives a file that exists another text, at once or not at all: whoever reads it sees the old or the new one.
 * Its permissions stay, and a link goes on leading to it. Rejects where the file may not be written.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const real = await realpath(path);
  // Renaming asks the folder only; a file that is write-protected is meant to stay.
  await access(real, constants.W_OK);
  const { mode } = await stat(real);
  const temporary = join(dirname(real), `.${basename(real)}.${randomUUID()}.tmp`);
  try {
    await writeFile(temporary, text, { mode: mode & 0o777, flag: "wx", flush: true });
    await rename(temporary, real);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
