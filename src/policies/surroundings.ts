import {
  CcosError,
  type ErrorCode,
  type RefusalCause,
  type Clock,
  type Emitter,
  type ErrorJson,
  type PolicyEvent,
  type Random,
  type Redactor,
  type RuntimeEvents,
} from "../kernel/index.ts";
import type { PolicyCall, PolicyName } from "./policy.ts";

/** What policies are given to work with. */
export interface PolicySurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Emitter<RuntimeEvents>;
  /** What it holds is in no event. */
  readonly redactor: Redactor;
}

/** What events say of a call. */
export function eventOf({ callId, capabilityId, provider, endpoint }: PolicyCall): PolicyEvent {
  return { callId, capabilityId, provider, endpoint };
}

/** An error as events may show it. */
export function shownError({ redactor }: PolicySurroundings, error: CcosError): ErrorJson {
  return redactor.redactValue(error.toJSON());
}

export interface Refusal {
  readonly policy: PolicyName;
  readonly cause: RefusalCause;
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** An error of ours, told to those who listen: the call was not run, and the peer has not seen it. */
export function refuse({ events }: PolicySurroundings, call: PolicyCall, refusal: Refusal): CcosError {
  const { policy, cause, code, message, remedy, retryAfterMs } = refusal;
  events.emit("callRefused", { ...eventOf(call), policy, cause, retryAfterMs });
  return new CcosError(code, message, { remedy, retryAfterMs, details: { policy } });
}

/** The policy that refused a call; undefined for what the peer or anybody else said. */
export function refusedBy(error: CcosError): string | undefined {
  const policy = error.details?.["policy"];
  return typeof policy === "string" ? policy : undefined;
}
