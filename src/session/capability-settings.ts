import type { Manifest } from "../capability/manifest.ts";
import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "../kernel/index.ts";
import { POLICY_SETTINGS, POLICY_TABLES } from "../policies/policy-settings.ts";
import type { SettingTable } from "../policies/settings.ts";
import { SESSION_TABLE } from "./session-policy.ts";

const BLOCKS: Readonly<Record<string, SettingTable>> = { session: SESSION_TABLE, ...POLICY_TABLES };
const NAMES: readonly string[] = [...Object.keys(BLOCKS), ...Object.keys(POLICY_SETTINGS)];
const FLAT: readonly (readonly [flat: string, block: string, key: string])[] = Object.entries(BLOCKS).flatMap(
  ([block, table]) => Object.keys(table).map((key) => [`${block}_${key}`, block, key] as const),
);

/** Whether a capability's file sets anything at all. */
export function hasSettings({ metadata, flatMetadata }: Pick<Manifest, "metadata" | "flatMetadata">): boolean {
  return (
    NAMES.some((name) => Object.hasOwn(metadata, name)) || FLAT.some(([flat]) => Object.hasOwn(flatMetadata, flat))
  );
}

/**
 * The settings of a capability's file: its blocks, and beside them the flat keys that mean the same
 * (`:retry_max_attempts 5`). Where both speak, the block counts.
 */
export function capabilitySettings({
  metadata,
  flatMetadata,
}: Pick<Manifest, "metadata" | "flatMetadata">): JsonObject {
  const values: Record<string, JsonValue> = { ...metadata };
  for (const [flat, block, key] of FLAT) {
    const text = getOwn(flatMetadata, flat);
    if (text === undefined) continue;
    const own = getOwn(values, block) ?? {};
    if (isJsonObject(own) && !Object.hasOwn(own, key)) values[block] = { ...own, [key]: text };
  }
  return values;
}
