import { CcosError, toCcosError, untilAborted } from "../kernel/index.ts";
import { sessionContext, type PoolOptions } from "./pool-surroundings.ts";
import type { PooledSession } from "./pooled-session.ts";

/** Ending a session at the peer may take this long before it is given up. */
const TERMINATE_TIMEOUT_MS = 5_000;

/** Ends a session at its peer, unless it goes on elsewhere. Never rejects: what goes wrong is told as a warning. */
export async function endSession(around: PoolOptions, session: PooledSession, reason: string): Promise<void> {
  session.status = "closing";
  const patience = new AbortController();
  const timer = around.clock.setTimer(TERMINATE_TIMEOUT_MS, () =>
    patience.abort(new CcosError("unavailable", `The peer did not end it within ${TERMINATE_TIMEOUT_MS} ms.`)),
  );
  try {
    const context = sessionContext(around, patience.signal, () => {});
    const { id, target, state } = session;
    // One that goes on elsewhere is let go of here like one that its peer has lost: nothing is said to the peer.
    const goesOn = (await session.parting) === true;
    const ending = goesOn ? { id, target, state, lost: true } : session;
    await untilAborted(around.handler.terminateSession(ending, context), patience.signal);
  } catch (error) {
    const { code, message } = toCcosError(error);
    around.events.emit("warning", {
      code,
      message: around.redactor.redact(`Session ${session.id} did not end cleanly: ${message}`),
    });
  } finally {
    timer.cancel();
    session.status = "closed";
    around.events.emit("sessionClosed", { ...session.describe(), reason, calls: session.calls });
  }
}
