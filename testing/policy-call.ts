import { DEFAULT_POLICY_SETTINGS, type PolicyCall, type PolicySettings } from "../src/policies/index.ts";

export interface PolicyCallParts extends Partial<Omit<PolicyCall, "settings" | "shareKey" | "remainingMs">> {
  /** What differs from the defaults. */
  readonly settings?: Partial<PolicySettings>;
  /** Equal keys ask the same. Default: the tenant and the capability. */
  readonly key?: string | undefined;
  readonly remainingMs?: number | (() => number);
}

let count = 0;

/** A call as policies see it: of `line.echo` at `line://example`, anonymous, with the default settings and no limit of time. */
export function policyCall(parts: PolicyCallParts = {}): PolicyCall {
  const { settings, key, remainingMs = Infinity, ...rest } = parts;
  const endpoint = parts.endpoint ?? "line://example";
  const peer = parts.peer ?? `line ${endpoint}`;
  const tenant = parts.tenant ?? `anonymous ${peer}`;
  const capabilityId = parts.capabilityId ?? "line.echo";
  return {
    callId: `c_${++count}`,
    capabilityId,
    provider: "line",
    endpoint,
    peer,
    tenant,
    shareKey: () => ("key" in parts ? key : `${tenant} ${capabilityId}`),
    idempotent: false,
    cacheMode: "default",
    signal: new AbortController().signal,
    ...rest,
    settings: { ...DEFAULT_POLICY_SETTINGS, ...settings },
    remainingMs: typeof remainingMs === "function" ? remainingMs : () => remainingMs,
  };
}
