import { createHash, hkdfSync, randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { CcosError } from "../kernel/index.ts";

export const KEY_BYTES = 32;
const ID_BYTES = 8;

/** A secret key, and what it is called in what was sealed with it. */
export interface SealingKey {
  /** 8 bytes that tell keys apart and say nothing of them. */
  readonly id: Uint8Array;
  readonly key: Uint8Array;
}

/** The key that seals, and those that open what was sealed before. */
export interface KeyRing {
  readonly current: SealingKey;
  readonly all: readonly SealingKey[];
}

/**
 * The keys that a text lists: 32 bytes each, as 64 hexadecimal digits or in base64, separated by commas or white
 * space. The first one seals; all open. Throws `invalid-argument` without repeating the text.
 */
export function parseKeys(text: string, where: string): KeyRing {
  const all = text
    .split(/[\s,]+/)
    .filter((part) => part !== "")
    .map((part, index) => sealingKey(decode(part, where, index + 1)));
  const [current] = all;
  if (current === undefined) throw badKey(`${where} lists no key`);
  return { current, all };
}

/**
 * The keys of a file, which is made with a new key where it is missing. It is for its owner alone: throws `store-error`
 * where others may read it.
 */
export async function keyFile(path: string): Promise<KeyRing> {
  const text = (await readIfPresent(path)) ?? (await makeKeyFile(path));
  const { mode } = await stat(path);
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    throw new CcosError(
      "store-error",
      `The key file ${path} may be read by others (mode ${(mode & 0o777).toString(8)}).`,
      {
        remedy: `Take that away: chmod 600 ${path}. If somebody may have read it, put a new key before the old one.`,
      },
    );
  }
  return parseKeys(text, path);
}

export function sealingKey(key: Uint8Array): SealingKey {
  return { key, id: createHash("sha256").update("id of a key\0").update(key).digest().subarray(0, ID_BYTES) };
}

/** Another key for another purpose, which tells nothing of the first. */
export function derivedKey({ key }: SealingKey, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key, new Uint8Array(), purpose, KEY_BYTES));
}

function decode(part: string, where: string, position: number): Uint8Array {
  const bytes = /^[0-9a-f]{64}$/i.test(part)
    ? Buffer.from(part, "hex")
    : /^[A-Za-z0-9+/_-]{43}=?$/.test(part)
      ? Buffer.from(part, "base64")
      : undefined;
  if (bytes?.length !== KEY_BYTES) throw badKey(`Key ${position} of ${where} is not one of 32 bytes`);
  return new Uint8Array(bytes);
}

function badKey(said: string): CcosError {
  return new CcosError("invalid-argument", `${said}.`, {
    remedy: "Give 64 hexadecimal digits, or 32 bytes in base64: openssl rand -hex 32 makes some.",
  });
}

/** Two processes that come at the same time end with the same file: the key of whoever linked it first. */
async function makeKeyFile(path: string): Promise<string> {
  const draft = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(draft, `${randomBytes(KEY_BYTES).toString("hex")}\n`, { flag: "wx", mode: 0o600 });
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
    return await readFile(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CcosError("store-error", `The key file ${path} could not be made: ${code ?? message}.`, {
      cause: error,
      remedy: "Set CCOS_STORE_KEY, or make the folder writable.",
    });
  } finally {
    await rm(draft, { force: true });
  }
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new CcosError("store-error", `The key file ${path} cannot be read: ${code ?? String(error)}.`, {
      cause: error,
    });
  }
}
