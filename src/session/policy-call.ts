import type { CallContext } from "../capability/call.ts";
import type { Manifest } from "../capability/manifest.ts";
import type { Deadline, JsonValue } from "../kernel/index.ts";
import type { PolicyCall, StreamProgress } from "../policies/policy.ts";
import { cacheModeOf, callSettings } from "./call-settings.ts";
import type { ResolvedTarget } from "./resolve-target.ts";
import { shareKey } from "./share-key.ts";

export interface PolicyCallParts {
  readonly context: CallContext;
  readonly idempotent: boolean;
  readonly signal: AbortSignal;
  /** A limit of time besides that of the context. */
  readonly limit: Deadline | undefined;
  readonly stream: StreamProgress | undefined;
}

/** A call as policies see it. Throws `invalid-argument` for options of the call that are out of range. */
export function policyCall(
  resolved: ResolvedTarget,
  manifest: Manifest,
  input: JsonValue,
  { context, idempotent, signal, limit, stream }: PolicyCallParts,
): PolicyCall {
  const cacheMode = cacheModeOf(context.policies);
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
    // Events are nobody's but their consumer's, and a change is made as often as it is asked for: none are kept or shared.
    cacheMode: stream === undefined && resolved.target.changes !== true ? cacheMode : "no-store",
    stream,
    signal,
    remainingMs: () => Math.min(context.remainingMs(), limit?.remainingMs() ?? Infinity),
  };
}
