import type { Manifest } from "../capability/manifest.ts";
import type { JsonObject } from "../kernel/index.ts";
import {
  explainPolicySettings,
  resolvePolicySettings,
  type ExplainedSettings,
  type PolicySettings,
} from "../policies/policy-settings.ts";
import type { SettingLayer } from "../policies/settings.ts";
import { capabilitySettings, hasSettings } from "./capability-settings.ts";
import { resolveSessionPolicy, type ResolvedSessionPolicy } from "./session-policy.ts";

/** Throws `invalid-argument` where a capability's file has a setting that does not exist or is out of range. */
export function checkSettings(manifest: Pick<Manifest, "metadata" | "flatMetadata" | "execution">): void {
  if (manifest.execution.kind !== "provider" || !hasSettings(manifest)) return;
  const layers: readonly SettingLayer[] = [{ source: "capability", values: capabilitySettings(manifest) }];
  resolveSessionPolicy(layers);
  resolvePolicySettings(layers);
}

export interface SettingsOfTarget {
  readonly session: ResolvedSessionPolicy;
  readonly policies: PolicySettings;
  /** What they were resolved from, strongest first. */
  readonly layers: readonly SettingLayer[];
}

/** Endpoints remembered per capability; beyond that the settings are put together again. */
const MOST_ENDPOINTS = 100;

/**
 * Everything that can be set for a capability at an endpoint, put together once. A file and a configuration do
 * not change while they are loaded, so calls find one and the same object.
 */
export class SettingsResolver {
  readonly #configuration: JsonObject;
  readonly #known = new WeakMap<Manifest, Map<string, SettingsOfTarget>>();

  constructor(configuration: JsonObject) {
    this.#configuration = configuration;
  }

  /** Throws `invalid-argument` for a setting that does not exist or is out of range. */
  of(manifest: Manifest, endpoint: string, endpointSettings: () => JsonObject): SettingsOfTarget {
    let byEndpoint = this.#known.get(manifest);
    let settings = byEndpoint?.get(endpoint);
    if (settings === undefined) {
      const layers = this.#layers(manifest, endpointSettings());
      settings = { session: resolveSessionPolicy(layers), policies: resolvePolicySettings(layers), layers };
      if (byEndpoint === undefined || byEndpoint.size >= MOST_ENDPOINTS)
        this.#known.set(manifest, (byEndpoint = new Map()));
      byEndpoint.set(endpoint, settings);
    }
    return settings;
  }

  /** The same for people: each value with its source. */
  explain(manifest: Manifest, endpointSettings: JsonObject): ExplainedSettings {
    const layers = this.#layers(manifest, endpointSettings);
    return { session: resolveSessionPolicy(layers).sources, ...explainPolicySettings(layers) };
  }

  #layers(manifest: Manifest, endpointSettings: JsonObject): readonly SettingLayer[] {
    return [
      { source: "capability", values: capabilitySettings(manifest) },
      { source: "endpoint", values: endpointSettings },
      { source: "configuration", values: this.#configuration },
    ];
  }
}
