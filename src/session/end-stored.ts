import { toCcosError, untilAborted } from "../kernel/index.ts";
import type { SessionHandler, Target } from "./handler.ts";
import { sessionContext, type PoolSurroundings } from "./pool-surroundings.ts";

/** Ending one session at its peer may take this long, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** Takes the records of a key out of the store, or the one of this id, and ends their sessions at the peer. Gives their ids. */
export async function endStored(
  around: PoolSurroundings,
  { handler, target, key }: { readonly handler: SessionHandler; readonly target: Target; readonly key: string },
  id: string | undefined,
): Promise<string[]> {
  const ended: string[] = [];
  for (const { record, take } of (await around.directory?.ofKey(key)) ?? []) {
    if ((id !== undefined && record.id !== id) || !(await take())) continue;
    ended.push(record.id);
    const { clock, events, redactor } = around;
    const patience = new AbortController();
    const timer = clock.setTimer(TIMEOUT_MS, () => patience.abort(new Error(`It took longer than ${TIMEOUT_MS} ms.`)));
    try {
      const context = sessionContext(around, patience.signal, () => {});
      const opened = await handler.restore?.(record.snapshot, target, context);
      if (opened === undefined) continue;
      const session = { id: record.id, target, state: opened.state, lost: false };
      await untilAborted(handler.terminateSession(session, context), patience.signal);
    } catch (error) {
      const { code, message } = toCcosError(error);
      events.emit("warning", {
        code,
        message: redactor.redact(`Session ${record.id} did not end cleanly: ${message}`),
      });
    } finally {
      timer.cancel();
    }
  }
  return ended;
}
