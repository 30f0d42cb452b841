import { createServer, type AddressInfo, type Socket } from "node:net";
import {
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import protobuf from "protobufjs";
import { addReflection } from "./grpc-reflection.ts";
import { SessionLedger, type DemoService } from "./service.ts";

const PROTO = `
  syntax = "proto3";
  package ccos.demo.v1;
  service Planner {
    rpc Estimate(EstimateRequest) returns (EstimateReply);
    rpc Plan(PlanRequest) returns (stream Day);
  }
  message EstimateRequest { int32 issue = 1; }
  message EstimateReply { int32 issue = 1; int32 hours = 2; string confidence = 3; }
  message PlanRequest { repeated int32 issues = 1; }
  message Day { int32 day = 1; repeated int32 issues = 2; int32 hours = 3; }
`;
const SERVICE = "ccos.demo.v1.Planner";
const HOURS_A_DAY = 8;

/** How long an issue will take: the same at every start. */
export function estimateOf(issue: number): {
  readonly issue: number;
  readonly hours: number;
  readonly confidence: string;
} {
  return { issue, hours: 1 + ((issue * 5) % 6), confidence: issue % 3 === 0 ? "low" : "high" };
}

/**
 * A gRPC service that estimates issues and plans them, and describes itself. Its sessions are connections.
 *
 * @param port default 0: any free one
 */
export async function startGrpcService({ port = 0 }: { readonly port?: number } = {}): Promise<DemoService> {
  const { root } = protobuf.parse(PROTO);
  const server = new Server();
  const ledger = new SessionLedger<string>();
  const sockets = new Set<Socket>();
  const writing = (type: string) => {
    const Type = root.lookupType(type);
    return (message: object): Buffer => Buffer.from(Type.encode(Type.fromObject(message)).finish());
  };
  const reading = <T>(type: string) => {
    const Type = root.lookupType(type);
    return (bytes: Buffer): T => Type.toObject(Type.decode(bytes), { defaults: true }) as T;
  };
  server.register(
    `/${SERVICE}/Estimate`,
    (call: ServerUnaryCall<{ issue: number }, object>, callback: sendUnaryData<object>) => {
      ledger.count(call.getPeer());
      callback(null, estimateOf(call.request.issue));
    },
    writing("EstimateReply"),
    reading("EstimateRequest"),
    "unary",
  );
  server.register(
    `/${SERVICE}/Plan`,
    (call: ServerWritableStream<{ issues: number[] }, object>) => {
      ledger.count(call.getPeer());
      for (const day of daysOf(call.request.issues)) call.write(day);
      call.end();
    },
    writing("Day"),
    reading("PlanRequest"),
    "serverStream",
  );
  addReflection(server, root, [SERVICE]);

  // Connections of our own making, so that they can be counted, and cut.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = createServer((socket) => {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    sockets.add(socket);
    ledger.open(peer);
    socket.on("close", () => {
      sockets.delete(socket);
      ledger.close(peer);
    });
    socket.on("error", () => {});
    injector.injectConnection(socket);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(port, "127.0.0.1", resolve);
  });
  return {
    provider: "grpc",
    about: "a gRPC service with estimates, which describes itself by reflection",
    url: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    variable: "CCOS_DEMO_GRPC_TARGET",
    seen: () => ledger.seen(),
    loseSessions() {
      ledger.forgetAll();
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
      server.forceShutdown();
    },
  };
}

/** Issues in the order given, as many a day as fit into it. */
function daysOf(issues: readonly number[]): { day: number; issues: number[]; hours: number }[] {
  const days: { day: number; issues: number[]; hours: number }[] = [];
  for (const issue of issues) {
    const { hours } = estimateOf(issue);
    let today = days.at(-1);
    if (today === undefined || today.hours + hours > HOURS_A_DAY)
      days.push((today = { day: days.length + 1, issues: [], hours: 0 }));
    today.issues.push(issue);
    today.hours += hours;
  }
  return days;
}
