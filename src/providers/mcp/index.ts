export { createMcpHandler, MCPSessionHandler, type McpHandlerOptions, type McpSession } from "./handler.ts";
export { describeServer, type OfferKind, type ServerDescription, type ToolDescription } from "./describe.ts";
export type { ServerAddress } from "./server-address.ts";
export { watchServer, type WatchOptions } from "./watch-server.ts";
