import { requireName, requireTtl } from "../names.ts";
import type { SlotLimits, Slots } from "../store.ts";
import { script, type RedisConnection } from "./connection.ts";

/** Removes those that are heard of no more, and gives the sum of the others. */
const SUM = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local total = 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local count, expires = string.match(all[i + 1], '^(%d+):(%d+)$')
  if tonumber(expires) <= now then redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] ~= ARGV[1] then total = total + tonumber(count) end
end`;

const HOLD = script(`${SUM}
local count = math.max(0, math.min(tonumber(ARGV[2]), tonumber(ARGV[3]) - total))
if count > 0 then
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%d:%.0f', count, now + tonumber(ARGV[4])))
  if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
else redis.call('HDEL', KEYS[1], ARGV[1]) end
return count`);

const HELD = script(`${SUM}
return total`);

export class RedisSlots implements Slots {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async hold(name: string, holder: string, wanted: number, { capacity, ttlMs }: SlotLimits): Promise<number> {
    requireName(name);
    requireName(holder);
    const ttl = String(Math.ceil(requireTtl(ttlMs)));
    const key = this.#redis.key("slots", name);
    return (await this.#redis.run(HOLD, [key], holder, String(wanted), String(capacity), ttl)) as number;
  }

  async held(name: string): Promise<number> {
    requireName(name);
    // No holder has the empty name, so all of them count.
    return (await this.#redis.run(HELD, [this.#redis.key("slots", name)], "")) as number;
  }
}
