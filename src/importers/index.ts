import type { ImportGraphqlOptions } from "./graphql.ts";
import type { ImportGrpcOptions } from "./grpc.ts";
import type { ImportMcpOptions, WatchMcpOptions } from "./mcp.ts";
import type { ImportOpenApiOptions } from "./openapi.ts";
import type { ImportResult } from "./declaration.ts";

export type { ImportOptions, ImportResult, NotImported } from "./declaration.ts";
export type { ImportGraphqlOptions } from "./graphql.ts";
export type { ImportGrpcOptions } from "./grpc.ts";
export type { ImportMcpOptions, WatchMcpOptions } from "./mcp.ts";
export type { ImportOpenApiOptions } from "./openapi.ts";

// Each kind of import is loaded when it is asked for: a program that imports nothing pays for none.

/** Lists the tools, resources and prompts of an MCP server and writes them down as capability files. */
export async function importMcp(options: ImportMcpOptions): Promise<ImportResult> {
  return (await import("./mcp.ts")).importMcp(options);
}

/**
 * Imports now and whenever the server says that its offer has changed, until the signal aborts. Throws what the first
 * import throws, and `rejected` where the server tells of no changes; what fails later is told, and tried again.
 */
export async function watchMcp(options: WatchMcpOptions): Promise<void> {
  return (await import("./mcp.ts")).watchMcp(options);
}

/** Writes a capability file for each operation of an OpenAPI description. */
export async function importOpenApi(options: ImportOpenApiOptions): Promise<ImportResult> {
  return (await import("./openapi.ts")).importOpenApi(options);
}

/** Writes a capability file for each method of gRPC services. */
export async function importGrpc(options: ImportGrpcOptions): Promise<ImportResult> {
  return (await import("./grpc.ts")).importGrpc(options);
}

/** Writes a capability file for each query, mutation and subscription of a GraphQL service. */
export async function importGraphql(options: ImportGraphqlOptions): Promise<ImportResult> {
  return (await import("./graphql.ts")).importGraphql(options);
}
