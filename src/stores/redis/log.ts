import { requireName } from "../names.ts";
import type { AppendLog, LogEntry } from "../store.ts";
import { script, type RedisConnection } from "./connection.ts";

const APPEND = script(`
local length = redis.call('LLEN', KEYS[1])
for i = 1, #ARGV do length = redis.call('RPUSH', KEYS[1], ARGV[i]) end
local dropped = tonumber(redis.call('GET', KEYS[2]) or '0')
return dropped + length`);

const READ = script(`
local dropped = tonumber(redis.call('GET', KEYS[2]) or '0')
local start = math.max(0, tonumber(ARGV[1]) - dropped)
local found = redis.call('LRANGE', KEYS[1], start, start + tonumber(ARGV[2]) - 1)
return { dropped + start, found }`);

const DROP = script(`
local dropped = tonumber(redis.call('GET', KEYS[2]) or '0')
local count = math.max(0, math.min(redis.call('LLEN', KEYS[1]), tonumber(ARGV[1]) - dropped))
if count == 0 then return 0 end
redis.call('SET', KEYS[2], dropped + count)
redis.call('LTRIM', KEYS[1], count, -1)
return count`);

const KIND = "log";

/** A list for each log, and the number of entries that were dropped from its head. */
export class RedisLog implements AppendLog {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async append(log: string, entries: readonly Uint8Array[]): Promise<number> {
    return (await this.#redis.run(APPEND, this.#keys(log), ...entries)) as number;
  }

  async read(log: string, after: number, limit = 1_000): Promise<LogEntry[]> {
    const reply = await this.#redis.run(READ, this.#keys(log), String(after), String(limit));
    const [before, entries] = reply as [number, Buffer[]];
    return entries.map((entry, index) => ({ number: before + index + 1, entry: new Uint8Array(entry) }));
  }

  async list(): Promise<string[]> {
    const keys = await this.#redis.keysOf(KIND, "");
    return keys.map((key) => this.#redis.nameIn(KIND, key)).toSorted();
  }

  async drop(log: string, upTo: number): Promise<number> {
    return (await this.#redis.run(DROP, this.#keys(log), String(upTo))) as number;
  }

  #keys(log: string): string[] {
    requireName(log);
    return [this.#redis.key(KIND, log), this.#redis.key(KIND, log, ":dropped")];
  }
}
