import { textOf, token, type Contender } from "./contender.ts";

/** The official SDK, version 2. */
export const clientV2: Contender = {
  name: "MCP SDK v2",
  packages: ["@modelcontextprotocol/client"],
  async open(url) {
    const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
    const client = new Client({ name: "bench", version: "1.0.0" });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(url), { authProvider: { token: () => Promise.resolve(token()) } }),
    );
    return {
      call: async (name, input) => textOf(await client.callTool({ name, arguments: { ...input } })),
      close: () => client.close(),
    };
  },
};
