import { requireName, requireTtl } from "../names.ts";
import type { SlotLimits, Slots } from "../store.ts";
import type { Database } from "./database.ts";

export class SqliteSlots implements Slots {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  hold(name: string, holder: string, wanted: number, { capacity, ttlMs }: SlotLimits): Promise<number> {
    requireName(name);
    requireName(holder);
    requireTtl(ttlMs);
    const database = this.#database;
    return database.transaction(() => {
      const now = database.now();
      database.run("DELETE FROM slots WHERE name = ? AND (holder = ? OR expires_at <= ?)", name, holder, now);
      const count = Math.max(0, Math.min(wanted, capacity - this.#sum(name, now)));
      if (count > 0)
        database.run(
          "INSERT INTO slots (name, holder, count, expires_at) VALUES (?, ?, ?, ?)",
          name,
          holder,
          count,
          Math.ceil(now + ttlMs),
        );
      return count;
    });
  }

  held(name: string): Promise<number> {
    requireName(name);
    return this.#database.read(() => this.#sum(name, this.#database.now()));
  }

  #sum(name: string, now: number): number {
    const row = this.#database.get<{ total: number }>(
      "SELECT coalesce(sum(count), 0) AS total FROM slots WHERE name = ? AND expires_at > ?",
      name,
      now,
    );
    return row?.total ?? 0;
  }
}
