/**
 * The cheapest server of MCP there can be, in a process of its own, so that what is measured is the client.
 * It keeps no state, checks nothing, and counts what it sees. Prints its address to its parent.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly arguments?: { readonly key?: string } };
}

const schema = { type: "object", properties: { key: { type: "string" } }, required: ["key"] };
const tools = ["store", "read"].map((name) => ({
  name,
  description: "A tool of the bench's server",
  inputSchema: schema,
}));
const padding = ".".repeat(200);
let sessions = 0;

function answer(response: ServerResponse, id: unknown, result: object): void {
  const body = JSON.stringify({ jsonrpc: "2.0", id, result });
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body);
}

function handle(message: Message, response: ServerResponse): void {
  switch (message.method) {
    case "tools/call":
      answer(response, message.id, {
        content: [{ type: "text", text: `${message.params?.arguments?.key ?? ""} ${padding}` }],
      });
      return;
    case "initialize":
      response.setHeader("mcp-session-id", `session-${++sessions}`);
      answer(response, message.id, {
        protocolVersion: "2025-11-25",
        capabilities: { tools: {} },
        serverInfo: { name: "canned", version: "1.0.0" },
      });
      return;
    case "tools/list":
      answer(response, message.id, { tools });
      return;
    default:
      if (message.id === undefined) response.writeHead(202).end();
      else
        response
          .writeHead(400, { "content-type": "application/json" })
          .end(
            '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}',
          );
  }
}

const server = createServer((request, response) => {
  if (request.method !== "POST") {
    response.writeHead(request.method === "DELETE" ? 200 : 405).end();
    return;
  }
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk: string) => (body += chunk));
  request.on("end", () => handle(JSON.parse(body) as Message, response));
});
server.keepAliveTimeout = 600_000;
server.listen(0, "127.0.0.1", () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` });
});
process.on("disconnect", () => process.exit());
