// The peers are installed only for a measurement: the repository type-checks without them.
declare module "@ai-sdk/mcp";
declare module "@mastra/mcp";
declare module "@modelcontextprotocol/sdk/client/index.js";
declare module "@modelcontextprotocol/sdk/client/streamableHttp.js";
declare module "@utcp/mcp";
declare module "@utcp/sdk";
declare module "mcp-use/client";
declare module "mcporter";
