import { EventEmitter } from "node:events";

import type { WebSocket } from "ws";

import { capabilityOf, createFakeClock, type FakeClock } from "../../testing/index.ts";
import { CcosError, type JsonObject, type JsonValue } from "../../src/kernel/index.ts";
import type { SessionCall, Target } from "../../src/session/handler.ts";
import { Connection } from "../../src/providers/websocket/connection.ts";
import { readTarget, type WebSocketSettings } from "../../src/providers/websocket/target.ts";

/** A socket that a test plays the peer of. For tests. */
export class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readonly CLOSED = 3;
  readyState = 1;
  isPaused = false;
  bufferedAmount = 0;
  pings = 0;
  readonly sent: JsonValue[] = [];
  readonly #callbacks: ((error?: Error) => void)[] = [];
  /** Messages stay in the buffer until `flush`. */
  stuffed = false;

  send(data: string | Buffer, done: (error?: Error) => void): void {
    this.sent.push(typeof data === "string" ? (JSON.parse(data) as JsonValue) : data.toString("base64"));
    if (this.stuffed) {
      this.bufferedAmount += data.length;
      this.#callbacks.push(done);
    } else queueMicrotask(done);
  }
  flush(): void {
    this.bufferedAmount = 0;
    for (const done of this.#callbacks.splice(0)) done();
  }
  ping(): void {
    this.pings++;
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  close(code = 1000): void {
    this.end(code);
  }
  terminate(): void {
    this.end(1006);
  }

  /** The peer says something. */
  say(message: JsonValue): void {
    this.emit("message", Buffer.from(JSON.stringify(message)), false);
  }
  end(code: number, reason = ""): void {
    if (this.readyState === this.CLOSED) return;
    this.readyState = this.CLOSED;
    this.emit("close", code, Buffer.from(reason));
  }
  /** What was sent last. */
  get last(): JsonObject {
    return this.sent.at(-1) as JsonObject;
  }
}

export interface Bed {
  readonly socket: FakeSocket;
  readonly clock: FakeClock;
  readonly connection: Connection;
  readonly target: Target;
  readonly settings: WebSocketSettings;
  readonly lost: string[];
  readonly warnings: string[];
  /** A call of the capability. */
  call(input?: JsonValue, more?: Partial<SessionCall>): SessionCall;
  /** One of the connection's requests. */
  ask(input?: JsonValue, signal?: AbortSignal): Promise<JsonValue>;
}

/** The target that a block makes. */
export function targetOf(block: JsonObject, env: Readonly<Record<string, string>> = {}): Target {
  return readTarget(capabilityOf("websocket", { url: "ws://127.0.0.1:1/", ...block }), {
    variable: (name) => env[name],
    secret: (name) => env[name],
    authorizeEndpoint() {},
    authorizeCommand() {},
    endpointSettings: () => ({}),
  });
}

/** A connection over a socket that the test holds. */
export function bedOf(block: JsonObject): Bed {
  const target = targetOf(block);
  const settings = target.settings as WebSocketSettings;
  const socket = new FakeSocket();
  const clock = createFakeClock();
  const lost: string[] = [];
  const warnings: string[] = [];
  const connection = new Connection(socket as unknown as WebSocket, {
    wire: settings.wire,
    clock,
    lost: (reason) => lost.push(reason),
    warn: (message) => warnings.push(message),
    endpoint: target.endpoint,
  });
  connection.ready();
  const never = new AbortController().signal;
  const capability = capabilityOf("websocket", block);
  return {
    socket,
    clock,
    connection,
    target,
    settings,
    lost,
    warnings,
    call: (input = {}, more = {}) => ({
      capability,
      target,
      input,
      signal: never,
      remainingMs: () => Infinity,
      attempt: 1,
      sent() {},
      ...more,
    }),
    ask: (input = {}, signal = never) =>
      connection.ask({ message: (id) => ({ id: id ?? null, input }), answered: true, operation: "test", signal }),
  };
}

/** The reason with which a caller gives a call up. */
export const canceled = (): CcosError => new CcosError("canceled", "No more.");
