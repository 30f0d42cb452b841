export { composePolicies, type PolicyChain } from "./compose.ts";
export { POLICY_ORDER, type CacheMode, type Policy, type PolicyCall, type PolicyName, type Work } from "./policy.ts";
export {
  DEFAULT_POLICY_SETTINGS,
  explainPolicySettings,
  POLICY_SETTINGS,
  POLICY_TABLES,
  resolvePolicySettings,
  type ExplainedSettings,
  type PolicySettings,
} from "./policy-settings.ts";
export { type SettingInForce, type SettingLayer, type SettingSource } from "./settings.ts";
export { createAttemptTimeout } from "./attempt-timeout.ts";
export { createBulkhead } from "./bulkhead.ts";
export { createCache, type ResponseCache } from "./cache.ts";
export { createCircuitBreaker, type BreakerInfo, type CircuitBreaker, type PeerName } from "./circuit-breaker.ts";
export { createRateLimit } from "./rate-limit.ts";
export { createRetry } from "./retry.ts";
export { createSingleFlight } from "./single-flight.ts";
export { createStandardPolicies, type PolicyShelf, type StandardPolicies } from "./standard.ts";
export type { PolicySurroundings } from "./surroundings.ts";
