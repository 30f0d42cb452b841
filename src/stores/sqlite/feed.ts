import { systemClock, type Timer } from "../../kernel/index.ts";
import { requireName } from "../names.ts";
import type { Feed } from "../store.ts";
import type { Database } from "./database.ts";

/** How often a process that listens looks whether another one has written, in milliseconds. */
const LOOK_EVERY_MS = 100;
/** Messages older than this have been heard by whoever listens. */
const KEPT_MS = 60_000;
const READ_AT_ONCE = 1_000;

interface Published {
  readonly number: number;
  readonly topic: string;
  readonly message: Uint8Array;
}

/** Messages in a table: the file tells nobody that it has changed, so those who listen look. */
export class SqliteFeed implements Feed {
  readonly #database: Database;
  readonly #listeners = new Map<string, Set<(message: Uint8Array) => void>>();
  #timer: Timer | undefined;
  #heard = 0;
  #looking = false;
  #closed = false;

  constructor(database: Database) {
    this.#database = database;
  }

  async publish(topic: string, message: Uint8Array): Promise<void> {
    requireName(topic);
    const database = this.#database;
    await database.transaction(() => {
      const now = database.now();
      database.run("DELETE FROM feed WHERE published_at < ?", now - KEPT_MS);
      database.run("INSERT INTO feed (topic, message, published_at) VALUES (?, ?, ?)", topic, message, now);
    });
  }

  async subscribe(topic: string, listener: (message: Uint8Array) => void): Promise<() => Promise<void>> {
    requireName(topic);
    if (this.#listeners.size === 0) {
      this.#heard = await this.#database.read(
        () =>
          this.#database.get<{ last: number }>(
            "SELECT coalesce(max(seq), 0) AS last FROM sqlite_sequence WHERE name = 'feed'",
          )?.last ?? 0,
      );
    }
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners);
    const own = (message: Uint8Array): void => listener(message);
    listeners.add(own);
    this.#schedule();
    return async () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic);
      if (this.#listeners.size === 0) this.#rest();
    };
  }

  close(): void {
    this.#closed = true;
    this.#listeners.clear();
    this.#rest();
  }

  #schedule(): void {
    if (this.#closed || this.#listeners.size === 0) return;
    this.#timer ??= systemClock.setTimer(
      LOOK_EVERY_MS,
      () => {
        this.#timer = undefined;
        void this.#look();
      },
      { background: true },
    );
  }

  #rest(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const found = await this.#database.read(() =>
        this.#database.all<Published>(
          "SELECT number, topic, message FROM feed WHERE number > ? ORDER BY number LIMIT ?",
          this.#heard,
          READ_AT_ONCE,
        ),
      );
      for (const { number, topic, message } of found) {
        this.#heard = number;
        for (const listener of this.#listeners.get(topic) ?? []) queueMicrotask(() => listener(message));
      }
    } catch {
      // A file that cannot be read now may be read at the next look.
    } finally {
      this.#looking = false;
      this.#schedule();
    }
  }
}
