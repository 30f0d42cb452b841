import { randomUUID } from "node:crypto";
import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { CcosError, throwIfAborted } from "../kernel/index.ts";
import { access, replaceFile } from "./replace-file.ts";

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
  /** Ends the writing between two files. */
  readonly signal?: AbortSignal | undefined;
}

export interface SavedFile {
  readonly fileName: string;
  readonly path: string;
}

const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]{8,12}Z$/;
/** Files on their way at once: enough to hide the waiting, few enough for any limit on open files. */
const AT_ONCE = 16;
/** Bytes of a file that is read to see who wrote it; nothing an import writes is as long. */
const LONGEST_KNOWN = 256 * 1024 * 1024;

/**
 * Writes files, each at once or not at all. One that would change in its instant alone stays untouched, so
 * that importing again shows in a version control only what really changed. A file that no import wrote is left alone.
 *
 * Nothing is written outside the folder: names with a folder in them are refused, and a link is replaced, never followed.
 *
 * @returns all files that now hold what was generated, written or not, in the order given
 */
export async function saveFiles(files: readonly GeneratedFile[], options: SaveOptions): Promise<SavedFile[]> {
  const stray = files.find(({ fileName }) => !/^[^/\\\0]+$/.test(fileName) || /^\.{1,2}$/.test(fileName));
  if (stray !== undefined) throw new CcosError("internal", `${JSON.stringify(stray.fileName)} is no name of a file.`);
  await access(options.out, () => mkdir(options.out, { recursive: true }));
  const saved: boolean[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < files.length; at = next++) {
      throwIfAborted(options.signal);
      saved[at] = await saveOne(files[at] as GeneratedFile, options);
    }
  };
  const settled = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, files.length) }, work));
  // Only when no file is on its way any more: then nothing is left half done behind the caller's back.
  for (const one of settled) if (one.status === "rejected") throw one.reason;
  return files.flatMap(({ fileName }, at) =>
    saved[at] === true ? [{ fileName, path: join(options.out, fileName) }] : [],
  );
}

async function saveOne(file: GeneratedFile, options: SaveOptions): Promise<boolean> {
  const path = join(options.out, file.fileName);
  const known = await readIfPresent(path);
  if (known === "foreign" || (known !== undefined && !options.isOurs(known.text))) {
    options.warn(`${path} was not written by an import; it was left alone.`);
    return false;
  }
  if (known === undefined || !differsInInstantOnly(known.text, file)) {
    await replaceFile(path, file.render(options.createdAt));
  }
  return true;
}

function differsInInstantOnly(known: string, file: GeneratedFile): boolean {
  // A stand-in that no text from outside can contain shows where the instant is.
  const standIn = randomUUID();
  const [head = "", ...rest] = file.render(standIn).split(standIn);
  const instant = known.slice(head.length, head.length + known.slice(head.length).indexOf('"'));
  return INSTANT.test(instant) && known === [head, ...rest].join(instant);
}

/** What stands at the path; a link to nothing is nothing. Anything but a file is never opened: it might not end. */
function readIfPresent(path: string): Promise<{ readonly text: string } | "foreign" | undefined> {
  return access(path, async () => {
    try {
      const found = await stat(path);
      if (!found.isFile() || found.size > LONGEST_KNOWN) return "foreign";
      return { text: await readFile(path, "utf8") };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  });
}
