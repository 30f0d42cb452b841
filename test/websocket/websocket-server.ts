import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

import { WebSocketServer, type ServerOptions, type WebSocket } from "ws";

import { driveHandler, capabilityOf, type HandlerDriver } from "../../testing/index.ts";
import type { JsonObject, JsonValue, StreamEvent } from "../../src/kernel/index.ts";
import { createWebSocketHandler, type WebSocketSession } from "../../src/providers/websocket/index.ts";
import type { SessionCapability } from "../../src/session/index.ts";

export interface ServerPlan extends Pick<ServerOptions, "perMessageDeflate" | "handleProtocols"> {
  /** Instead of the switch of protocols. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex) => boolean;
  readonly connected?: (socket: WebSocket, request: IncomingMessage) => void;
  readonly message?: (message: JsonObject, socket: WebSocket, text: string) => void;
}

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: IncomingMessage[];
  readonly sockets: ReadonlySet<WebSocket>;
  /** TCP connections. */
  readonly connections: number;
}

/** A server that does one thing, on a free port of the loopback interface. */
export async function serve(plan: ServerPlan = {}): Promise<TestServer> {
  const requests: IncomingMessage[] = [];
  const connections = new Set<Socket>();
  const server = createServer((_request, response) => response.writeHead(404).end("nothing here"));
  const { perMessageDeflate = false, handleProtocols } = plan;
  const wss = new WebSocketServer({ noServer: true, perMessageDeflate, ...(handleProtocols && { handleProtocols }) });
  server.on("connection", (socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket)).on("error", () => {});
  });
  server.on("upgrade", (request, socket, head) => {
    requests.push(request);
    if (plan.upgrade?.(request, socket) === true) return;
    wss.handleUpgrade(request, socket, head, (ws) => {
      ws.on("error", () => {});
      wss.clients.add(ws);
      ws.on("message", (data: Buffer) => {
        const text = data.toString("utf8");
        plan.message?.(parsed(text), ws, text);
      });
      plan.connected?.(ws, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    sockets: wss.clients,
    get connections() {
      return connections.size;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}

function parsed(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return {};
  }
}

/** A handler driven without a pool, for one block. */
export interface Driven extends AsyncDisposable {
  readonly driver: HandlerDriver<WebSocketSession>;
  readonly capability: SessionCapability;
  open(): ReturnType<HandlerDriver<WebSocketSession>["open"]>;
  /** On a session of its own. */
  call(input?: JsonValue): Promise<JsonValue>;
  stream(input?: JsonValue): AsyncIterable<StreamEvent>;
}

export function drive(block: JsonObject, env: Readonly<Record<string, string>> = {}, openTimeoutMs = 2_000): Driven {
  const driver = driveHandler(createWebSocketHandler({ openTimeoutMs }), { env });
  const capability = capabilityOf("websocket", block);
  return {
    driver,
    capability,
    open: () => driver.open(capability),
    call: async (input = {}) => driver.call(await driver.open(capability), capability, input),
    async *stream(input = {}) {
      yield* driver.stream(await driver.open(capability), capability, input);
    },
    [Symbol.asyncDispose]: () => driver.close(),
  };
}

/** Answers JSON-RPC with what it was given. */
export const echo = (message: JsonObject, socket: WebSocket): void =>
  socket.send(JSON.stringify({ jsonrpc: "2.0", id: message["id"], result: message["params"] ?? null }));
