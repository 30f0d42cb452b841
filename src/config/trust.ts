import { chmod, mkdir, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fail, getOwn, isCcosError, isJsonObject, setOwn, type JsonObject } from "../kernel/index.ts";
import { fingerprint, isConfig, isCovered, isSkipped, textHash, type Fingerprint } from "./fingerprint.ts";
import { absolute, homeOf } from "./paths.ts";

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
  /**
   * A file is trusted by a record of its own or of a folder around it. With the text that was read from it,
   * that text is judged, and not what the file may hold by now. Never throws: in doubt, no.
   */
  isTrusted(path: string, text?: string): Promise<boolean>;
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

export function createTrustStore(options: TrustOptions): TrustStore {
  const file = trustFile(options.env);
  const cwd = options.cwd ?? process.cwd();

  return {
    file,
    isTrusted: (path, text) => judge(resolve(cwd, path), text, () => readRecords(file), fingerprint),
    snapshot() {
      let records: Promise<JsonObject> | undefined;
      const known = new Map<string, Promise<Fingerprint>>();
      const once = (path: string): Promise<Fingerprint> => {
        let found = known.get(path);
        if (found === undefined) known.set(path, (found = fingerprint(path)));
        return found;
      };
      return {
        isTrusted: (path, text) => judge(resolve(cwd, path), text, () => (records ??= readRecords(file)), once),
      };
    },
    async trust(path) {
      const real = await realpath(resolve(cwd, path)).catch((error: unknown) =>
        fail("not-found", `There is no file or folder ${path}.`, { remedy: "Name one that exists.", cause: error }),
      );
      const records = await readRecords(file).catch((error: unknown) => {
        if (isCcosError(error)) throw error;
        return fail("store-error", `The record of what is trusted, ${file}, cannot be read.`, {
          remedy: "Remove that file; everything has to be trusted anew then.",
          cause: error,
        });
      });
      const { kind, sha256, files } = await fingerprint(resolve(cwd, path)).catch((error: unknown) =>
        cannotCover(path, error),
      );
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
  text: string | undefined,
  read: () => Promise<JsonObject>,
  measure: (path: string) => Promise<Fingerprint>,
): Promise<boolean> {
  try {
    const records = await read();
    if (Object.keys(records).length === 0) return false;
    const judged = text === undefined ? undefined : textHash(text);
    const holds = async (candidate: string): Promise<boolean> => {
      const record = getOwn(records, await realpath(candidate));
      if (!isJsonObject(record)) return false;
      // Measured by the path as given: where a configuration stands says which modules it names.
      const now = await measure(candidate);
      if (record["sha256"] !== now.sha256 || record["kind"] !== now.kind) return false;
      return judged === undefined || now.texts.has(judged);
    };
    if (await holds(path)) return true;
    if (!isCovered(path) || isConfig(path) || isConfig(await realpath(path))) return false;
    // By the path as given: a folder's hash covers what links in it lead to.
    for (
      let folder = dirname(path), name = basename(path);
      !isSkipped(name);
      name = basename(folder), folder = dirname(folder)
    ) {
      if (await holds(folder)) return true;
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
  return join(absolute(env["XDG_STATE_HOME"]) ?? join(homeOf(env), ".local", "state"), "ccos", "trust.json");
}

/** Throws where somebody else could have written the records. */
async function requireOwn(file: string): Promise<void> {
  const self = process.getuid?.();
  if (self === undefined) return;
  const { uid, mode } = await stat(file);
  if ((uid === self || uid === 0) && (mode & 0o022) === 0) return;
  fail(
    "store-error",
    `The record of what is trusted, ${file}, can be written by others than its user, so it is not believed.`,
    {
      remedy: `Look at it, then: chmod 600 ${file}`,
    },
  );
}

async function readRecords(file: string): Promise<JsonObject> {
  let text: string;
  try {
    await requireOwn(file);
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
    await writeFile(draft, `${JSON.stringify({ version: 1, trusted: records }, null, 2)}\n`, {
      mode: 0o600,
      flag: "wx",
    });
    await chmod(draft, 0o600);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
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
