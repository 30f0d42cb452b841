import { forEndpoint, resolveSettings, DEFAULT_SETTINGS, type Config, type ResolvedSettings } from "../config/index.ts";
import type { Manifest } from "../capability/manifest.ts";
import { getOwn, type JsonObject } from "../kernel/index.ts";

const POLICY_KEYS = ["session", "retry", "rate_limit", "circuit_breaker", "cache", "timeout_ms"] as const;

/** The policy that applies to a capability, and which of its file, the configuration and the defaults says so. */
export function settingsOf(manifest: Manifest, config: Config): ResolvedSettings {
  const endpoint = endpointOf(manifest);
  const forThisEndpoint = endpoint === undefined ? undefined : forEndpoint(config.endpoints ?? {}, endpoint);
  return resolveSettings([
    { source: "capability", values: pick(manifest.metadata) },
    { source: "endpoint", values: forThisEndpoint as JsonObject | undefined },
    { source: "configuration", values: pick(config as JsonObject) },
    { source: "default", values: DEFAULT_SETTINGS },
  ]);
}

function pick(values: JsonObject): JsonObject {
  const picked: JsonObject = {};
  for (const key of POLICY_KEYS) {
    const value = getOwn(values, key);
    if (value !== undefined) picked[key] = value;
  }
  return picked;
}

/** The first address in the provider's block: where a call goes, as far as the file says. */
export function endpointOf({ execution, flatMetadata }: Manifest): string | undefined {
  if (execution.kind !== "provider") return undefined;
  const prefix = `${execution.block.provider}_`;
  return Object.entries(flatMetadata).find(([key, value]) => key.startsWith(prefix) && /^[a-z][a-z0-9+.-]*:\/\//i.test(value))?.[1];
}
