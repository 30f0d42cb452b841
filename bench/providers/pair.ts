/** One warm call in both ways: by this package, and by the library that its provider is made with, asked for the same. */
export interface ProviderPair {
  readonly provider: string;
  /** What it is compared with. */
  readonly library: string;
  /** Both give back what the service made of the key, which the bench compares. */
  ours(key: string): Promise<unknown>;
  direct(key: string): Promise<unknown>;
  close(): Promise<void>;
}

/** Each provider's pair, loaded when it is measured. */
export const pairs: Readonly<Record<string, () => Promise<ProviderPair>>> = {
  mcp: async () => (await import("./mcp.ts")).openMcp(),
  graphql: async () => (await import("./graphql.ts")).openGraphql(),
  openapi: async () => (await import("./openapi.ts")).openOpenApi(),
  grpc: async () => (await import("./grpc.ts")).openGrpc(),
  websocket: async () => (await import("./websocket.ts")).openWebSocket(),
};
