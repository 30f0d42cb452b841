import { startEmbeddedServer } from "./embedded-server.ts";
import type { DemoService } from "./service.ts";

/** The ports that the files in `capabilities/demo` name. */
export const DEMO_PORTS = { mcp: 7788, graphql: 7789, openapi: 7790, grpc: 7792, websocket: 7791 } as const;

export type DemoPorts = Readonly<Record<keyof typeof DEMO_PORTS, number>>;

const ANY: DemoPorts = { mcp: 0, graphql: 0, openapi: 0, websocket: 0, grpc: 0 };

/**
 * Starts one service for each protocol, all about one imaginary project. Where one cannot be started, the others are
 * closed again.
 *
 * @param ports default: any free ones
 */
export async function startServices(ports: DemoPorts = ANY): Promise<DemoService[]> {
  const { startGraphqlService } = await import("./graphql-service.ts");
  const { startGrpcService } = await import("./grpc-service.ts");
  const { startRestService } = await import("./rest-service.ts");
  const starting = await Promise.allSettled([
    mcpService(ports.mcp),
    startGraphqlService({ port: ports.graphql }),
    startRestService({ port: ports.openapi }),
    startGrpcService({ port: ports.grpc }),
    websocketService(ports.websocket),
  ]);
  const failed = starting.find((one) => one.status === "rejected");
  const services = starting.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  if (failed === undefined) return services;
  await closeServices(services);
  throw failed.reason;
}

export async function closeServices(services: readonly DemoService[]): Promise<void> {
  await Promise.all(services.map((service) => service.close()));
}

async function mcpService(port: number): Promise<DemoService> {
  const server = await startEmbeddedServer({ port });
  return {
    provider: "mcp",
    about: "an MCP server with 130 issues",
    url: server.url,
    variable: "CCOS_DEMO_SERVER_URL",
    seen() {
      const { initializes, callsBySession, forgotten, deletes, open } = server.stats();
      return { opened: initializes, callsBySession, forgotten, closed: deletes, open };
    },
    loseSessions: () => server.forgetSessions(),
    close: () => server.close(),
  };
}

async function websocketService(port: number): Promise<DemoService> {
  const { startWebSocketService } = await import("./websocket-service.ts");
  const service = await startWebSocketService({ port });
  return {
    provider: "websocket",
    about: "a WebSocket service that tells of builds as they come",
    url: service.url,
    variable: "CCOS_DEMO_WEBSOCKET_URL",
    seen: () => service.seen(),
    loseSessions: () => service.dropConnections(),
    close: () => service.close(),
  };
}
