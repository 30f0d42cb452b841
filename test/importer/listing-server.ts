import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface ListingServer {
  readonly url: string;
  /** The authorization headers of the requests, in order. */
  readonly authorizations: (string | undefined)[];
  /** What it lists from now on. */
  tools: readonly object[];
  stop(): Promise<void>;
}

/** A hand-made MCP server that lists whatever it is told, also what no library would let pass. */
export async function startListingServer(serverName: unknown, tools: readonly object[]): Promise<ListingServer> {
  const authorizations: (string | undefined)[] = [];
  const http = createServer(async (request, response) => {
    authorizations.push(request.headers.authorization);
    if (request.method !== "POST") return void response.writeHead(405).end();
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { id, method } = JSON.parse(body) as { id?: string | number; method: string };
    if (id === undefined) return void response.writeHead(202).end();
    const results: Record<string, object> = {
      initialize: {
        protocolVersion: "2025-06-18",
        capabilities: { tools: {} },
        serverInfo: { name: serverName, version: "1.0" },
      },
      "tools/list": { tools: server.tools },
    };
    const result = results[method];
    const answer = result === undefined ? { error: { code: -32601, message: "Method not found" } } : { result };
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
  }).listen(0, "127.0.0.1");
  await once(http, "listening");
  const server: ListingServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    authorizations,
    tools,
    async stop() {
      http.close();
      http.closeAllConnections();
      await once(http, "close");
    },
  };
  return server;
}
