import { token, type Contender } from "./contender.ts";

/** UTCP gives the text of a result already taken out of it, and parses it where it is JSON. */
export const utcp: Contender = {
  name: "@utcp/mcp",
  packages: ["@utcp/sdk", "@utcp/mcp"],
  async open(url) {
    const { UtcpClient } = await import("@utcp/sdk");
    const { McpCallTemplateSerializer } = await import("@utcp/mcp");
    const template = new McpCallTemplateSerializer().validateDict({
      name: "bench",
      call_template_type: "mcp",
      config: { mcpServers: { server: { transport: "http", url, headers: { authorization: `Bearer ${token()}` } } } },
    });
    const client = await UtcpClient.create(process.cwd(), { manual_call_templates: [template] });
    return {
      call: async (name, input) => String(await client.callTool(`bench.server.${name}`, { ...input })),
      close: () => client.close() as Promise<void>,
    };
  },
};
