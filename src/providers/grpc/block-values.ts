import { fail, getOwn, isJsonObject, type JsonObject } from "../../kernel/index.ts";
import type { SettingReader } from "../../http/index.ts";
import type { SessionCapability } from "../../session/handler.ts";

export interface Keepalive {
  /** Time without a word after which the peer is pinged, in milliseconds; 0: never. */
  readonly timeMs: number;
  /** Time for the answer to a ping, in milliseconds. */
  readonly timeoutMs: number;
  /** Pings go out when no call is under way, too. */
  readonly withoutCalls: boolean;
}

export function readKeepalive(capability: SessionCapability, read: SettingReader): Keepalive {
  const id = JSON.stringify(capability.id);
  const declared: JsonObject[string] | undefined = getOwn(capability.block, "keepalive");
  if (declared !== undefined && !isJsonObject(declared)) fail("invalid-argument", `:keepalive of ${id} is no map.`);
  const timeMs = readNumber(read("keepalive_time_ms"), 0, 0, 2_147_483_647, ":keepalive {:time_ms …}", id);
  // https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md: servers end connections that ping more often.
  if (timeMs !== 0 && timeMs < 10_000) {
    fail("invalid-argument", `:keepalive of ${id} pings more often than every 10 s.`, {
      remedy: "Give :time_ms 10000 or more; many servers allow no less than 300000.",
    });
  }
  return {
    timeMs,
    timeoutMs: readNumber(read("keepalive_timeout_ms"), 20_000, 1, 2_147_483_647, ":keepalive {:timeout_ms …}", id),
    withoutCalls: readFlag(read("keepalive_without_calls"), false, ":keepalive {:without_calls …}", id),
  };
}

/** A whole number within its bounds, or the default. */
export function readNumber(
  text: string | undefined,
  fallback: number,
  least: number,
  most: number,
  key: string,
  id: string,
): number {
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least || value > most)
    fail("invalid-argument", `${key} of ${id} is no whole number from ${least} to ${most}.`);
  return value;
}

export function readFlag(text: string | undefined, fallback: boolean, key: string, id: string): boolean {
  switch (text?.toLowerCase()) {
    case undefined:
    case "":
      return fallback;
    case "true":
      return true;
    case "false":
      return false;
    default:
      return fail("invalid-argument", `${key} of ${id} is neither true nor false.`);
  }
}
