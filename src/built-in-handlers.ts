import { createGraphqlHandler } from "./providers/graphql/index.ts";
import { createGrpcHandler } from "./providers/grpc/index.ts";
import { createMcpHandler } from "./providers/mcp/index.ts";
import { createWebSocketHandler } from "./providers/websocket/index.ts";
import { createOpenApiHandler } from "./providers/openapi/index.ts";
import type { SessionHandler } from "./session/index.ts";

export interface BuiltInOptions {
  /** The wall clock. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Where sign-ins of this user are kept. Default: nowhere, and nobody can sign in. */
  readonly signInFolder?: string | undefined;
}

/**
 * The handlers that come with the package, new ones for each environment. Each is light to make: what its protocol
 * needs is loaded with its first session.
 */
export function createBuiltInHandlers(options: BuiltInOptions = {}): SessionHandler[] {
  return [
    createMcpHandler(options),
    createGraphqlHandler(),
    createGrpcHandler(),
    createOpenApiHandler(),
    createWebSocketHandler(options),
  ];
}
