import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { CcosError } from "../kernel/index.ts";
import type { Manifest } from "./manifest.ts";
import type { ProviderKnowledge } from "./provider-block.ts";
import { duplicateError, readCapabilities } from "./read-capabilities.ts";
import type { ReadWarning } from "./field-reader.ts";

export interface LoadCapabilitiesOptions {
  /** Whether what is found in a file is trusted; see `Origin.trusted`. */
  readonly trusted: boolean | ((file: string) => boolean | Promise<boolean>);
  readonly providers?: ProviderKnowledge | undefined;
  /** Bytes of one file. Default 10 MB. */
  readonly maxFileBytes?: number | undefined;
  /** Files in all. Default 20,000. */
  readonly maxFiles?: number | undefined;
}

export interface LoadedCapabilities {
  readonly manifests: readonly Manifest[];
  /** Of all files, each with its file and place. A broken file never stops the others. */
  readonly errors: readonly CcosError[];
  readonly warnings: readonly ReadWarning[];
  /** The files read, sorted within each path given. */
  readonly files: readonly string[];
}

// Not looked into by whoever records trust either, so nothing in them could ever be covered by it.
const SKIPPED: ReadonlySet<string> = new Set([".git", "node_modules"]);
const DEEPEST_FOLDER = 64;
const AT_ONCE = 16;

/**
 * Reads capability files: each path is a file, or a folder searched with its subfolders for `*.rtfs`.
 * Never throws: a path that does not exist is among the errors.
 */
export async function loadCapabilities(
  paths: readonly string[],
  options: LoadCapabilitiesOptions,
): Promise<LoadedCapabilities> {
  const errors: CcosError[] = [];
  const warnings: ReadWarning[] = [];
  const maxFiles = options.maxFiles ?? 20_000;
  const files = await findFiles(paths, maxFiles, errors);
  const byId = new Map<string, Manifest>();
  for (let from = 0; from < files.length; from += AT_ONCE) {
    const batch = files.slice(from, from + AT_ONCE);
    for (const { manifests, errors: own, warnings: told } of await Promise.all(batch.map((file) => readOne(file, options)))) {
      errors.push(...own);
      warnings.push(...told);
      for (const manifest of manifests) {
        const earlier = byId.get(manifest.id);
        if (earlier === undefined) byId.set(manifest.id, manifest);
        else errors.push(duplicateError(manifest, earlier));
      }
    }
  }
  return { manifests: [...byId.values()], errors, warnings, files };
}

async function readOne(file: string, options: LoadCapabilitiesOptions): Promise<ReturnType<typeof readCapabilities>> {
  const maxBytes = options.maxFileBytes ?? 10_000_000;
  try {
    const { size } = await stat(file);
    if (size > maxBytes) {
      const error = new CcosError("invalid-argument", `${file} has ${size} bytes, more than the ${maxBytes} a capability file may have.`, {
        place: { file, line: 1, column: 1 },
        remedy: "Split it into several files.",
      });
      return { manifests: [], errors: [error], warnings: [] };
    }
    const trusted = typeof options.trusted === "function" ? await options.trusted(file) : options.trusted;
    const text = await readFile(file, "utf8");
    return readCapabilities(text, { file, trusted, providers: options.providers });
  } catch (error) {
    return { manifests: [], errors: [unreadable(file, error)], warnings: [] };
  }
}

function unreadable(path: string, cause: unknown): CcosError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const missing = code === "ENOENT" || code === "ENOTDIR";
  const why = missing ? "does not exist" : `cannot be read (${code ?? (cause instanceof Error ? cause.message : String(cause))})`;
  return new CcosError(missing ? "not-found" : "invalid-argument", `${path} ${why}.`, {
    place: { file: path, line: 1, column: 1 },
    remedy: missing ? "Check the path; it is relative to the current folder." : "Check its permissions.",
    cause,
  });
}

async function findFiles(paths: readonly string[], maxFiles: number, errors: CcosError[]): Promise<string[]> {
  const files: string[] = [];
  // A file named twice, or found below two of the folders, is one file; a link may lead back up.
  const seen = new Set<string>();
  let full = false;
  const visit = async (path: string, depth: number, given: boolean): Promise<void> => {
    if (full) return;
    try {
      const info = await stat(path);
      const isFile = info.isFile() && (given || path.endsWith(".rtfs"));
      if (!isFile && !info.isDirectory()) return;
      const real = await realpath(path);
      if (seen.has(real) || depth > DEEPEST_FOLDER) return;
      seen.add(real);
      if (isFile) {
        if (files.length >= maxFiles) {
          full = true;
          errors.push(new CcosError("invalid-argument", `There are more than ${maxFiles} capability files; the others are not read.`));
        } else files.push(path);
        return;
      }
      const names = (await readdir(path)).filter((name) => !SKIPPED.has(name)).sort();
      for (const name of names) await visit(join(path, name), depth + 1, false);
    } catch (error) {
      // A dangling link inside a folder is nobody's mistake here; a path that was asked for is.
      if (given || (error as NodeJS.ErrnoException).code !== "ENOENT") errors.push(unreadable(path, error));
    }
  };
  for (const path of paths) await visit(path, 0, true);
  return files;
}
