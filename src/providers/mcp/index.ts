export { createMcpHandler, MCPSessionHandler, type McpHandlerOptions, type McpSession } from "./handler.ts";
export { describeServer, type ServerAddress, type ServerDescription, type ToolDescription } from "./describe.ts";
