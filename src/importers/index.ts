import type { ImportGraphqlOptions } from "./graphql.ts";
import type { ImportGrpcOptions } from "./grpc.ts";
import type { ImportMcpOptions } from "./mcp.ts";
import type { ImportOpenApiOptions } from "./openapi.ts";
import type { ImportResult } from "./declaration.ts";

export type { ImportOptions, ImportResult, NotImported } from "./declaration.ts";
export type { ImportGraphqlOptions } from "./graphql.ts";
export type { ImportGrpcOptions } from "./grpc.ts";
export type { ImportMcpOptions } from "./mcp.ts";
export type { ImportOpenApiOptions } from "./openapi.ts";

// Each kind of import is loaded when it is asked for: a program that imports nothing pays for none.

/** Lists the tools of an MCP server and writes them down as capability files. */
export async function importMcp(options: ImportMcpOptions): Promise<ImportResult> {
  return (await import("./mcp.ts")).importMcp(options);
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
