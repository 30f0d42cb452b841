import { createId, type CcosError, type Clock, type Emitter, type RuntimeEvents } from "../kernel/index.ts";
import type { CallReport } from "./call.ts";

/** A call as the events tell of it: its start at once, its end when `ended` is called. */
export interface CallRecord {
  readonly callId: string;
  /** Tells the end, with the number of events of a streaming call, and gives the duration in milliseconds. */
  ended(report: CallReport, error?: CcosError, streamed?: number): number;
}

export function recordCall(
  { events, clock }: { readonly events: Emitter<RuntimeEvents>; readonly clock: Clock },
  call: { readonly capabilityId: string; readonly parentId: string | undefined; readonly caller: string | undefined },
): CallRecord {
  const callId = createId("call");
  const startedAt = clock.monotonic();
  events.emit("callStarted", { callId, ...call });
  return {
    callId,
    ended(report, error, streamed) {
      const durationMs = clock.monotonic() - startedAt;
      if (!events.hears("callEnded")) return durationMs;
      events.emit("callEnded", {
        callId,
        capabilityId: call.capabilityId,
        ok: error === undefined,
        error: error?.toJSON(),
        attempts: report.attempts,
        durationMs,
        sessionId: report.session?.id,
        reused: report.session?.reused,
        ...(streamed !== undefined && { events: streamed }),
      });
      return durationMs;
    },
  };
}
