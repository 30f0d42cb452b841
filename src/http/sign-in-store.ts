import { createHash } from "node:crypto";
import { statSync, readFileSync } from "node:fs";
import { chmod, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { join } from "node:path";

import { fail, isJsonObject, type Clock, type JsonObject } from "../kernel/index.ts";
import { withFileLock } from "./file-lock.ts";

/** What a person's sign-in at a server left: tokens, and what is needed to get the next ones. Secret as a whole. */
export interface SignInRecord {
  /** Another one for every sign-in, so that the sessions of one are never those of another. Not secret. */
  readonly id: string;
  /** The server it is for, and the only place its tokens go to: the endpoint of the capability. */
  readonly endpoint: string;
  /** Who gave the tokens, and the only one the refresh token goes to. */
  readonly issuer: string;
  readonly accessToken: string;
  /** `Bearer` or `DPoP`. */
  readonly tokenType: string;
  readonly refreshToken?: string | undefined;
  readonly scope?: string | undefined;
  /** On the wall clock. */
  readonly expiresAt?: number | undefined;
  readonly obtainedAt: number;
  /** What the protocol needs besides: how the issuer knows us, its metadata, keys. */
  readonly details: JsonObject;
}

interface Seen {
  readonly stamp: string;
  readonly record: SignInRecord | undefined;
}

const LARGEST = 1024 * 1024;

/**
 * The sign-ins of one user of this machine: a folder that nobody else may enter (mode 0700), and in it one file for
 * each server (mode 0600), written anew as a whole. Nothing is ever read from a file that others can read or write.
 */
export class SignInStore {
  readonly folder: string;
  readonly #seen = new Map<string, Seen>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * The record for an endpoint, or undefined. At once, since what a call is made as depends on it: one look at the
   * file's date, and its text only where that has changed. Throws `store-error` for a file that others can read.
   */
  read(endpoint: string): SignInRecord | undefined {
    const file = this.#file(endpoint);
    const facts = statSync(file, { throwIfNoEntry: false });
    if (facts === undefined) {
      this.#seen.delete(file);
      return undefined;
    }
    const stamp = `${facts.ino} ${facts.mtimeMs} ${facts.size}`;
    const seen = this.#seen.get(file);
    if (seen?.stamp === stamp) return seen.record;
    const self = process.getuid?.();
    if (self !== undefined && ((facts.uid !== self && facts.uid !== 0) || (facts.mode & 0o077) !== 0)) {
      fail("store-error", `The sign-in for ${endpoint}, ${file}, may have been read or written by others.`, {
        remedy: "Sign in anew with ccos auth; its file is then yours alone.",
      });
    }
    const record = facts.size > LARGEST ? undefined : parse(readFileSync(file, "utf8"), endpoint);
    this.#seen.set(file, { stamp, record });
    return record;
  }

  async write(record: SignInRecord): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await chmod(this.folder, 0o700);
    const file = this.#file(record.endpoint);
    // Written beside and renamed, so that a crash leaves the old tokens or the new ones, never half of them.
    const draft = `${file}.${randomUUID()}`;
    try {
      await writeFile(draft, `${JSON.stringify({ version: 1, ...record })}\n`, { mode: 0o600, flag: "wx" });
      await rename(draft, file);
    } catch (error) {
      await rm(draft, { force: true });
      fail("store-error", `The sign-in for ${record.endpoint} cannot be kept in ${this.folder}.`, {
        remedy: "Make that folder yours and writable, or name another with CCOS_AUTH_DIR.",
        cause: error,
      });
    }
  }

  /** False where there was none. */
  async remove(endpoint: string): Promise<boolean> {
    const file = this.#file(endpoint);
    const was = statSync(file, { throwIfNoEntry: false }) !== undefined;
    await rm(file, { force: true });
    return was;
  }

  /** All of them, by endpoint; what is unreadable is left out. */
  async list(): Promise<SignInRecord[]> {
    const names = await readdir(this.folder).catch(() => []);
    const records = names
      .filter((name) => /^[0-9a-f]{64}\.json$/.test(name))
      .flatMap((name) => {
        try {
          const { endpoint } = JSON.parse(readFileSync(join(this.folder, name), "utf8")) as { endpoint?: unknown };
          return typeof endpoint === "string" ? (this.read(endpoint) ?? []) : [];
        } catch {
          return [];
        }
      });
    return records.sort((a, b) => (a.endpoint < b.endpoint ? -1 : 1));
  }

  /** One process at a time for an endpoint: a refresh token that rotates works only once. */
  async locked<T>(endpoint: string, clock: Clock, work: () => Promise<T>): Promise<T> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    return withFileLock(`${this.#file(endpoint)}.lock`, { clock }, work);
  }

  #file(endpoint: string): string {
    return join(this.folder, `${createHash("sha256").update(endpoint).digest("hex")}.json`);
  }
}

function parse(text: string, endpoint: string): SignInRecord | undefined {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(found as JsonObject)) return undefined;
  const { version: _, ...record } = found as JsonObject & { readonly version?: unknown };
  const texts = ["id", "endpoint", "issuer", "accessToken", "tokenType"].every(
    (key) => typeof record[key] === "string",
  );
  const isWhole = texts && typeof record["obtainedAt"] === "number" && isJsonObject(record["details"]);
  // A file that was moved here from another server's place is none for this one.
  return isWhole && record["endpoint"] === endpoint ? (record as unknown as SignInRecord) : undefined;
}
