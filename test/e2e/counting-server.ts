/**
 * An MCP server in a process of its own, for tests that kill it. Every handshake and every execution is
 * appended to a file before it is answered, so that what ran before a kill is known after it.
 *
 * Arguments: port, file, calls after which a session is forgotten.
 */
import { appendFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

const [port = "0", file = "", forgetAfter = "50"] = process.argv.slice(2);
const sessions = new Map<string, number>();
let opened = 0;

const answer = (
  response: ServerResponse,
  status: number,
  body?: object,
  headers: Record<string, string> = {},
): void => {
  response.writeHead(status, body === undefined ? headers : { "content-type": "application/json", ...headers });
  response.end(body === undefined ? undefined : JSON.stringify({ jsonrpc: "2.0", ...body }));
};

const handle = (request: IncomingMessage, response: ServerResponse, text: string): void => {
  if (request.method !== "POST") return answer(response, 405);
  const { id, method, params } = JSON.parse(text) as {
    id?: string;
    method: string;
    params?: { arguments?: { n?: number } };
  };
  if (method === "initialize") {
    const session = `${process.pid}-${++opened}`;
    sessions.set(session, 0);
    appendFileSync(file, "initialize\n");
    const result = {
      protocolVersion: "2025-11-25",
      capabilities: { tools: {} },
      serverInfo: { name: "counting", version: "1" },
    };
    return answer(response, 200, { id, result }, { "mcp-session-id": session });
  }
  if (method.startsWith("notifications/")) return answer(response, 202);
  if (method !== "tools/call")
    return answer(response, 200, { id, error: { code: -32601, message: "Method not found" } });
  const session = String(request.headers["mcp-session-id"] ?? "");
  const served = sessions.get(session);
  if (served === undefined) return answer(response, 404, { id, error: { code: -32001, message: "Session not found" } });
  appendFileSync(file, `${params?.arguments?.n}\n`);
  if (served + 1 >= Number(forgetAfter)) {
    sessions.delete(session);
    appendFileSync(file, "forgotten\n");
  } else sessions.set(session, served + 1);
  answer(response, 200, { id, result: { content: [{ type: "text", text: String(params?.arguments?.n) }] } });
};

createServer((request, response) => {
  let text = "";
  request.setEncoding("utf8");
  request.on("data", (chunk: string) => (text += chunk));
  request.on("end", () => handle(request, response, text));
}).listen(Number(port), "127.0.0.1", function (this: { address(): unknown }) {
  process.stdout.write(`${(this.address() as { port: number }).port}\n`);
});
