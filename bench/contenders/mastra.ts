import { textOf, token, type Contender } from "./contender.ts";

let count = 0;

export const mastra: Contender = {
  name: "@mastra/mcp",
  packages: ["@mastra/mcp", "@mastra/core"],
  async open(url) {
    const { MCPClient } = await import("@mastra/mcp");
    const client = new MCPClient({
      id: `bench-${++count}`,
      servers: { bench: { url: new URL(url), requestInit: { headers: { authorization: `Bearer ${token()}` } } } },
    });
    const tools = await client.listTools();
    return {
      call: async (name, input) => textOf(await tools[`bench_${name}`].execute({ ...input }, {})),
      close: () => client.disconnect() as Promise<void>,
    };
  },
};
