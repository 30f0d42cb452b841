import { createServer, type Server as TcpServer, type Socket } from "node:net";
import { join } from "node:path";

import { create, fromBinary, toBinary, type DescMethod, type Message } from "@bufbuild/protobuf";
import { anyPack, DurationSchema, FileDescriptorProtoSchema, type FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";

import { errorMessage, reflectionMessage } from "../../src/providers/grpc/known-types.ts";
import { buildRegistry } from "../../src/providers/grpc/registry.ts";
import { readProtoFiles } from "../../src/providers/grpc/read-proto-files.ts";

export const PROTO_FOLDER = join(import.meta.dirname, "protos");
export const SHOP_PROTO = join(PROTO_FOLDER, "shop.proto");

export type Fields = Record<string, unknown>;
export type Shop = Awaited<ReturnType<typeof startShop>>;

export interface ShopDials {
  /** Who may call; undefined: everybody. */
  tokens: string[] | undefined;
  /** Versions of reflection that are offered. */
  reflection: ("v1" | "v1alpha")[];
  /** Files of the description are given one at a time, without those they depend on. */
  lazyReflection: boolean;
  hangsReflecting: boolean;
  /** What a call does instead of answering; undefined: what it should. */
  fault: ((call: ShopCall) => boolean) | undefined;
}

export interface ShopCall {
  readonly method: string;
  readonly request: Fields;
  readonly metadata: grpc.Metadata;
  readonly deadline: grpc.Deadline;
  answer(error: Partial<grpc.StatusObject> | null, reply?: Buffer): void;
  /** Cuts the connection. */
  cut(): void;
}

const { status } = grpc;

/** A gRPC server that a test steers: every kind of method, reflection, faults. It counts what it sees. */
export async function startShop(dials: Partial<ShopDials> & { credentials?: grpc.ServerCredentials } = {}) {
  const read = await readProtoFiles([SHOP_PROTO], { paths: [PROTO_FOLDER] });
  const { registry, files } = buildRegistry(read.descriptors);
  const described = files.map(({ proto }) => proto);
  const shop: ShopDials = {
    tokens: undefined,
    reflection: ["v1"],
    lazyReflection: false,
    hangsReflecting: false,
    fault: undefined,
    ...dials,
  };
  const seen = {
    /** By the text of an echo. */
    ran: new Map<string, number>(),
    reflections: 0,
    /** Connections, from the first on. */
    opened: 0,
    canceled: 0,
    /** Streams of items that are open, and items sent on them. */
    streams: 0,
    sent: 0,
    calls: [] as ShopCall[],
  };
  const held: (() => void)[] = [];
  let holds = false;
  const sockets = new Set<Socket>();
  const service = registry.getService("shop.v1.Shop");
  if (service === undefined) throw new Error("The shop describes no service.");
  const method = (name: string): DescMethod => service.methods.find((one) => one.name === name) as DescMethod;

  const encode = (desc: DescMethod["output"], value: Fields): Buffer =>
    Buffer.from(toBinary(desc, create(desc, value as never)));
  const allowed = (metadata: grpc.Metadata): boolean => {
    const [header] = metadata.get("authorization");
    return shop.tokens === undefined || shop.tokens.some((token) => header === `Bearer ${token}`);
  };
  const REFUSED = { code: status.UNAUTHENTICATED, details: "who are you?" };

  const server = new grpc.Server({ "grpc.max_receive_message_length": 16 * 1024 * 1024 });
  const same = (bytes: Buffer): Buffer => bytes;

  const unary = (name: string, run: (request: Fields) => Fields): void => {
    const desc = method(name);
    const handle = (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>): void => {
      if (!allowed(call.metadata)) return callback(REFUSED);
      const request = fromBinary(desc.input, call.request) as unknown as Fields;
      const one: ShopCall = {
        method: name,
        request,
        metadata: call.metadata,
        deadline: call.getDeadline(),
        answer: (error, reply) => callback(error, reply),
        cut: () => sockets.forEach((socket) => socket.destroy()),
      };
      seen.calls.push(one);
      let canceled = false;
      call.on("cancelled", () => {
        canceled = true;
        seen.canceled++;
      });
      const answer = (): void => {
        if (canceled || shop.fault?.(one) === true) return;
        callback(null, encode(desc.output, run(request)));
      };
      if (holds) held.push(answer);
      else answer();
    };
    server.register(`/shop.v1.Shop/${name}`, handle, same, same, "unary");
  };
  const ran = (text: string): void => void seen.ran.set(text, (seen.ran.get(text) ?? 0) + 1);
  unary("Echo", ({ text }) => (ran(String(text)), { text }));
  unary("Mirror", (item) => item);
  unary("Forget", () => ({}));

  const list = async (call: grpc.ServerWritableStream<Buffer, Buffer>): Promise<void> => {
    if (!allowed(call.metadata)) return void call.destroy(Object.assign(new Error("refused"), REFUSED));
    const desc = method("List");
    const { n, endless } = fromBinary(desc.input, call.request) as unknown as { n: number; endless: boolean };
    seen.streams++;
    call.on("cancelled", () => seen.canceled++);
    const gone = new Promise<void>((resolve) => {
      for (const event of ["cancelled", "close", "error"]) call.on(event, () => resolve());
    });
    let isGone = false;
    void gone.then(() => {
      isGone = true;
      seen.streams--;
    });
    for (let index = 0; !isGone && (endless || index < n); index++) {
      const blob = Buffer.alloc(endless ? 4096 : 0, 7);
      seen.sent++;
      if (!call.write(encode(desc.output, { itemId: `i${index}`, blob })))
        await Promise.race([new Promise((resolve) => call.once("drain", resolve)), gone]);
    }
    call.end();
  };
  server.register(
    "/shop.v1.Shop/List",
    (call: grpc.ServerWritableStream<Buffer, Buffer>) => void list(call),
    same,
    same,
    "serverStream",
  );
  server.register(
    "/shop.v1.Shop/Upload",
    (call: grpc.ServerReadableStream<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
      const desc = method("Upload");
      let total = 0n;
      let count = 0;
      call.on("data", (bytes: Buffer) => {
        total += (fromBinary(desc.input, bytes) as Message & { cents: bigint }).cents;
        count++;
      });
      call.on("end", () => callback(null, encode(desc.output, { total, count })));
    },
    same,
    same,
    "clientStream",
  );
  server.register(
    "/shop.v1.Shop/Chat",
    (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      const desc = method("Chat");
      seen.streams++;
      call.on("data", (bytes: Buffer) => {
        const { itemId } = fromBinary(desc.input, bytes) as Message & { itemId: string };
        call.write(encode(desc.output, { itemId: `re-${itemId}` }));
      });
      call.on("end", () => call.end());
      call.on("close", () => seen.streams--);
      call.on("cancelled", () => seen.canceled++);
    },
    same,
    same,
    "bidi",
  );

  const Question = reflectionMessage("ServerReflectionRequest");
  const Reply = reflectionMessage("ServerReflectionResponse");
  for (const version of ["v1", "v1alpha"] as const) {
    server.register(
      `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
      (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        const end = (code: grpc.status, details: string): void =>
          void call.emit("error", Object.assign(new Error(details), { code, details }));
        if (!shop.reflection.includes(version)) return end(status.UNIMPLEMENTED, "no reflection here");
        if (!allowed(call.metadata)) return end(status.UNAUTHENTICATED, "who are you?");
        seen.reflections++;
        call.on("data", (bytes: Buffer) => {
          if (shop.hangsReflecting) return;
          const question = fromBinary(Question, bytes) as Message &
            Partial<Record<"fileByFilename" | "fileContainingSymbol" | "listServices", string>>;
          call.write(Buffer.from(toBinary(Reply, create(Reply, reflectionAnswer(question, described, shop) as never))));
        });
        call.on("end", () => call.end());
      },
      same,
      same,
      "bidi",
    );
  }

  const injector = server.createConnectionInjector(dials.credentials ?? grpc.ServerCredentials.createInsecure());
  let listener: TcpServer | undefined;
  let port = 0;
  const listen = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const opened = createServer((socket) => {
        sockets.add(socket);
        seen.opened++;
        socket.on("close", () => sockets.delete(socket));
        socket.on("error", () => {});
        injector.injectConnection(socket);
      });
      listener = opened;
      opened.on("error", reject);
      opened.listen(port, "127.0.0.1", () => {
        port = (opened.address() as { port: number }).port;
        resolve();
      });
    });
  await listen();
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => (listener === undefined ? resolve() : listener.close(() => resolve())));
    listener = undefined;
  };

  return {
    dials: shop,
    seen,
    descriptors: described,
    get target() {
      return `127.0.0.1:${port}`;
    },
    get connections() {
      return sockets.size;
    },
    get held() {
      return held.length;
    },
    hold(): () => void {
      holds = true;
      return () => {
        holds = false;
        for (const release of held.splice(0).reverse()) release();
      };
    },
    /** Closes every connection: at once, or after saying so (GOAWAY) and letting calls end. */
    drop(gracefully = false): void {
      if (gracefully) injector.drain(1_000);
      else for (const socket of sockets) socket.destroy();
    },
    stop,
    async restart(): Promise<void> {
      await stop();
      await listen();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await stop();
      server.forceShutdown();
    },
  };
}

function reflectionAnswer(
  question: Partial<Record<"fileByFilename" | "fileContainingSymbol" | "listServices", string>>,
  files: readonly FileDescriptorProto[],
  { lazyReflection }: ShopDials,
): Fields {
  if (question.listServices) {
    const names = ["shop.v1.Shop", "grpc.reflection.v1.ServerReflection"];
    return { listServicesResponse: { service: names.map((name) => ({ name })) } };
  }
  const symbol = question.fileContainingSymbol ?? "";
  const file = question.fileByFilename
    ? files.find(({ name }) => name === question.fileByFilename)
    : files.find(({ package: pkg, service, messageType }) =>
        [...service, ...messageType].some(({ name }) => `${pkg}.${name}` === symbol),
      );
  if (file === undefined) return { errorResponse: { errorCode: 5, errorMessage: "not here" } };
  const given = lazyReflection ? [file] : [file, ...files.filter(({ name }) => file.dependency.includes(name))];
  return {
    fileDescriptorResponse: { fileDescriptorProto: given.map((one) => toBinary(FileDescriptorProtoSchema, one)) },
  };
}

/** The metadata of an error that says more than its status. */
export function richError(
  code: number,
  message: string,
  details: readonly { readonly type: string; readonly fields: Fields }[],
): grpc.Metadata {
  const Status = errorMessage("google.rpc.Status");
  if (Status === undefined) throw new Error("unknown");
  const packed = details.map(({ type, fields }) => {
    const desc = errorMessage(type);
    if (desc === undefined) throw new Error(`unknown: ${type}`);
    return anyPack(desc, create(desc, fields as never));
  });
  const metadata = new grpc.Metadata();
  metadata.set(
    "grpc-status-details-bin",
    Buffer.from(toBinary(Status, create(Status, { code, message, details: packed } as never))),
  );
  return metadata;
}

export function retryIn(ms: number): grpc.Metadata {
  const retryDelay = create(DurationSchema, { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 });
  return richError(status.RESOURCE_EXHAUSTED, "slow down", [{ type: "google.rpc.RetryInfo", fields: { retryDelay } }]);
}
