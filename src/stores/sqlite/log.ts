import { requireName } from "../names.ts";
import type { AppendLog, LogEntry } from "../store.ts";
import type { Database } from "./database.ts";

export class SqliteLog implements AppendLog {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  append(log: string, entries: readonly Uint8Array[]): Promise<number> {
    requireName(log);
    const database = this.#database;
    const write = (): number => {
      let last = database.get<{ last: number }>("SELECT last FROM logs WHERE log = ?", log)?.last ?? 0;
      for (const entry of entries)
        database.run("INSERT INTO entries (log, number, entry) VALUES (?, ?, ?)", log, ++last, entry);
      database.run("INSERT OR REPLACE INTO logs (log, last) VALUES (?, ?)", log, last);
      return last;
    };
    return database.transaction(write, { durable: true });
  }

  read(log: string, after: number, limit = 1_000): Promise<LogEntry[]> {
    requireName(log);
    return this.#database.read(() =>
      this.#database.all<LogEntry>(
        "SELECT number, entry FROM entries WHERE log = ? AND number > ? ORDER BY number LIMIT ?",
        log,
        after,
        limit,
      ),
    );
  }

  list(): Promise<string[]> {
    return this.#database.read(() =>
      this.#database.all<{ log: string }>("SELECT log FROM logs ORDER BY log").map(({ log }) => log),
    );
  }

  drop(log: string, upTo: number): Promise<number> {
    requireName(log);
    const database = this.#database;
    return database.transaction(() => database.run("DELETE FROM entries WHERE log = ? AND number <= ?", log, upTo));
  }
}
