import { describe, expect, test } from "vitest";

import { bedOf, type Bed } from "../../../test/websocket/fake-socket.ts";
import { startHeartbeat } from "./heartbeat.ts";
import type { Heartbeat } from "./wire.ts";

function beating(block: Parameters<typeof bedOf>[0]): Bed {
  const bed = bedOf(block);
  startHeartbeat(bed.connection, bed.settings.wire.heartbeat as Heartbeat, bed.clock);
  return bed;
}

const SETTINGS = { interval_ms: 1000, timeout_ms: 100 };

describe("a heartbeat", () => {
  test("pings where nothing has come for an interval, and is content with any answer", async () => {
    const { socket, clock, connection } = beating({ method: "m", heartbeat: SETTINGS });
    await clock.advance(1000);
    expect(socket.pings).toBe(1);
    socket.emit("pong");
    await clock.advance(100);
    expect(connection.isOpen).toBe(true);
    await clock.advance(900);
    expect(socket.pings).toBe(2);
  });

  test("does not ping where messages come anyway", async () => {
    const { socket, clock } = beating({ method: "m", heartbeat: SETTINGS });
    for (let n = 0; n < 5; n++) {
      await clock.advance(500);
      socket.say({ jsonrpc: "2.0", method: "tick" });
    }
    expect(socket.pings).toBe(0);
  });

  test("finds out that a peer is gone without a word: what was sent may have run", async () => {
    const { clock, connection, lost, ask } = beating({ method: "m", heartbeat: SETTINGS });
    const call = ask().catch((error: unknown) => error);
    await clock.advance(1099);
    expect(connection.isOpen).toBe(true);
    await clock.advance(1);
    expect(connection.isOpen).toBe(false);
    expect(await call).toMatchObject({ failure: { kind: "closed", sent: true } });
    expect(lost).toEqual(["nothing came within 100 ms of a heartbeat"]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("says nothing of a peer that we ourselves do not read from", async () => {
    const { socket, clock, connection } = beating({ method: "m", heartbeat: SETTINGS });
    socket.pause();
    await clock.advance(10_000);
    expect(connection.isOpen).toBe(true);
    expect(socket.pings).toBe(0);
    socket.resume();
    await clock.advance(1000);
    expect(socket.pings).toBe(1);
  });

  test("may be a message of the application, sent whether or not anything comes", async () => {
    const { socket, clock, connection } = beating({
      correlate: { id_path: "id" },
      message: {},
      heartbeat: { ...SETTINGS, message: { op: "ping" } },
    });
    socket.say({ event: 1 });
    await clock.advance(1000);
    expect(socket.last).toEqual({ op: "ping", id: 1 });
    socket.say({ id: 1, op: "pong" });
    await clock.advance(1000);
    expect(socket.sent).toHaveLength(2);
    expect(connection.isOpen).toBe(true);
    await clock.advance(100);
    expect(connection.isOpen).toBe(false);
  });

  test("is on without being declared, and can be switched off", () => {
    expect(bedOf({ method: "m" }).settings.wire.heartbeat).toMatchObject({ intervalMs: 30_000, timeoutMs: 10_000 });
    expect(bedOf({ method: "m", heartbeat: false }).settings.wire.heartbeat).toBeUndefined();
  });

  test("ends with the connection", async () => {
    const { clock, connection } = beating({ method: "m", heartbeat: SETTINGS });
    await connection.close(new AbortController().signal);
    expect(clock.pendingTimers).toBe(0);
  });
});
