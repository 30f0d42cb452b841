/** The cheapest gRPC service there can be, in a process of its own, so that what is measured is the client. */
import { create, fromBinary, toBinary, type Message } from "@bufbuild/protobuf";
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from "@grpc/grpc-js";

import { path, read } from "./grpc-service.ts";

const padding = ".".repeat(200);
const same = (bytes: Buffer): Buffer => bytes;

const server = new Server();
server.register(
  path,
  (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
    const { key } = fromBinary(read.input, call.request) as Message & { key: string };
    answer(null, Buffer.from(toBinary(read.output, create(read.output, { key, padding } as never))));
  },
  same,
  same,
  "unary",
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.send?.(`127.0.0.1:${port}`);
});
process.on("disconnect", () => process.exit());
