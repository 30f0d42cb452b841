import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CcosError } from "../kernel/index.ts";

/** A file to be written, complete but for the instant at which it was made. */
export interface GeneratedFile {
  /** A bare name, without folders. */
  readonly fileName: string;
  /** The text, with this instant in it; the same text for the same instant. */
  readonly render: (createdAt: string) => string;
}

export interface SaveOptions {
  /** The folder; made where it is missing. */
  readonly out: string;
  readonly createdAt: string;
  /** Whether a text that is already there was written by an import, and so may be replaced. */
  readonly isOurs: (text: string) => boolean;
  readonly warn: (message: string) => void;
}

const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]{8,12}Z$/;

/**
 * Writes files, each at once or not at all. One that would change in its instant alone stays untouched, so
 * that importing again shows in a version control only what really changed. A file that no import wrote is left alone.
 *
 * @returns the paths of all files that now hold what was generated, written or not
 */
export async function saveFiles(files: readonly GeneratedFile[], options: SaveOptions): Promise<string[]> {
  await access(options.out, () => mkdir(options.out, { recursive: true }));
  const paths: string[] = [];
  for (const file of files) {
    const path = join(options.out, file.fileName);
    const known = await readIfPresent(path);
    if (known !== undefined && !options.isOurs(known)) {
      options.warn(`${path} was not written by an import; it was left alone.`);
      continue;
    }
    if (known === undefined || !differsInInstantOnly(known, file)) await replace(path, file.render(options.createdAt));
    paths.push(path);
  }
  return paths;
}

function differsInInstantOnly(known: string, file: GeneratedFile): boolean {
  // A stand-in that no text from outside can contain shows where the instant is.
  const standIn = randomUUID();
  const [head = "", ...rest] = file.render(standIn).split(standIn);
  const instant = known.slice(head.length, head.length + known.slice(head.length).indexOf('"'));
  return INSTANT.test(instant) && known === [head, ...rest].join(instant);
}

function readIfPresent(path: string): Promise<string | undefined> {
  return access(path, async () => {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  });
}

/** Writes beside the file and renames: a reader sees the old text or the new one, and a link is replaced, not followed. */
async function replace(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  await access(path, async () => {
    try {
      await writeFile(draft, text, { flag: "wx" });
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  });
}

async function access<T>(path: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CcosError("invalid-argument", `${path} cannot be written: ${code ?? message}.`, {
      remedy: "Name a folder that you may write to (--out).",
      cause: error,
    });
  }
}
