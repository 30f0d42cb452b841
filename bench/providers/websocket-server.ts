/** The cheapest JSON-RPC service over a WebSocket there can be, in a process of its own, so that what is measured is the client. */
import type { AddressInfo } from "node:net";

import { WebSocketServer } from "ws";

const padding = ".".repeat(200);

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
server.on("listening", () => process.send?.(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`));
server.on("connection", (socket) => {
  socket.on("message", (data: Buffer) => {
    const { id, params } = JSON.parse(data.toString("utf8")) as { id: number; params: { key: string } };
    socket.send(JSON.stringify({ jsonrpc: "2.0", id, result: { key: params.key, padding } }));
  });
});
process.on("disconnect", () => process.exit());
