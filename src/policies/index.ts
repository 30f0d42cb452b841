export { composePolicies, type PolicyChain } from "./compose.ts";
export {
  POLICY_ORDER,
  type CacheMode,
  type Policy,
  type PolicyCall,
  type PolicyName,
  type RateNews,
  type Work,
} from "./policy.ts";
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
