import type { Clock, Timer } from "../../kernel/index.ts";
import type { Connection } from "./connection.ts";
import { renderRequest } from "./request.ts";
import type { Heartbeat } from "./wire.ts";

/** Keeps a connection warm and finds out when its peer is gone without a word. Stops by itself when it has ended. */
export function startHeartbeat(
  connection: Connection,
  { intervalMs, timeoutMs, request, answered }: Heartbeat,
  clock: Clock,
): void {
  let heard = connection.received;
  let timer: Timer | undefined;

  const beat = (): void => {
    if (request === undefined) {
      connection.ping();
      return;
    }
    const { correlation } = connection.wire;
    const message = (id: number | string | undefined) =>
      renderRequest(request, correlation, { input: null, values: { $login: connection.login } }, id, "the heartbeat");
    // Whether it is answered well or not: that something comes is what counts.
    connection.ask({ message, answered, operation: "the heartbeat" }).catch(() => {});
  };

  const check = (): void => {
    if (!connection.isOpen) return;
    if (connection.received === heard && !connection.isPaused) {
      connection.abandon(`nothing came within ${timeoutMs} ms of a heartbeat`);
      return;
    }
    // What answered the heartbeat is no sign of life for the next one.
    heard = connection.received;
    wait(Math.max(1, intervalMs - timeoutMs), tick);
  };

  const tick = (): void => {
    if (!connection.isOpen) return;
    // Where we have stopped reading ourselves, silence says nothing. A ping is for silence only.
    if (connection.isPaused || (request === undefined && connection.received !== heard)) {
      heard = connection.received;
      wait(intervalMs, tick);
      return;
    }
    heard = connection.received;
    beat();
    wait(timeoutMs, check);
  };

  const wait = (ms: number, then: () => void): void => {
    timer = clock.setTimer(ms, then, { background: true });
  };
  connection.onEnd(() => timer?.cancel());
  wait(intervalMs, tick);
}
