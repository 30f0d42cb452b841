import { requireName, requireTtl } from "../names.ts";
import type { Locks, LockToken } from "../store.ts";
import { script, type RedisConnection } from "./connection.ts";

// The token is the server's time in microseconds, and more than the last one as long as that is remembered.
const TAKE = script(`
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local time = redis.call('TIME')
local token = time[1] * 1000000 + time[2]
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
if token <= last then token = last + 1 end
token = string.format('%.0f', token)
redis.call('SET', KEYS[1], token, 'PX', ARGV[1])
redis.call('SET', KEYS[2], token, 'PX', 86400000)
return token`);

const RENEW = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`);

const RELEASE = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`);

export class RedisLocks implements Locks {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async take(name: string, ttlMs: number): Promise<LockToken | undefined> {
    const token = await this.#redis.run(TAKE, this.#keys(name), milliseconds(ttlMs));
    return token === null ? undefined : Number(token as Buffer);
  }

  async renew(name: string, token: LockToken, ttlMs: number): Promise<boolean> {
    return (await this.#redis.run(RENEW, this.#keys(name), String(token), milliseconds(ttlMs))) === 1;
  }

  async release(name: string, token: LockToken): Promise<boolean> {
    return (await this.#redis.run(RELEASE, this.#keys(name), String(token))) === 1;
  }

  #keys(name: string): string[] {
    requireName(name);
    return [this.#redis.key("lock", name), this.#redis.key("lock", name, ":last")];
  }
}

function milliseconds(ttlMs: number): string {
  return String(Math.ceil(requireTtl(ttlMs)));
}
