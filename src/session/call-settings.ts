import type { CallPolicies } from "../capability/call.ts";
import { fail, type JsonObject, type JsonValue } from "../kernel/index.ts";
import { resolvePolicySettings, type PolicySettings } from "../policies/policy-settings.ts";
import type { CacheMode } from "../policies/policy.ts";
import type { ResolvedTarget } from "./resolve-target.ts";

/**
 * The settings of one call: those of its capability, unless the call brings some of its own. What protects the
 * peer from everybody (rate limit, bulkhead, breaker) is not a caller's to set.
 */
export function callSettings(resolved: ResolvedTarget, own: CallPolicies | undefined): PolicySettings {
  if (own === undefined) return resolved.policySettings;
  const { retry, attemptTimeoutMs, singleFlight } = own;
  if (retry === undefined && attemptTimeoutMs === undefined && singleFlight === undefined)
    return resolved.policySettings;
  const values: JsonObject = {};
  if (retry !== undefined) values["retry"] = retry === false ? false : inSnakeCase(retry);
  if (attemptTimeoutMs !== undefined) values["attempt_timeout_ms"] = attemptTimeoutMs;
  if (singleFlight !== undefined) values["single_flight"] = singleFlight;
  return resolvePolicySettings([{ source: "call", values }, ...resolved.layers]);
}

const CACHE_MODES: readonly CacheMode[] = ["default", "no-store", "refresh"];

export function cacheModeOf(own: CallPolicies | undefined): CacheMode {
  const mode = own?.cache ?? "default";
  if (!CACHE_MODES.includes(mode)) {
    fail(
      "invalid-argument",
      `The call option cache must be one of ${CACHE_MODES.join(", ")}, not ${JSON.stringify(mode)}.`,
    );
  }
  return mode;
}

function inSnakeCase(options: object): JsonObject {
  const values: JsonObject = {};
  for (const [key, value] of Object.entries(options) as [string, JsonValue | undefined][]) {
    if (value !== undefined) values[key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value;
  }
  return values;
}
