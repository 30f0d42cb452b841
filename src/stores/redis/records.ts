import { requireName, requireTtl } from "../names.ts";
import type { ListOptions, PutOptions, Records, StoredRecord } from "../store.ts";
import { script, type RedisConnection } from "./connection.ts";

// A version is the server's time in microseconds, and more than the last one: so it grows also across a removal, and
// nothing has to be kept of what was removed.
const PUT = script(`
local found = redis.call('HGET', KEYS[1], 'n')
if ARGV[2] ~= '' and (found or '0') ~= ARGV[2] then return false end
local time = redis.call('TIME')
local version = time[1] * 1000000 + time[2]
if found and version <= tonumber(found) then version = tonumber(found) + 1 end
version = string.format('%.0f', version)
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'v', ARGV[1], 'n', version)
if ARGV[3] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return version`);

const REMOVE = script(`
local found = redis.call('HGET', KEYS[1], 'n')
if not found or (ARGV[1] ~= '' and found ~= ARGV[1]) then return 0 end
return redis.call('DEL', KEYS[1])`);

const KIND = "record";

export class RedisRecords implements Records {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async get(name: string): Promise<StoredRecord | undefined> {
    requireName(name);
    const [value, version] = (await this.#redis.command("HMGET", this.#redis.key(KIND, name), "v", "n")) as [
      Buffer | null,
      Buffer | null,
    ];
    return value === null || version === null ? undefined : { value: new Uint8Array(value), version: Number(version) };
  }

  async put(name: string, value: Uint8Array, { ifVersion, ttlMs }: PutOptions = {}): Promise<number | undefined> {
    requireName(name);
    const ttl = ttlMs === undefined ? "" : String(Math.ceil(requireTtl(ttlMs)));
    const reply = await this.#redis.run(PUT, [this.#redis.key(KIND, name)], value, String(ifVersion ?? ""), ttl);
    return reply === null ? undefined : Number(reply as Buffer);
  }

  async remove(name: string, { ifVersion }: { readonly ifVersion?: number | undefined } = {}): Promise<boolean> {
    requireName(name);
    return (await this.#redis.run(REMOVE, [this.#redis.key(KIND, name)], String(ifVersion ?? ""))) === 1;
  }

  async list(prefix: string, { after = "", limit = 1_000 }: ListOptions = {}): Promise<string[]> {
    const keys = await this.#redis.keysOf(KIND, prefix);
    return keys
      .map((key) => this.#redis.nameIn(KIND, key))
      .filter((name) => name > after)
      .toSorted()
      .slice(0, limit);
  }
}
