import { requireName, requireTtl } from "../names.ts";
import type { Locks, LockToken } from "../store.ts";
import { nextNumber } from "./counters.ts";
import type { Database } from "./database.ts";

export class SqliteLocks implements Locks {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  take(name: string, ttlMs: number): Promise<LockToken | undefined> {
    requireName(name);
    requireTtl(ttlMs);
    const database = this.#database;
    return database.transaction(() => {
      const now = database.now();
      if (database.get("SELECT 1 FROM locks WHERE name = ? AND expires_at > ?", name, now) !== undefined)
        return undefined;
      const token = nextNumber(database, "locks");
      database.run(
        "INSERT OR REPLACE INTO locks (name, token, expires_at) VALUES (?, ?, ?)",
        name,
        token,
        Math.ceil(now + ttlMs),
      );
      return token;
    });
  }

  renew(name: string, token: LockToken, ttlMs: number): Promise<boolean> {
    requireName(name);
    requireTtl(ttlMs);
    const database = this.#database;
    return database.transaction(() => {
      const now = database.now();
      return (
        database.run(
          "UPDATE locks SET expires_at = ? WHERE name = ? AND token = ? AND expires_at > ?",
          Math.ceil(now + ttlMs),
          name,
          token,
          now,
        ) > 0
      );
    });
  }

  release(name: string, token: LockToken): Promise<boolean> {
    requireName(name);
    const database = this.#database;
    return database.transaction(
      () =>
        database.run("DELETE FROM locks WHERE name = ? AND token = ? AND expires_at > ?", name, token, database.now()) >
        0,
    );
  }
}
