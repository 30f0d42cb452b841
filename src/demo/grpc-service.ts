import { setTimeout as pause } from "node:timers/promises";

import { create, fromBinary, toBinary, type DescMethod } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { createServer, type Socket } from "node:net";

import { answerReflection, BUILDS } from "./grpc-description.ts";

export interface GrpcServiceOptions {
  /** Default 0: any free port. */
  readonly port?: number | undefined;
  /** Accepted bearer tokens. Default: everybody may call. */
  readonly tokens?: readonly string[] | undefined;
}

export interface GrpcService {
  /** `host:port`, as `:target` takes it. */
  readonly target: string;
  stats(): { readonly connections: number; readonly opened: number; readonly calls: number; readonly streams: number };
  /** Closes every connection, as a restart would. */
  dropConnections(): void;
  close(): Promise<void>;
}

type Fields = Record<string, unknown>;
type Stream = grpc.ServerWritableStream<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>;

const { status } = grpc;
const PEOPLE = ["ada", "grace", "linus", "margaret", "dennis"];
const FIRST_DAY = Date.UTC(2025, 0, 6, 12, 0, 0) / 1000;
const ISSUES = 130;

/** The build of an issue's fix: the same one at every start. */
function buildOf(issue: number): Fields {
  const failed = issue % 5 === 0;
  return {
    number: 1_000n + BigInt(issue),
    issue,
    author: PEOPLE[issue % PEOPLE.length],
    state: failed ? 2 : 1,
    finishedAt: { seconds: BigInt(FIRST_DAY + issue * 86_400), nanos: 0 },
    took: { seconds: BigInt(40 + (issue % 30)), nanos: 500_000_000 },
    steps: [
      { name: "compile", ok: true },
      { name: "test", ok: !failed },
    ],
  };
}

/** A gRPC server on this machine with every kind of method, that describes itself. */
export async function startGrpcService(options: GrpcServiceOptions = {}): Promise<GrpcService> {
  const server = new grpc.Server();
  const seen = { opened: 0, calls: 0, streams: 0 };
  const same = (bytes: Buffer): Buffer => bytes;
  const method = (name: string): DescMethod => BUILDS.methods.find((one) => one.name === name) as DescMethod;
  const encode = (name: string, value: Fields): Buffer => {
    const { output } = method(name);
    return Buffer.from(toBinary(output, create(output, value as never)));
  };
  const decode = (name: string, bytes: Buffer): Fields => fromBinary(method(name).input, bytes) as unknown as Fields;
  const add = <T>(
    name: string,
    type: string,
    handle: (call: T, callback: grpc.sendUnaryData<Buffer>) => void,
  ): void => {
    const path = name.startsWith("/") ? name : `/${BUILDS.typeName}/${name}`;
    const guarded = (call: T & { metadata: grpc.Metadata }, callback: grpc.sendUnaryData<Buffer>): void => {
      const refusal = refusalOf(call.metadata, options.tokens);
      if (refusal === undefined) handle(call, callback);
      else if (type === "unary" || type === "clientStream") callback(refusal);
      else (call as unknown as Stream).destroy(Object.assign(new Error(refusal.details), refusal));
    };
    server.register(path, guarded as never, same, same, type);
  };

  add<grpc.ServerUnaryCall<Buffer, Buffer>>("GetBuild", "unary", (call, callback) => {
    seen.calls++;
    const issue = Number(decode("GetBuild", call.request)["issue"]);
    if (issue >= 1 && issue <= ISSUES) callback(null, encode("GetBuild", buildOf(issue)));
    else callback({ code: status.NOT_FOUND, details: `there is no build for issue ${issue}` });
  });
  add<grpc.ServerWritableStream<Buffer, Buffer>>("ListBuilds", "serverStream", (call) => {
    seen.calls++;
    void list(call, decode("ListBuilds", call.request), (build) => encode("ListBuilds", build), seen);
  });
  add<grpc.ServerReadableStream<Buffer, Buffer>>("Report", "clientStream", (call, callback) => {
    seen.calls++;
    let [steps, failed] = [0, 0];
    call.on("data", (bytes: Buffer) => {
      steps++;
      if (decode("Report", bytes)["ok"] !== true) failed++;
    });
    call.on("end", () => callback(null, encode("Report", { steps, failed })));
  });
  add<grpc.ServerDuplexStream<Buffer, Buffer>>("Run", "bidi", (call) => {
    seen.calls++;
    seen.streams++;
    call.on("close", () => seen.streams--);
    call.on("data", (bytes: Buffer) => call.write(encode("Run", { ...decode("Run", bytes), ok: true })));
    call.on("end", () => call.end());
  });
  for (const version of ["v1", "v1alpha"]) {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    add<grpc.ServerDuplexStream<Buffer, Buffer>>(path, "bidi", (call) => {
      call.on("data", (bytes: Buffer) => call.write(answerReflection(bytes)));
      call.on("end", () => call.end());
    });
  }

  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    seen.opened++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
    injector.injectConnection(socket);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject).listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = listener.address() as { port: number };
  return {
    target: `127.0.0.1:${port}`,
    stats: () => ({ connections: sockets.size, ...seen }),
    dropConnections: () => sockets.forEach((socket) => socket.destroy()),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
      server.forceShutdown();
    },
  };
}

function refusalOf(
  metadata: grpc.Metadata,
  tokens: readonly string[] | undefined,
): { code: number; details: string } | undefined {
  const [header] = metadata.get("authorization");
  if (tokens === undefined || tokens.some((token) => header === `Bearer ${token}`)) return undefined;
  return { code: status.UNAUTHENTICATED, details: "a bearer token is needed" };
}

async function list(
  call: grpc.ServerWritableStream<Buffer, Buffer>,
  { author, limit, intervalMs }: Fields,
  encode: (build: Fields) => Buffer,
  seen: { streams: number },
): Promise<void> {
  seen.streams++;
  const left = new AbortController();
  for (const event of ["cancelled", "close", "error"]) call.on(event, () => left.abort());
  const { signal } = left;
  let sent = 0;
  for (let issue = ISSUES; issue >= 1 && !signal.aborted && (Number(limit) === 0 || sent < Number(limit)); issue--) {
    const build = buildOf(issue);
    if (author !== "" && build["author"] !== author) continue;
    sent++;
    const isTaken = call.write(encode(build));
    if (!isTaken)
      await new Promise<void>((resolve) => {
        call.once("drain", resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    if (Number(intervalMs) > 0) await pause(Number(intervalMs), undefined, { signal }).catch(() => {});
  }
  seen.streams--;
  call.end();
}
