import { PROVIDER as GRAPHQL, TRAITS as GRAPHQL_TRAITS } from "./providers/graphql/traits.ts";
import { PROVIDER as GRPC, TRAITS as GRPC_TRAITS } from "./providers/grpc/traits.ts";
import { PROVIDER as MCP, TRAITS as MCP_TRAITS } from "./providers/mcp/traits.ts";
import { PROVIDER as OPENAPI, TRAITS as OPENAPI_TRAITS } from "./providers/openapi/traits.ts";
import { PROVIDER as WEBSOCKET, TRAITS as WEBSOCKET_TRAITS } from "./providers/websocket/traits.ts";
import type { HandlerTraits, SessionHandler } from "./session/index.ts";

export interface BuiltInOptions {
  /** The wall clock. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Where sign-ins of this user are kept. Default: nowhere, and nobody can sign in. */
  readonly signInFolder?: string | undefined;
}

/** A provider that comes with the package: what files need to know of it, and the way to the rest. */
export interface BuiltInHandler {
  readonly provider: string;
  readonly traits: HandlerTraits;
  readonly load: (options?: BuiltInOptions) => Promise<SessionHandler>;
}

/** Whoever reads capability files pays for none of the protocols; the first call of one loads its handler. */
export const BUILT_IN_HANDLERS: readonly BuiltInHandler[] = [
  {
    provider: MCP,
    traits: MCP_TRAITS,
    load: async (options) => (await import("./providers/mcp/index.ts")).createMcpHandler(options),
  },
  {
    provider: GRAPHQL,
    traits: GRAPHQL_TRAITS,
    load: async () => (await import("./providers/graphql/index.ts")).createGraphqlHandler(),
  },
  {
    provider: GRPC,
    traits: GRPC_TRAITS,
    load: async () => (await import("./providers/grpc/index.ts")).createGrpcHandler(),
  },
  {
    provider: OPENAPI,
    traits: OPENAPI_TRAITS,
    load: async () => (await import("./providers/openapi/index.ts")).createOpenApiHandler(),
  },
  {
    provider: WEBSOCKET,
    traits: WEBSOCKET_TRAITS,
    load: async (options) => (await import("./providers/websocket/index.ts")).createWebSocketHandler(options),
  },
];
