import { textOf, token, type Contender } from "./contender.ts";

export const mcpUse: Contender = {
  name: "mcp-use",
  packages: ["mcp-use"],
  async open(url) {
    const { MCPClient } = await import("mcp-use/client");
    const client = new MCPClient({ mcpServers: { bench: { url, headers: { authorization: `Bearer ${token()}` } } } });
    const session = await client.createSession("bench");
    return {
      call: async (name, input) => textOf(await session.callTool(name, { ...input })),
      close: () => client.closeAllSessions() as Promise<void>,
    };
  },
};
