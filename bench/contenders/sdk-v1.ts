import { textOf, token, type Contender } from "./contender.ts";

/** The official SDK, version 1. */
export const sdkV1: Contender = {
  name: "MCP SDK v1",
  packages: ["@modelcontextprotocol/sdk"],
  async open(url) {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
    const client = new Client({ name: "bench", version: "1.0.0" });
    const requestInit = { headers: { authorization: `Bearer ${token()}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
    return {
      call: async (name, input) => textOf(await client.callTool({ name, arguments: input })),
      close: () => client.close() as Promise<void>,
    };
  },
};
