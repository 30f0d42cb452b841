import { closeSync, openSync, renameSync, statSync } from "node:fs";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { CcosError } from "../../kernel/index.ts";
import { MIGRATIONS } from "./migrations.ts";

export interface DatabaseOptions {
  readonly path: string;
  /** The wall clock, in milliseconds. All processes of a machine share it. */
  readonly now: () => number;
  /** How long a write waits for other processes, in milliseconds. */
  readonly busyTimeoutMs: number;
  /** Pages of 4 KiB that the file may have; undefined: as many as the disk holds. */
  readonly maxPages: number | undefined;
  /** Told of what was done about a file that could not be read. */
  readonly warn: (message: string) => void;
}

/**
 * How long one statement may hold the event loop while another process writes. Beyond that the wait is one that lets
 * everything else go on.
 */
const BLOCKING_MS = 100;
const PAUSE_MS = 20;

/** A file with our tables, several processes on it. */
export class Database {
  readonly path: string;
  readonly now: () => number;
  readonly #busyTimeoutMs: number;
  readonly #maxPages: number | undefined;
  readonly #statements = new Map<string, StatementSync>();
  #handle: DatabaseSync | undefined;

  private constructor(handle: DatabaseSync, { path, now, busyTimeoutMs, maxPages }: DatabaseOptions) {
    this.#handle = handle;
    this.path = path;
    this.now = now;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#maxPages = maxPages;
  }

  /**
   * Opens a file, makes it where it is missing, and brings its tables up to date. A file that is damaged is set aside
   * under another name, and a new one begun. Throws `store-error` for one that a newer version has written, and for
   * one that cannot be opened or written.
   */
  static async open(options: DatabaseOptions): Promise<Database> {
    const { DatabaseSync } = await import("node:sqlite");
    const connect = (): Database => {
      makePrivate(options.path);
      return new Database(new DatabaseSync(options.path, { timeout: BLOCKING_MS }), options);
    };
    let database: Database | undefined;
    try {
      database = connect();
      await database.#prepare();
      return database;
    } catch (error) {
      database?.close();
      if (!isDamage(error)) throw storeError(error, options.path);
      const aside = setAside(options.path, options.now());
      options.warn(`${options.path} is damaged. It was set aside as ${aside}, and a new file was begun.`);
    }
    database = connect();
    try {
      await database.#prepare();
      return database;
    } catch (error) {
      database.close();
      throw storeError(error, options.path);
    }
  }

  async #prepare(): Promise<void> {
    const handle = this.#open();
    await this.#patiently(() => handle.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"));
    if (this.#maxPages !== undefined) handle.exec(`PRAGMA max_page_count = ${this.#maxPages}`);
    const check = handle.prepare("PRAGMA quick_check(1)").get() as { quick_check?: string } | undefined;
    if (check?.quick_check !== "ok") throw new Damage(check?.quick_check ?? "no answer");
    await this.transaction(() => {
      const { user_version: found } = handle.prepare("PRAGMA user_version").get() as { user_version: number };
      if (found > MIGRATIONS.length) {
        throw new CcosError("store-error", `${this.path} was written by a newer version of ccos (${found}).`, {
          remedy: "Use that version, or another file.",
        });
      }
      for (const migration of MIGRATIONS.slice(found)) handle.exec(migration);
      handle.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    });
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }

  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values) as Row | undefined;
  }

  /** How many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  /** Reads, in a state that does not change meanwhile. */
  async read<T>(work: () => T): Promise<T> {
    return await this.#guarded(work);
  }

  /**
   * Everything or nothing, with nobody else writing meanwhile. A process that is killed loses nothing of it. `durable`:
   * nor does a machine that loses its power, at the price of waiting for the disk.
   */
  async transaction<T>(work: () => T, options: { readonly durable?: boolean } = {}): Promise<T> {
    return await this.#guarded(() => {
      const handle = this.#open();
      // https://www.sqlite.org/pragma.html#pragma_synchronous: it cannot change within a transaction.
      if (options.durable === true) handle.exec("PRAGMA synchronous = FULL");
      try {
        handle.exec("BEGIN IMMEDIATE");
        try {
          const result = work();
          handle.exec("COMMIT");
          return result;
        } catch (error) {
          if (handle.isTransaction) handle.exec("ROLLBACK");
          throw error;
        }
      } finally {
        if (options.durable === true) handle.exec("PRAGMA synchronous = NORMAL");
      }
    });
  }

  close(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    this.#statements.clear();
    handle?.close();
  }

  async #guarded<T>(work: () => T): Promise<T> {
    try {
      return await this.#patiently(work);
    } catch (error) {
      throw storeError(error, this.path);
    }
  }

  async #patiently<T>(work: () => T): Promise<T> {
    const until = performance.now() + this.#busyTimeoutMs;
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!isBusy(error) || performance.now() >= until) throw error;
        await pause(PAUSE_MS);
      }
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#open().prepare(sql)));
    return statement;
  }

  #open(): DatabaseSync {
    if (this.#handle !== undefined) return this.#handle;
    throw new CcosError("store-error", `${this.path} has been closed.`);
  }
}

/** The file is for its owner alone, from its first byte on. */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, "ax", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw storeError(error, path);
  }
}

function setAside(path: string, now: number): string {
  const aside = `${path}.damaged-${new Date(now).toISOString().replaceAll(/[:.]/g, "-")}`;
  for (const suffix of ["", "-wal", "-shm"]) {
    if (statSync(path + suffix, { throwIfNoEntry: false }) !== undefined) renameSync(path + suffix, aside + suffix);
  }
  return aside;
}

/** What a check of the file found. */
class Damage extends Error {}

// https://www.sqlite.org/rescode.html
const BUSY = 5;
const LOCKED = 6;
const READ_ONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANNOT_OPEN = 14;
const NO_DATABASE = 26;

function codeOf(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  // The low byte is the primary code.
  return typeof code === "number" ? code & 0xff : undefined;
}

function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code === BUSY || code === LOCKED;
}

function isDamage(error: unknown): boolean {
  const code = codeOf(error);
  return error instanceof Damage || code === CORRUPT || code === NO_DATABASE;
}

/** An error of the file as ours, once, here. */
function storeError(error: unknown, path: string): CcosError {
  if (error instanceof CcosError) return error;
  const said = error instanceof Error ? error.message : String(error);
  const { retryable, remedy } = adviceFor(codeOf(error) ?? (error as NodeJS.ErrnoException).code);
  return new CcosError("store-error", `The store ${path} failed: ${said}`, {
    cause: error,
    remedy,
    details: { retryable },
  });
}

function adviceFor(code: number | string | undefined): { readonly retryable: boolean; readonly remedy: string } {
  switch (code) {
    case BUSY:
    case LOCKED:
      return { retryable: true, remedy: "Another process holds the file for long; end it, or use a file of your own." };
    case FULL:
    case "ENOSPC":
      return { retryable: true, remedy: "Make room on the disk, or raise the limit of the file's size." };
    case READ_ONLY:
    case "EROFS":
      return { retryable: false, remedy: "Name a file that may be written (--store sqlite:PATH)." };
    case CANNOT_OPEN:
    case "ENOENT":
    case "EACCES":
    case "EISDIR":
      return {
        retryable: false,
        remedy: "Name a file in a folder that exists and may be written (--store sqlite:PATH).",
      };
    case CORRUPT:
    case NO_DATABASE:
      return { retryable: false, remedy: "Start again: a damaged file is set aside when it is opened." };
    default:
      return { retryable: false, remedy: "Check the file, or name another one (--store sqlite:PATH)." };
  }
}
