export { importMcp, type ImportMcpOptions, type ImportResult } from "./mcp.ts";
