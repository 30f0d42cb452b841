import type { CallContext } from "../capability/call.ts";
import type { Manifest } from "../capability/manifest.ts";
import type { JsonValue } from "../kernel/index.ts";
import type { PolicyCall } from "../policies/policy.ts";
import { cacheModeOf, callSettings } from "./call-settings.ts";
import type { ResolvedTarget } from "./resolve-target.ts";
import { shareKey } from "./share-key.ts";

export interface PolicyCallParts {
  readonly context: CallContext;
  readonly idempotent: boolean;
  readonly signal: AbortSignal;
}

/** A call as policies see it. Throws `invalid-argument` for options of the call that are out of range. */
export function policyCall(
  resolved: ResolvedTarget,
  manifest: Manifest,
  input: JsonValue,
  { context, idempotent, signal }: PolicyCallParts,
): PolicyCall {
  return {
    callId: context.callId,
    capabilityId: manifest.id,
    provider: resolved.provider,
    endpoint: resolved.target.endpoint,
    peer: resolved.peer,
    tenant: resolved.tenant,
    shareKey: () => shareKey(resolved, manifest, input),
    idempotent,
    settings: callSettings(resolved, context.policies),
    cacheMode: cacheModeOf(context.policies),
    signal,
    remainingMs: () => context.remainingMs(),
  };
}
