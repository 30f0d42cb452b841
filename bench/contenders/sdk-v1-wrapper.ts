import { textOf, token, type Contender } from "./contender.ts";

/** What a careful engineer writes around the SDK in an afternoon: connect once, on first use; on a lost session reconnect, and try again once. */
export const sdkV1Wrapper: Contender = {
  name: "SDK v1 + 20 lines",
  packages: ["@modelcontextprotocol/sdk"],
  async open(url) {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");

    // The 20 lines.
    type Connected = InstanceType<typeof Client>;
    let connected: Promise<Connected> | undefined;
    const connect = async (): Promise<Connected> => {
      const client = new Client({ name: "bench", version: "1.0.0" });
      const requestInit = { headers: { authorization: `Bearer ${token()}` } };
      await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
      return client;
    };
    const call = async (name: string, input: object): Promise<unknown> => {
      const used = (connected ??= connect());
      try {
        return await (await used).callTool({ name, arguments: input });
      } catch (error) {
        if ((error as { code?: unknown }).code !== 404) {
          // A connection that could not be opened must not be remembered.
          used.catch(() => (connected === used ? (connected = undefined) : undefined));
          throw error;
        }
        if (connected === used) connected = connect();
        return await (await (connected ??= connect())).callTool({ name, arguments: input });
      }
    };

    return {
      call: async (name, input) => textOf(await call(name, input)),
      close: async () => (await connected)?.close(),
    };
  },
};
