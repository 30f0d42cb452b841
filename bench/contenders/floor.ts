import { Agent } from "undici";

import { token, type Contender } from "./contender.ts";

/** One POST a call on a warm session, and nothing else: no validation, no recovery. A floor, and no competitor. */
export const floor: Contender = {
  name: "floor (undici)",
  packages: ["undici"],
  async open(url) {
    const { origin, pathname } = new URL(url);
    const dispatcher = new Agent({ connections: 256, pipelining: 1 });
    const headers: Record<string, string> = {
      accept: "application/json, text/event-stream",
      authorization: `Bearer ${token()}`,
      "content-type": "application/json",
      "mcp-protocol-version": "2025-11-25",
    };
    const post = async (body: object): Promise<{ text: string; sessionId: unknown }> => {
      const response = await dispatcher.request({
        origin,
        path: pathname,
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      const text = await response.body.text();
      if (response.statusCode >= 300) throw new Error(`HTTP ${response.statusCode}`);
      return { text, sessionId: response.headers["mcp-session-id"] };
    };
    const clientInfo = { name: "floor", version: "1" };
    const { sessionId } = await post({
      jsonrpc: "2.0",
      id: 0,
      method: "initialize",
      params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo },
    });
    headers["mcp-session-id"] = String(sessionId);
    await post({ jsonrpc: "2.0", method: "notifications/initialized" });
    let id = 0;
    return {
      async call(name, input) {
        const { text } = await post({
          jsonrpc: "2.0",
          id: ++id,
          method: "tools/call",
          params: { name, arguments: input },
        });
        return (JSON.parse(text) as { result: { content: [{ text: string }] } }).result.content[0].text;
      },
      close: () => dispatcher.close(),
    };
  },
};
