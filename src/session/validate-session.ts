import { CcosError, untilAborted, type Clock } from "../kernel/index.ts";
import type { PoolOptions } from "./pool-surroundings.ts";
import type { PooledSession } from "./pooled-session.ts";
import type { SessionPolicy } from "./session-policy.ts";

/** A peer that takes longer to say that it is alive is taken for dead. */
const PROBE_TIMEOUT_MS = 5_000;
/** The monotonic clock stands still while the machine sleeps; the wall clock goes on. */
const SLEPT_MS = 5_000;

/** The difference between the clocks; it grows by the time the machine slept. */
export function clockOffset(clock: Clock): number {
  return clock.now() - clock.monotonic();
}

/** Whether a session must say that it is alive before a call gets it. Only an unused one is ever asked. */
export function needsValidation(around: PoolOptions, policy: SessionPolicy, session: PooledSession): boolean {
  if (session.active > 0 || around.handler.probe === undefined) return false;
  const { clock } = around;
  const { validateAfterIdleMs } = policy;
  if (validateAfterIdleMs > 0 && clock.monotonic() - session.idleSince >= validateAfterIdleMs) return true;
  return clockOffset(clock) - session.clockOffset > SLEPT_MS;
}

/** Asks the peer; false for a no, an error, and no answer in time. */
export async function isAlive(
  { handler, clock }: Pick<PoolOptions, "handler" | "clock">,
  session: PooledSession,
): Promise<boolean> {
  const patience = new AbortController();
  const timer = clock.setTimer(PROBE_TIMEOUT_MS, () =>
    patience.abort(new CcosError("unavailable", `The peer did not answer within ${PROBE_TIMEOUT_MS} ms.`)),
  );
  try {
    const context = { ...session.context, signal: patience.signal };
    return await untilAborted(handler.probe?.(session, context) ?? Promise.resolve(true), patience.signal);
  } catch {
    return false;
  } finally {
    timer.cancel();
  }
}
