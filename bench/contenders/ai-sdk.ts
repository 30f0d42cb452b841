import { textOf, token, type Contender } from "./contender.ts";

export const aiSdk: Contender = {
  name: "@ai-sdk/mcp",
  packages: ["@ai-sdk/mcp"],
  async open(url) {
    const { createMCPClient } = await import("@ai-sdk/mcp");
    const client = await createMCPClient({
      transport: { type: "http", url, headers: { authorization: `Bearer ${token()}` } },
    });
    return {
      call: async (name, input) => textOf(await client.callTool({ name, arguments: { ...input } })),
      close: () => client.close() as Promise<void>,
    };
  },
};
