import { startDeadline, type JsonValue } from "../kernel/index.ts";
import type { Policy, PolicyCall, Work } from "./policy.ts";
import type { PolicySurroundings } from "./surroundings.ts";

/**
 * Gives one attempt on a session less time than the whole call has, so that a hanging one leaves time for
 * another. An attempt that takes longer fails with `deadline-exceeded`; whether the request had been sent by
 * then is in the details, and decides with the call's idempotence whether it may run again. Of a stream it bounds the
 * time until its first event.
 */
export function createAttemptTimeout({ clock }: PolicySurroundings): Policy {
  return {
    name: "attempt-timeout",
    applies: (call) => call.settings.attemptTimeoutMs > 0,
    async execute(call: PolicyCall, next: Work): Promise<JsonValue> {
      const { attemptTimeoutMs } = call.settings;
      using deadline = startDeadline(
        clock,
        attemptTimeoutMs,
        call.signal,
        `One attempt of ${JSON.stringify(call.capabilityId)} (attempt_timeout_ms)`,
      );
      call.stream?.onNextEvent(() => deadline.lift());
      const remainingMs = (): number => Math.min(deadline.remainingMs(), call.remainingMs());
      return await next({ ...call, signal: deadline.signal, remainingMs });
    },
  };
}
