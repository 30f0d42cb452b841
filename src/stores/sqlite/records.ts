import { requireName, requireTtl } from "../names.ts";
import type { ListOptions, PutOptions, Records, StoredRecord } from "../store.ts";
import { nextNumber } from "./counters.ts";
import type { Database } from "./database.ts";

/** How many records that have expired are removed with a write. */
const SWEPT_AT_ONCE = 10;

export class SqliteRecords implements Records {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get(name: string): Promise<StoredRecord | undefined> {
    requireName(name);
    return this.#database.read(() =>
      this.#database.get<StoredRecord>(
        "SELECT value, version FROM records WHERE name = ? AND (expires_at IS NULL OR expires_at > ?)",
        name,
        this.#database.now(),
      ),
    );
  }

  put(name: string, value: Uint8Array, options: PutOptions = {}): Promise<number | undefined> {
    requireName(name);
    const { ifVersion, ttlMs } = options;
    const database = this.#database;
    return database.transaction(() => {
      const now = database.now();
      database.run(
        "DELETE FROM records WHERE name IN (SELECT name FROM records WHERE expires_at <= ? LIMIT ?)",
        now,
        SWEPT_AT_ONCE,
      );
      if (ifVersion !== undefined && this.#version(name, now) !== ifVersion) return undefined;
      const version = nextNumber(database, "records");
      database.run(
        "INSERT INTO records (name, value, version, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at",
        name,
        value,
        version,
        ttlMs === undefined ? null : Math.ceil(now + requireTtl(ttlMs)),
      );
      return version;
    });
  }

  remove(name: string, { ifVersion }: { readonly ifVersion?: number | undefined } = {}): Promise<boolean> {
    requireName(name);
    return this.#database.transaction(() => {
      const version = this.#version(name, this.#database.now());
      if (version === 0 || (ifVersion !== undefined && version !== ifVersion)) return false;
      return this.#database.run("DELETE FROM records WHERE name = ?", name) > 0;
    });
  }

  list(prefix: string, { after = "", limit = 1_000 }: ListOptions = {}): Promise<string[]> {
    return this.#database.read(() =>
      this.#database
        .all<{ name: string }>(
          "SELECT name FROM records WHERE substr(name, 1, ?) = ? AND name >= ? AND name > ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY name LIMIT ?",
          Array.from(prefix).length,
          prefix,
          prefix,
          after,
          this.#database.now(),
          limit,
        )
        .map(({ name }) => name),
    );
  }

  /** 0 where there is no such record. */
  #version(name: string, now: number): number {
    const found = this.#database.get<{ version: number }>(
      "SELECT version FROM records WHERE name = ? AND (expires_at IS NULL OR expires_at > ?)",
      name,
      now,
    );
    return found?.version ?? 0;
  }
}
