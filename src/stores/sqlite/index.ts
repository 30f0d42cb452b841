import { randomBytes } from "node:crypto";
import type { Store } from "../store.ts";
import { Database } from "./database.ts";
import { SqliteFeed } from "./feed.ts";
import { SqliteLocks } from "./locks.ts";
import { SqliteLog } from "./log.ts";
import { SqliteRecords } from "./records.ts";
import { SqliteSlots } from "./slots.ts";

export interface SqliteStoreOptions {
  /** The file; made where it is missing, for its owner alone. */
  readonly path: string;
  /** The wall clock, in milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** How long a write waits for other processes, in milliseconds. Default 5,000. */
  readonly busyTimeoutMs?: number | undefined;
  /** Pages of 4 KiB that the file may have. Default: as many as the disk holds. */
  readonly maxPages?: number | undefined;
  /** Told of a damaged file that was set aside. Default: nobody is told. */
  readonly warn?: ((message: string) => void) | undefined;
}

const FINGERPRINT_KEY = "key of fingerprints";

/**
 * A file for the processes of one machine. What is stored survives a process that is killed; what is in a log also a
 * machine that loses its power.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path, now = Date.now, busyTimeoutMs = 5_000, maxPages, warn = () => {} } = options;
  const database = await Database.open({ path, now, busyTimeoutMs, maxPages, warn });
  const records = new SqliteRecords(database);
  const feed = new SqliteFeed(database);
  return {
    name: `sqlite:${path}`,
    reach: "machine",
    durable: true,
    async fingerprintKey() {
      // Whoever comes first decides; those who come at the same time find that one's.
      await records.put(FINGERPRINT_KEY, randomBytes(32), { ifVersion: 0 });
      return (await records.get(FINGERPRINT_KEY))?.value ?? randomBytes(32);
    },
    records,
    locks: new SqliteLocks(database),
    slots: new SqliteSlots(database),
    feed,
    log: new SqliteLog(database),
    async close() {
      feed.close();
      database.close();
    },
  };
}
