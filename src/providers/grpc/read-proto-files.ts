import { readFile, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep } from "node:path";

import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";

import { CcosError, fail, oneLine } from "../../kernel/index.ts";
import { isWellKnownFile } from "./normalise-descriptors.ts";
import { parseProto, type ParsedProto } from "./parse-proto.ts";

/** `.proto` files with everything they import. */
export interface ProtoFiles {
  readonly descriptors: readonly FileDescriptorProto[];
  /** Comments of services, methods, messages and fields, by full name. */
  readonly comments: ReadonlyMap<string, string>;
  /** Where services are to be found by default, by full name. */
  readonly hosts: ReadonlyMap<string, string>;
  /** Absolute paths of what was read. */
  readonly paths: readonly string[];
  /** Names, as imported, of the files that were asked for. */
  readonly roots: readonly string[];
  /** Imports that no file was found for; what is only imported for its options is not missed. */
  readonly absent: readonly { readonly name: string; readonly importedBy: string }[];
}

export interface ReadProtoOptions {
  /** Folders that imports are looked up in, in order. */
  readonly paths: readonly string[];
  /** Told of a file that is broken, which is then left out. Default: the error is thrown. */
  readonly broken?: ((path: string, error: CcosError) => void) | undefined;
  /** Nothing outside these folders is read. */
  readonly within?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const MOST_FILES = 20_000;
const MOST_BYTES = 8 * 1024 * 1024;

/** Reads `.proto` files (absolute paths) and what they import. Throws `invalid-argument` where one is unreadable or broken. */
export async function readProtoFiles(files: readonly string[], options: ReadProtoOptions): Promise<ProtoFiles> {
  const parsed = new Map<string, ParsedProto>();
  const paths: string[] = [];
  const absent: { name: string; importedBy: string }[] = [];
  const roots = files.map((file) => importName(file, options.paths));
  const queue: { name: string; path: string | undefined; importedBy: string }[] = roots.map((name, index) => ({
    name,
    path: files[index] as string,
    importedBy: "",
  }));
  const seen = new Set<string>();
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { name, importedBy } = next;
    if (seen.has(name) || isWellKnownFile(name)) continue;
    seen.add(name);
    if (seen.size > MOST_FILES) fail("invalid-argument", `There are more than ${MOST_FILES} .proto files.`);
    options.signal?.throwIfAborted();
    const path = next.path ?? (await findImport(name, options));
    if (path === undefined) {
      absent.push({ name: oneLine(name, 200), importedBy });
      continue;
    }
    try {
      const one = parse(name, path, await readText(path));
      parsed.set(name, one);
      paths.push(path);
      for (const imported of one.imports) queue.push({ name: imported, path: undefined, importedBy: path });
    } catch (error) {
      if (options.broken === undefined || !(error instanceof CcosError)) throw error;
      options.broken(path, error);
    }
  }
  const comments = new Map<string, string>();
  const hosts = new Map<string, string>();
  for (const one of parsed.values()) {
    for (const [key, text] of one.comments) comments.set(key, text);
    for (const [service, host] of one.hosts) hosts.set(service, host);
  }
  return {
    descriptors: [...parsed.values()].map(({ descriptor }) => descriptor),
    comments,
    hosts,
    paths,
    roots,
    absent,
  };
}

function parse(name: string, path: string, text: string): ParsedProto {
  try {
    return parseProto(name, text);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    const line = Number(/\bline (\d+)\)?/.exec(words)?.[1] ?? 1);
    // A token may be as long as a file, and the file may be none that should be shown.
    const said = oneLine(words.replace(/\s*\((?:[^()]*, )?line \d+\)/, ""), 120);
    throw new CcosError("invalid-argument", `${path} is no .proto file that can be read: ${said}.`, {
      place: { file: path, line, column: 1 },
      cause: error,
    });
  }
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > MOST_BYTES)
      fail("invalid-argument", `${path} has ${size} bytes, more than the ${MOST_BYTES} a .proto file may have.`);
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof CcosError) throw error;
    throw new CcosError(
      "invalid-argument",
      `${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? "unknown reason"}.`,
      {
        remedy: "Check :proto, which is relative to the file of the capability.",
        cause: error,
      },
    );
  }
}

/** The name under which a file is imported: relative to the include path it is below, the longest of them. */
function importName(file: string, paths: readonly string[]): string {
  const below = paths
    .map((path) => relative(path, file))
    .filter((name) => name !== "" && !name.startsWith("..") && !isAbsolute(name))
    .sort((a, b) => a.length - b.length);
  // The first path that is declared names the tree that imports are written for.
  const preferred = paths.map((path) => relative(path, file)).find((name) => below.includes(name));
  return (preferred ?? file).split(sep).join("/");
}

async function findImport(name: string, { paths, within }: ReadProtoOptions): Promise<string | undefined> {
  if (isAbsolute(name) || name.split(/[\\/]/).includes("..") || name.includes("\0")) return undefined;
  for (const folder of paths) {
    const path = join(folder, name);
    if (within !== undefined && relative(within, dirname(path)).startsWith("..")) continue;
    const found = await stat(path).then(
      (entry) => entry.isFile(),
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}
