import { randomBytes } from "node:crypto";
import { requireName } from "../names.ts";
import type { Store } from "../store.ts";
import { RedisConnection, type RedisOptions } from "./connection.ts";
import { RedisLocks } from "./locks.ts";
import { RedisLog } from "./log.ts";
import { RedisRecords } from "./records.ts";
import { RedisSlots } from "./slots.ts";

export type { RedisOptions } from "./connection.ts";

/**
 * A Redis or Valkey server (6.2 or newer) for a fleet. How safe a log is, is the server's configuration to say: with
 * `appendfsync always` an entry that was appended survives a failure of power.
 *
 * Throws `store-error` where the server cannot be reached. When it is lost later, every method rejects at once with a
 * retryable `store-error` until it is back.
 */
export async function openRedisStore(options: RedisOptions): Promise<Store> {
  const redis = await RedisConnection.open(options);
  return {
    name: redis.name,
    reach: "fleet",
    durable: true,
    async fingerprintKey() {
      const key = redis.key("key", "fingerprints");
      await redis.command("SET", key, randomBytes(32), "NX");
      return new Uint8Array((await redis.command("GET", key)) as Buffer);
    },
    records: new RedisRecords(redis),
    locks: new RedisLocks(redis),
    slots: new RedisSlots(redis),
    feed: {
      async publish(topic, message) {
        await redis.command("PUBLISH", redis.key("feed", requireName(topic)), message);
      },
      subscribe: (topic, listener) => redis.subscribe(requireName(topic), listener),
    },
    log: new RedisLog(redis),
    close: () => redis.close(),
  };
}
