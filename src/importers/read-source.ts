import { lstat, readFile, realpath } from "node:fs/promises";
import { dirname, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createRedactor, fail, oneLine } from "../kernel/index.ts";
import type { ImportOptions } from "./declaration.ts";
import { fetchSource } from "./fetch-source.ts";
import { requireNoCredentials } from "./plain-address.ts";
import { checkVariable } from "./token.ts";

/** One text that was read: a file, or what is at an address. */
export interface SourceText {
  readonly text: string;
  /** Where it was found in the end: `file:` or `http(s):`, without a fragment. */
  readonly url: URL;
  /** For people: a path as it was given, or an address without secrets. */
  readonly shown: string;
}

/** Where an import reads its description, and what else this one may lead to. */
export interface Source extends SourceText {
  /**
   * Another file that the description refers to. From a file only files below its own folder are read, from an address
   * only what has the same origin: a description must not lead the reader elsewhere.
   */
  readonly readBeside: (reference: string, from: URL) => Promise<SourceText>;
}

/** Bytes of all texts of one import together. */
export const MOST_SOURCE_BYTES = 64 * 1024 * 1024;
const MOST_FILES = 500;

export interface SourceRules {
  /** What is asked for at an address, such as `application/json`. */
  readonly accept: string;
  /** What the source is called in messages, such as "description". */
  readonly noun: string;
}

/** Reads a source as people give it: an http(s) or file address, or the path of a file. */
export async function readSource(options: ImportOptions, rules: SourceRules): Promise<Source> {
  const given = String(options.source).trim();
  if (given === "") {
    fail("invalid-argument", "There is no source to import from.", { remedy: "Give a file or an http(s) address." });
  }
  if (options.authEnv !== undefined) checkVariable(options.authEnv);
  const url = addressOf(given, options);
  const budget = { files: 0, bytes: MOST_SOURCE_BYTES };
  const deadline = AbortSignal.timeout(options.timeout ?? 30_000);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline]);
  const read = async (from: URL, shown: string): Promise<SourceText> => {
    if (++budget.files > MOST_FILES) fail("invalid-argument", `It refers to more than ${MOST_FILES} files.`);
    const found =
      from.protocol === "file:"
        ? await readLocal(from, shown, budget.bytes)
        : await fetchSource(from, { ...rules, options, signal, deadline, longest: budget.bytes });
    budget.bytes -= Buffer.byteLength(found.text);
    return found;
  };
  const first = await read(url, url.protocol === "file:" ? given : shownAddress(url));
  const folder = url.protocol === "file:" ? dirname(await realpath(pathOf(url, given))) : undefined;
  return {
    ...first,
    async readBeside(reference, from) {
      const to = besideOf(reference, from, first.url);
      if (folder === undefined) return read(to, shownAddress(to));
      const path = pathOf(to, reference);
      // A link may lead out of the folder, though its name does not.
      const real = await realpath(path).catch(() => path);
      if (!`${real}${sep}`.startsWith(`${folder}${sep}`)) {
        fail(
          "permission-denied",
          `It refers to ${shownReference(reference)}, which is outside the folder of the file.`,
        );
      }
      return read(to, relative(options.cwd ?? process.cwd(), path));
    },
  };
}

function addressOf(given: string, options: ImportOptions): URL {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(given)?.[1]?.toLowerCase();
  const isPath = scheme === undefined || (scheme !== "file" && !/^[a-z][a-z0-9+.-]+:\/\//i.test(given));
  if (isPath) return pathToFileURL(resolve(options.cwd ?? process.cwd(), given));
  const url = URL.parse(given);
  if (url === null || !["http:", "https:", "file:"].includes(url.protocol) || (scheme === "file" && url.host !== "")) {
    return fail(
      "invalid-argument",
      `${oneLine(createRedactor().redact(given), 200)} is neither a file nor an http(s) address.`,
    );
  }
  requireNoCredentials(url);
  url.hash = "";
  return url;
}

/** An address as it may be shown and written down: what looks like a secret in it is left out. */
function shownAddress(url: URL): string {
  return oneLine(createRedactor().redact(url.href), 500);
}

function shownReference(reference: string): string {
  return JSON.stringify(oneLine(createRedactor().redact(reference), 200));
}

function besideOf(reference: string, from: URL, first: URL): URL {
  const to = URL.parse(reference, from.href);
  if (to === null) return fail("invalid-argument", `It refers to ${shownReference(reference)}, which is no address.`);
  to.hash = "";
  const isSame = first.protocol === "file:" ? to.protocol === "file:" && to.host === "" : to.origin === first.origin;
  if (!isSame || to.username !== "" || to.password !== "") {
    fail("permission-denied", `It refers to ${shownReference(reference)}, which is not beside it; that is not read.`, {
      remedy: "Put everything into one file, or beside the first one.",
    });
  }
  return to;
}

function pathOf(url: URL, shown: string): string {
  try {
    const path = fileURLToPath(url);
    if (!path.includes("\0")) return path;
  } catch {
    // Told below: an encoded slash, say.
  }
  return fail("invalid-argument", `${shownReference(shown)} is no path of a file.`);
}

async function readLocal(url: URL, shown: string, longest: number): Promise<SourceText> {
  const unreadable = (why: string, cause?: unknown): never =>
    fail("invalid-argument", `${oneLine(shown, 300)} cannot be read: ${why}.`, {
      remedy: "Name a file that you may read, or an http(s) address.",
      cause,
    });
  try {
    const path = await realpath(pathOf(url, shown));
    const found = await lstat(path);
    // A pipe or a device might never end.
    if (!found.isFile()) return unreadable(found.isDirectory() ? "it is a folder" : "it is no file");
    if (found.size > longest) return unreadable(`it has ${found.size} bytes, more than ${longest} in all`);
    return { text: withoutMark((await readFile(path)).toString("utf8")), url, shown };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
    return unreadable(code === "ENOENT" ? "there is no such file" : code, error);
  }
}

function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}
