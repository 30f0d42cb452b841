export { composePolicies } from "./compose.ts";
export { POLICY_ORDER, type Policy, type PolicyCall, type PolicyName } from "./policy.ts";
