import { createHash, hash as digest, type Hash } from "node:crypto";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, extname, join, relative, sep } from "node:path";
import { fail } from "../kernel/index.ts";
import { modulesOf } from "./named-modules.ts";

// What decides how a capability behaves: its file, and the descriptions of services that it may point to.
const COVERED: ReadonlySet<string> = new Set([
  ".rtfs",
  ".json",
  ".yaml",
  ".yml",
  ".proto",
  ".binpb",
  ".desc",
  ".graphql",
  ".graphqls",
  ".gql",
  ".wsdl",
]);
// Nobody looks for capabilities there.
const SKIPPED: ReadonlySet<string> = new Set([".git", "node_modules"]);
const MOST_FILES = 20_000;
const MOST_BYTES = 512 * 1024 * 1024;

/** What a file or a folder holds, of what decides how capabilities behave. */
export interface Fingerprint {
  readonly kind: "file" | "folder";
  readonly sha256: string;
  /** Files that the hash covers. */
  readonly files: number;
  /** The texts of these files, each by a hash of its own. */
  readonly texts: ReadonlySet<string>;
}

interface Measuring {
  readonly hash: Hash;
  readonly texts: Set<string>;
  files: number;
  bytes: number;
}

/** Rejects where there is nothing, where something cannot be read, and where it is too much. */
export async function fingerprint(path: string): Promise<Fingerprint> {
  const info = await stat(path);
  const measuring: Measuring = { hash: createHash("sha256"), texts: new Set(), files: 0, bytes: 0 };
  const done = (kind: Fingerprint["kind"]): Fingerprint => {
    const { hash, files, texts } = measuring;
    return { kind, sha256: hash.digest("hex"), files, texts };
  };
  if (info.isDirectory()) {
    measuring.hash.update("folder\n");
    for (const file of await coveredFiles(path))
      await addFile(measuring, relative(path, file).split(sep).join("/"), file);
    return done("folder");
  }
  // A pipe or a device has no content to record, and reading one may never end.
  if (!info.isFile())
    fail("invalid-argument", `${path} is neither a file nor a folder.`, { remedy: "Name one that is." });
  measuring.hash.update("file\n");
  await addFile(measuring, "", path);
  if (isConfig(path)) {
    for (const module of await modulesOf(path))
      await addFile(measuring, relative(dirname(path), module).split(sep).join("/"), module);
  }
  return done("file");
}

/** A text as the fingerprints know it. */
export function textHash(text: string): string {
  return digest("sha256", text);
}

/** Whether the hash of a folder takes in a file of this name. */
export function isCovered(path: string): boolean {
  return COVERED.has(extname(path).toLowerCase());
}

/** Whether nothing below a folder of this name is covered by a folder around it. */
export function isSkipped(name: string): boolean {
  return SKIPPED.has(name);
}

/** A configuration may name modules, which a record of its own covers and that of its folder does not. */
export function isConfig(path: string): boolean {
  return basename(path).endsWith("config.json");
}

async function addFile(measuring: Measuring, name: string, file: string): Promise<void> {
  const info = await stat(file).catch(() => undefined);
  measuring.files += 1;
  measuring.bytes += info?.size ?? 0;
  if (measuring.files > MOST_FILES || measuring.bytes > MOST_BYTES) {
    fail(
      "invalid-argument",
      `This folder holds more than ${MOST_FILES} files or ${MOST_BYTES} bytes that trust would have to cover.`,
      {
        remedy: "Trust the folder that holds the capability files, not one far above it.",
      },
    );
  }
  // A named module that is missing is covered as missing: when it appears, the hash is another.
  const content = info?.isFile() ? await readFile(file).catch(() => undefined) : undefined;
  // Lengths before contents, so that no two different folders feed the hash the same bytes.
  measuring.hash.update(`${JSON.stringify(name)} ${content === undefined ? "missing" : content.length}\n`);
  if (content === undefined) return;
  measuring.hash.update(content);
  measuring.texts.add(textHash(content.toString("utf8")));
}

/** Every covered file below a folder, through links too, in one fixed order. */
async function coveredFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  const seen = new Set<string>();
  const walk = async (at: string): Promise<void> => {
    const real = await realpath(at);
    if (seen.has(real)) return;
    seen.add(real);
    for (const name of (await readdir(at)).sort()) {
      if (SKIPPED.has(name)) continue;
      const path = join(at, name);
      const info = await stat(path).catch(() => undefined);
      if (info?.isDirectory()) await walk(path);
      else if (info?.isFile() && isCovered(name)) found.push(path);
      if (found.length > MOST_FILES) return;
    }
  };
  await walk(folder);
  return found.sort();
}
