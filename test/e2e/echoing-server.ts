import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * A server that repeats whatever it was sent wherever it may say something: in its name, its errors, its refusals, its
 * broken answers. What a tool of it does is told by the tool's name.
 */
export interface EchoingServer extends AsyncDisposable {
  readonly url: string;
  /** Texts of everything it was sent, to be sure that secrets did arrive. */
  readonly heard: string[];
}

export const WAYS_TO_SAY = [
  "error-result",
  "rpc-error",
  "400",
  "401",
  "403",
  "404",
  "429",
  "500",
  "503",
  "redirect",
  "text",
  "broken-json",
  "cut",
] as const;

/** @param sessionId what it gives to every session: a secret of its own */
export async function startEchoingServer(sessionId: string): Promise<EchoingServer> {
  const heard: string[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    // Longer every time, so that whoever cuts it short cuts it somewhere else.
    const said =
      "x".repeat((heard.length * 7) % 300) +
      JSON.stringify({ headers: request.headers, url: request.url, sessionId, body });
    heard.push(said);
    if (request.method !== "POST") return void response.writeHead(500, { "content-type": "text/plain" }).end(said);
    const message = JSON.parse(body) as { id?: unknown; method: string; params?: { name?: string } };
    if (message.id === undefined) return void response.writeHead(202).end();
    const answer = (content: object, headers: Record<string, string> = {}): void =>
      void response
        .writeHead(200, { "content-type": "application/json", ...headers })
        .end(JSON.stringify({ jsonrpc: "2.0", id: message.id, ...content }));
    if (message.method === "initialize") {
      const serverInfo = { name: said.slice(0, 90), version: request.headers.authorization ?? "1" };
      return answer(
        { result: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo } },
        { "mcp-session-id": sessionId },
      );
    }
    if (message.method === "tools/call") return say(message.params?.name ?? "", said, response, answer);
    answer({ error: { code: -32601, message: `Method not found: ${said}` } });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    heard,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function say(way: string, said: string, response: ServerResponse, answer: (content: object) => void): void {
  const text = (status: number, headers: Record<string, string> = {}): void =>
    void response.writeHead(status, { "content-type": "text/plain", ...headers }).end(`${status}: ${said}`);
  switch (way) {
    case "error-result":
      return answer({ result: { content: [{ type: "text", text: said }], isError: true } });
    case "structured":
      return answer({ result: { content: [], structuredContent: { said } } });
    case "rpc-error":
      return answer({ error: { code: -32602, message: said, data: { said } } });
    case "401":
      return text(401, { "www-authenticate": `Bearer error="${encodeURIComponent(said)}"` });
    case "429":
      return text(429, { "retry-after": "600" });
    case "redirect":
      return text(302, { location: `https://elsewhere.example/?said=${encodeURIComponent(said)}` });
    case "text":
      return text(200);
    case "broken-json":
      return void response.writeHead(200, { "content-type": "application/json" }).end(`{"said": ${said}`);
    case "cut":
      return void response.socket?.destroy();
    case "fine":
      return answer({ result: { content: [{ type: "text", text: "fine" }] } });
    default:
      return text(Number(way));
  }
}
