import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export interface ToolServer {
  readonly url: string;
  readonly seen: readonly { readonly method: string; readonly authorization: string | undefined }[];
  /** The number of requests of a JSON-RPC method (or of an HTTP method other than POST). */
  count(method: string): number;
  /** Settles when a request of this method has come. */
  saw(method: string): Promise<void>;
  stop(): Promise<void>;
}

/** What a tool gives; `hang` never answers. */
export type Tool = (input: Record<string, unknown>) => { readonly text: string; readonly isError?: boolean } | "hang";

/** A small MCP server written by hand, with sessions, so that a test sees exactly what the program sends. */
export async function startToolServer(tools: Readonly<Record<string, Tool>>, host = "127.0.0.1"): Promise<ToolServer> {
  const seen: { method: string; authorization: string | undefined }[] = [];
  const waiting: { method: string; resolve: () => void }[] = [];
  const note = (method: string, request: IncomingMessage): void => {
    seen.push({ method, authorization: request.headers.authorization });
    for (const one of waiting) if (one.method === method) one.resolve();
  };
  const http = createServer(async (request, response) => {
    if (request.method !== "POST") {
      note(request.method ?? "", request);
      return void response.writeHead(request.method === "DELETE" ? 200 : 405).end();
    }
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const message = JSON.parse(body) as {
      id?: number | string;
      method: string;
      params?: { name?: string; arguments?: Record<string, unknown> };
    };
    note(message.method, request);
    if (message.id === undefined) return void response.writeHead(202).end();
    const answer = (content: object): void =>
      void response
        .writeHead(200, {
          "content-type": "application/json",
          ...(message.method === "initialize" && { "mcp-session-id": "peer-session-1" }),
        })
        .end(JSON.stringify({ jsonrpc: "2.0", id: message.id, ...content }));
    if (message.method === "initialize") {
      return answer({
        result: {
          protocolVersion: "2025-06-18",
          capabilities: { tools: {} },
          serverInfo: { name: "scripted", version: "1.0" },
        },
      });
    }
    const tool = message.method === "tools/call" ? tools[message.params?.name ?? ""] : undefined;
    if (tool === undefined) return answer({ error: { code: -32601, message: "Method not found" } });
    const result = tool(message.params?.arguments ?? {});
    if (result === "hang") return;
    answer({ result: { content: [{ type: "text", text: result.text }], isError: result.isError === true } });
  }).listen(0, host);
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  const count = (method: string): number => seen.filter((one) => one.method === method).length;
  return {
    url: `http://${host}:${port}/mcp`,
    seen,
    count,
    saw: (method) =>
      count(method) > 0 ? Promise.resolve() : new Promise((resolve) => waiting.push({ method, resolve })),
    async stop() {
      http.close();
      http.closeAllConnections();
      await once(http, "close");
    },
  };
}

/** A capability file of one tool. */
export function toolFile(
  id: string,
  url: string,
  more: { readonly tool?: string; readonly block?: string; readonly form?: string } = {},
): string {
  const tool = more.tool ?? id.slice(id.lastIndexOf(".") + 1);
  return `(capability ${JSON.stringify(id)}
  :description "A tool called ${tool}"
  :metadata {:mcp {:server_url ${JSON.stringify(url)} :tool_name ${JSON.stringify(tool)} :requires_session "auto" ${more.block ?? ""}}}
  :effects [:network]
  ${more.form ?? ""})\n`;
}
