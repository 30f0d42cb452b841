import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient } from "@redis/client";
import { parseKeys } from "../../src/stores/keys.ts";
import { openRedisStore } from "../../src/stores/redis/index.ts";
import { sealStore } from "../../src/stores/sealed.ts";
import type { Store } from "../../src/stores/index.ts";
import { storeChecks, type StoreRig } from "../../testing/store-suite.ts";
import { redisInstalled, startRedis, type RedisServer } from "./redis-server.ts";

let server: RedisServer;
let places = 0;

/** Time passes for every key, and for the slots in them: the server's own clock cannot be moved. */
const PASS = `
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  if redis.call('TYPE', key).ok == 'hash' and string.find(key, '{slots:', 1, true) then
    for _, holder in ipairs(redis.call('HKEYS', key)) do
      local count, expires = string.match(redis.call('HGET', key, holder), '^(%d+):(%d+)$')
      redis.call('HSET', key, holder, string.format('%d:%.0f', count, tonumber(expires) - tonumber(ARGV[2])))
    end
  end
  local left = redis.call('PTTL', key)
  if left >= 0 then
    if left <= tonumber(ARGV[2]) then redis.call('DEL', key) else redis.call('PEXPIRE', key, left - tonumber(ARGV[2])) end
  end
end
return 1`;

const rig = (wrap: (store: Store) => Promise<Store>): StoreRig => ({
  shared: true,
  async createPlace() {
    const prefix = `test-${++places}:`;
    return {
      open: async () => wrap(await openRedisStore({ url: server.url, prefix })),
      async advance(ms) {
        const client = await createClient({ url: server.url }).connect();
        await client.sendCommand(["EVAL", PASS, "0", prefix, String(ms)]);
        await client.close();
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

describe.skipIf(!redisInstalled)("a store in Redis (needs redis-server)", () => {
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  test.each(storeChecks(rig(async (store) => store)))("$name", ({ run }) => run());

  const ring = parseKeys("ab".repeat(32), "the test");
  test.each(storeChecks(rig((store) => sealStore(store, ring))))("sealed, $name", ({ run }) => run());

  test("has one key of fingerprints for all who share it", async () => {
    const stores = await Promise.all([1, 2, 3].map(() => openRedisStore({ url: server.url, prefix: "fingerprints:" })));
    const keys = await Promise.all(stores.map((store) => store.fingerprintKey()));
    expect(keys[0]).toHaveLength(32);
    for (const key of keys) expect(key).toEqual(keys[0]);
    for (const store of stores) await store.close();
  });

  test("that does not answer is an error without the password, at once", async () => {
    await expect(openRedisStore({ url: "redis://user:hunter22@127.0.0.1:1" })).rejects.toMatchObject({
      code: "store-error",
      message: expect.not.stringContaining("hunter22") as string,
      details: { retryable: true },
    });
  });

  test("that goes away fails commands at once, says so once, and is used again when it is back", async () => {
    const own = await startRedis("--appendonly", "yes", "--appendfsync", "always");
    const warnings: string[] = [];
    const store = await openRedisStore({ url: own.url, warn: (message) => void warnings.push(message) });
    try {
      await store.records.put("a", Uint8Array.of(1));
      await own.kill();
      const since = performance.now();
      for (let tries = 0; tries < 5; tries++) {
        await expect(store.records.get("a")).rejects.toMatchObject({
          code: "store-error",
          details: { retryable: true },
        });
      }
      expect(performance.now() - since).toBeLessThan(5_000);
      await own.start();
      const until = performance.now() + 10_000;
      let found: Awaited<ReturnType<Store["records"]["get"]>>;
      while (found === undefined && performance.now() < until) {
        found = await store.records.get("a").catch(() => undefined);
        if (found === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(found?.value).toEqual(Uint8Array.of(1));
      expect(warnings).toEqual([expect.stringContaining("is away"), expect.stringContaining("is back")]);
    } finally {
      await store.close();
      await own.stop();
    }
  });

  test("with a password refuses a wrong one as an error that trying again does not help", async () => {
    const own = await startRedis("--requirepass", "a-password-of-a-test");
    try {
      const wrong = `redis://:wrong-password@127.0.0.1:${own.port}`;
      await expect(openRedisStore({ url: wrong })).rejects.toMatchObject({
        code: "store-error",
        message: expect.not.stringContaining("wrong-password") as string,
        details: { retryable: false },
      });
      const store = await openRedisStore({ url: `redis://:a-password-of-a-test@127.0.0.1:${own.port}` });
      expect(store.name).toBe(`redis://127.0.0.1:${own.port}`);
      await store.close();
    } finally {
      await own.stop();
    }
  });
});
