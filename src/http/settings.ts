import { fail, getOwn, isJsonObject, type JsonObject } from "../kernel/index.ts";
import type { SessionCapability } from "../session/handler.ts";

/** A key of a provider's block, without its prefix: `auth_type` is what `:auth {:type …}` holds. */
export type SettingReader = (key: string) => string | undefined;

/** Reads the keys of a block, each under its own name or an older one. */
export function settingReader(
  capability: SessionCapability,
  provider: string,
  aliases: Readonly<Record<string, readonly string[]>> = {},
): SettingReader {
  const { metadata } = capability;
  return (key) => {
    const own = getOwn(metadata, `${provider}_${key}`);
    if (own !== undefined) return own;
    for (const alias of getOwn(aliases, key) ?? []) {
      const value = getOwn(metadata, `${provider}_${alias}`);
      if (value !== undefined) return value;
    }
    return undefined;
  };
}

/**
 * One reader for each way in which a capability says who it is: its `:auth` map, or each map of the vector that `:auth`
 * may be where a service wants several at once.
 */
export function authReaders(capability: SessionCapability, read: SettingReader): SettingReader[] {
  const several = getOwn(capability.block, "auth");
  if (!Array.isArray(several)) return [read];
  if (several.length === 0 || several.length > MOST_WAYS || !several.every(isJsonObject)) {
    fail("invalid-argument", `:auth of ${JSON.stringify(capability.id)} is neither a map nor a vector of maps.`, {
      remedy: `Write :auth {:type …}, or up to ${MOST_WAYS} of them in a vector.`,
    });
  }
  return several.map((way) => readerOfMap(way));
}

const MOST_WAYS = 8;

function readerOfMap(map: JsonObject): SettingReader {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(map)) {
    if (value !== null && typeof value !== "object") values.set(`auth_${name.replaceAll("-", "_")}`, String(value));
  }
  return (key) => values.get(key);
}

/** A keyword's colon, capitals and hyphens make no other word of a setting. */
export function wordOf(text: string): string {
  return text.trim().toLowerCase().replace(/^:/, "").replaceAll("_", "-");
}

/** Most bytes of one answer, where nothing else is said. */
export const DEFAULT_MAX_RESPONSE_BYTES = 32 * 1024 * 1024;
const LEAST_RESPONSE_BYTES = 1024;

/**
 * `:max_response_bytes` of the capability, else of what the configuration says for its endpoint, else 32 MiB. At least
 * 1024; counts what an answer has when it is no longer compressed.
 */
export function readMaxResponseBytes(
  capability: SessionCapability,
  configured: JsonObject,
  read: SettingReader,
): number {
  const own = read("max_response_bytes");
  const value = own !== undefined ? Number(own) : getOwn(configured, "max_response_bytes");
  if (value === undefined) return DEFAULT_MAX_RESPONSE_BYTES;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < LEAST_RESPONSE_BYTES) {
    fail("invalid-argument", `max_response_bytes of ${JSON.stringify(capability.id)} is no number of bytes.`, {
      remedy: `Give an integer of at least ${LEAST_RESPONSE_BYTES}.`,
    });
  }
  return value;
}
