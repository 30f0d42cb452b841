import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { create, fromBinary, toBinary, type Message } from "@bufbuild/protobuf";
import { Client, credentials, Metadata } from "@grpc/grpc-js";

import { loadCcos } from "../contenders/ccos.ts";
import { path, PROTO, read } from "./grpc-service.ts";
import type { ProviderPair } from "./pair.ts";

const TOKEN = "bench-token";

/** A unary call with a bearer token, answered with 210 bytes, beside grpc-js with messages of @bufbuild/protobuf. */
export async function openGrpc(): Promise<ProviderPair> {
  const server = fork(new URL("./grpc-server.ts", import.meta.url));
  const [target] = (await once(server, "message")) as [string];
  const folder = mkdtempSync(join(tmpdir(), "ccos-bench-"));
  writeFileSync(join(folder, "bench.proto"), PROTO);
  const { createEnvironment } = await loadCcos();
  const env = await createEnvironment({ capabilities: [], config: {}, env: { BENCH_TOKEN: TOKEN } });
  await env.capabilities.load(`
    (capability "bench.read"
      :description "A thing of the bench's service"
      :input-schema [:map [:key :string]]
      :effects [:network]
      :metadata {:grpc {:target "${target}" :service "bench.Things" :method "Read" :proto "${join(folder, "bench.proto")}"
                        :requires_session "true" :auth_env_var "BENCH_TOKEN"}})`);
  const client = new Client(target, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${TOKEN}`);
  const serialize = (message: Message): Buffer => Buffer.from(toBinary(read.input, message));
  const deserialize = (bytes: Buffer): Message => fromBinary(read.output, bytes);
  return {
    provider: "grpc",
    library: "@grpc/grpc-js",
    ours: (key) => env.call("bench.read", { key }),
    direct: (key) =>
      new Promise((resolve, reject) => {
        const request = create(read.input, { key } as never);
        client.makeUnaryRequest(path, serialize, deserialize, request, metadata, (error, answer) =>
          error === null ? resolve(answer) : reject(error),
        );
      }),
    async close() {
      await env.close();
      client.close();
      server.disconnect();
      rmSync(folder, { recursive: true });
    },
  };
}
