import { createHash, type Hash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { fail, getOwn, isCcosError, isJsonObject, setOwn, type JsonObject } from "../kernel/index.ts";

export interface TrustRecord {
  /** The real path of what is trusted. */
  readonly path: string;
  readonly kind: "file" | "folder";
  readonly sha256: string;
  /** Files that the hash covers. */
  readonly files: number;
}

/**
 * What the user has said may be used although it was only found. A record holds a hash of the content:
 * what has changed since is not trusted any more.
 */
export interface TrustStore {
  /** The file that holds the records. */
  readonly file: string;
  /** A file is trusted by a record of its own or of a folder around it. Never throws: in doubt, no. */
  isTrusted(path: string): Promise<boolean>;
  /** The same answers, for reading many files of a folder: the records and each folder are read once, when first needed. */
  snapshot(): Pick<TrustStore, "isTrusted">;
  /** Records a file or a folder as it is now. */
  trust(path: string): Promise<TrustRecord>;
}

export interface TrustOptions {
  /** `CCOS_TRUST_FILE`, `XDG_STATE_HOME` and `HOME` say where the records are. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths start. Default: the process's folder. */
  readonly cwd?: string | undefined;
}

// What decides how a capability behaves: its file, and the descriptions of services that it may point to.
const COVERED: ReadonlySet<string> = new Set(
  [".rtfs", ".json", ".yaml", ".yml", ".proto", ".binpb", ".desc", ".graphql", ".graphqls", ".gql", ".wsdl"],
);
// Nobody looks for capabilities there.
const SKIPPED: ReadonlySet<string> = new Set([".git", "node_modules"]);
const MOST_FILES = 20_000;
const MOST_BYTES = 512 * 1024 * 1024;

export function createTrustStore(options: TrustOptions): TrustStore {
  const file = trustFile(options.env);
  const cwd = options.cwd ?? process.cwd();

  return {
    file,
    isTrusted: (path) => judge(resolve(cwd, path), () => readRecords(file), fingerprint),
    snapshot() {
      let records: Promise<JsonObject> | undefined;
      const known = new Map<string, Promise<Fingerprint>>();
      const once = (path: string): Promise<Fingerprint> => {
        let found = known.get(path);
        if (found === undefined) known.set(path, (found = fingerprint(path)));
        return found;
      };
      return { isTrusted: (path) => judge(resolve(cwd, path), () => (records ??= readRecords(file)), once) };
    },
    async trust(path) {
      const real = await realpath(resolve(cwd, path)).catch((error: unknown) =>
        fail("not-found", `There is no file or folder ${path}.`, { remedy: "Name one that exists.", cause: error }),
      );
      const records = await readRecords(file).catch((error: unknown) =>
        fail("store-error", `The record of what is trusted, ${file}, cannot be read.`, {
          remedy: "Remove that file; everything has to be trusted anew then.",
          cause: error,
        }),
      );
      const { kind, sha256, files } = await fingerprint(real).catch((error: unknown) => cannotCover(path, error));
      setOwn(records, real, { kind, sha256, at: new Date().toISOString() });
      await writeRecords(file, records).catch((error: unknown) =>
        fail("store-error", `The record of what is trusted, ${file}, cannot be written (${codeOf(error)}).`, {
          remedy: "Make its folder writable, or name another file with CCOS_TRUST_FILE.",
          cause: error,
        }),
      );
      return { path: real, kind, sha256, files };
    },
  };
}

async function judge(
  path: string,
  read: () => Promise<JsonObject>,
  measure: (path: string) => Promise<Fingerprint>,
): Promise<boolean> {
  try {
    const records = await read();
    if (Object.keys(records).length === 0) return false;
    const holds = async (candidate: string): Promise<boolean> => {
      const record = getOwn(records, candidate);
      if (!isJsonObject(record)) return false;
      const now = await measure(candidate);
      return record["sha256"] === now.sha256 && record["kind"] === now.kind;
    };
    const real = await realpath(path);
    if (await holds(real)) return true;
    // A configuration may name modules, and those are covered by its own record and not by its folder's.
    if (!isCovered(path) || isConfig(real)) return false;
    // By the path as given: a folder's hash covers what links in it lead to.
    for (let folder = dirname(path), name = basename(path); !SKIPPED.has(name); name = basename(folder), folder = dirname(folder)) {
      if (await holds(await realpath(folder))) return true;
      if (folder === dirname(folder)) return false;
    }
    return false;
  } catch {
    return false;
  }
}

function trustFile(env: TrustOptions["env"]): string {
  const named = env["CCOS_TRUST_FILE"];
  if (named !== undefined && named !== "") return resolve(named);
  const state = env["XDG_STATE_HOME"];
  const home = env["HOME"] ?? homedir();
  return join(state !== undefined && state !== "" ? state : join(home, ".local", "state"), "ccos", "trust.json");
}

async function readRecords(file: string): Promise<JsonObject> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return {};
    throw error;
  }
  const parsed: unknown = JSON.parse(text);
  if (!isJsonObject(parsed) || !isJsonObject(parsed["trusted"])) throw new SyntaxError("not a trust file");
  return parsed["trusted"];
}

async function writeRecords(file: string, records: JsonObject): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  // Written beside and renamed, so that a crash leaves the old records or the new ones, never half of them.
  const draft = `${file}.${process.pid}.${Date.now().toString(36)}`;
  try {
    await writeFile(draft, `${JSON.stringify({ version: 1, trusted: records }, null, 2)}\n`, { mode: 0o600, flag: "wx" });
    await chmod(draft, 0o600);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

interface Fingerprint {
  readonly kind: "file" | "folder";
  readonly sha256: string;
  readonly files: number;
}

async function fingerprint(path: string): Promise<Fingerprint> {
  const info = await stat(path);
  const budget = { files: 0, bytes: 0 };
  const hash = createHash("sha256");
  if (info.isDirectory()) {
    hash.update("folder\n");
    for (const file of await coveredFiles(path)) await addFile(hash, relative(path, file).split(sep).join("/"), file, budget);
    return { kind: "folder", sha256: hash.digest("hex"), files: budget.files };
  }
  // A pipe or a device has no content to record, and reading one may never end.
  if (!info.isFile()) fail("invalid-argument", `${path} is neither a file nor a folder.`, { remedy: "Name one that is." });
  hash.update("file\n");
  await addFile(hash, "", path, budget);
  if (isConfig(path)) for (const module of await namedModules(path)) await addFile(hash, module, resolve(dirname(path), module), budget);
  return { kind: "file", sha256: hash.digest("hex"), files: budget.files };
}

function cannotCover(path: string, error: unknown): never {
  if (isCcosError(error)) throw error;
  const { path: at = path } = error as NodeJS.ErrnoException;
  return fail("invalid-argument", `${path} cannot be trusted: ${at} cannot be read (${codeOf(error)}).`, {
    remedy: "Make it readable, or trust the folder that holds the capability files alone.",
    cause: error,
  });
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code ?? error);
}

function isCovered(path: string): boolean {
  return COVERED.has(extname(path).toLowerCase());
}

function isConfig(path: string): boolean {
  return path.endsWith("config.json");
}

/** The handler modules that a configuration names: to trust the file is to run them. */
async function namedModules(path: string): Promise<string[]> {
  try {
    const config: unknown = JSON.parse(await readFile(path, "utf8"));
    const providers = isJsonObject(config) ? config["providers"] : undefined;
    if (!isJsonObject(providers)) return [];
    return Object.values(providers).filter((module): module is string => typeof module === "string" && module.startsWith("."));
  } catch {
    return [];
  }
}

async function addFile(hash: Hash, name: string, file: string, budget: { files: number; bytes: number }): Promise<void> {
  const info = await stat(file).catch(() => undefined);
  budget.files += 1;
  budget.bytes += info?.size ?? 0;
  if (budget.files > MOST_FILES || budget.bytes > MOST_BYTES) {
    fail("invalid-argument", `This folder holds more than ${MOST_FILES} files or ${MOST_BYTES} bytes that trust would have to cover.`, {
      remedy: "Trust the folder that holds the capability files, not one far above it.",
    });
  }
  // A named module that is missing is covered as missing: when it appears, the hash is another.
  const content = info?.isFile() ? await readFile(file).catch(() => undefined) : undefined;
  // Lengths before contents, so that no two different folders feed the hash the same bytes.
  hash.update(`${JSON.stringify(name)} ${content === undefined ? "missing" : content.length}\n`);
  if (content !== undefined) hash.update(content);
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
