import { fork } from "node:child_process";
import { once } from "node:events";

import { WebSocket } from "ws";

import { loadCcos } from "../contenders/ccos.ts";
import type { ProviderPair } from "./pair.ts";

const TOKEN = "bench-token";

/** A JSON-RPC request and its answer of 250 bytes over one socket, beside the same over a bare socket of `ws`. */
export async function openWebSocket(): Promise<ProviderPair> {
  const server = fork(new URL("./websocket-server.ts", import.meta.url));
  const [url] = (await once(server, "message")) as [string];
  const { createEnvironment } = await loadCcos();
  const env = await createEnvironment({ capabilities: [], config: {}, env: { BENCH_TOKEN: TOKEN } });
  await env.capabilities.load(`
    (capability "bench.read"
      :description "A thing of the bench's service"
      :input-schema [:map [:key :string]]
      :effects [:network]
      :metadata {:websocket {:url "${url}" :method "read" :requires_session "true" :auth_env_var "BENCH_TOKEN"}})`);
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${TOKEN}` }, perMessageDeflate: false });
  await once(socket, "open");
  // What anybody would write who needs answers to many requests at once.
  const waiting = new Map<number, (result: unknown) => void>();
  let lastId = 0;
  socket.on("message", (data: Buffer) => {
    const { id, result } = JSON.parse(data.toString("utf8")) as { id: number; result: unknown };
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  return {
    provider: "websocket",
    library: "ws",
    ours: (key) => env.call("bench.read", { key }),
    direct: (key) =>
      new Promise((resolve) => {
        const id = ++lastId;
        waiting.set(id, resolve);
        socket.send(JSON.stringify({ jsonrpc: "2.0", id, method: "read", params: { key } }));
      }),
    async close() {
      await env.close();
      socket.terminate();
      server.disconnect();
    },
  };
}
