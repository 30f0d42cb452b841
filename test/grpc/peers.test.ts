import { globSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type * as Grpc from "@grpc/grpc-js";
import type { GrpcObject, ServiceDefinition } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { checkCapabilities } from "../../src/environment.ts";
import { importGrpc } from "../../src/importers/index.ts";
import { createEnvironment } from "../../src/index.ts";
import { describeFiles } from "../../src/providers/grpc/index.ts";
import { peerFile, peersInstalled, requirePeer } from "../peers/peers.ts";
import { PROTO_FOLDER, SHOP_PROTO } from "./shop-server.ts";

type Call = { request: Record<string, unknown> };
type Callback = (error: Error | null, reply?: object) => void;

/** Counted without the importer: a method begins a line, and a comment begins otherwise. */
function countMethods(folder: string): number {
  return globSync("**/*.proto", { cwd: folder, exclude: ["**/node_modules/**"] })
    .map((file) => readFileSync(join(folder, file), "utf8"))
    .reduce((sum, text) => sum + (text.match(/^\s*rpc\s+\w+\s*\(/gm) ?? []).length, 0);
}

describe.skipIf(!peersInstalled)("other people's services (needs npm run peers)", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ccos-grpc-peers-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("@grpc/reflection, which says of no file what it needs, can be imported and called", async () => {
    const grpc = requirePeer("@grpc/grpc-js") as typeof Grpc;
    const loader = requirePeer("@grpc/proto-loader") as {
      loadSync(file: string, options: object): GrpcObject;
    };
    const { ReflectionService } = requirePeer("@grpc/reflection") as {
      ReflectionService: new (definition: object) => { addToServer(server: object): void };
    };
    const definition = loader.loadSync(SHOP_PROTO, {
      includeDirs: [PROTO_FOLDER, peerFile("google-proto-files")],
      longs: String,
      enums: String,
    });
    const loaded = grpc.loadPackageDefinition(definition as never) as never as {
      shop: { v1: { Shop: { service: ServiceDefinition } } };
    };
    const server = new grpc.Server();
    server.addService(loaded.shop.v1.Shop.service, {
      Echo: ({ request }: Call, answer: Callback) => answer(null, request),
      Mirror: ({ request }: Call, answer: Callback) => answer(null, request),
      List: (call: { end(): void }) => call.end(),
      Upload: (_call: unknown, answer: Callback) => answer(null, {}),
      Chat: (call: { end(): void }) => call.end(),
      Forget: (_call: unknown, answer: Callback) => answer(null, {}),
    } as never);
    new ReflectionService(definition).addToServer(server);
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    onTestFinished(() => server.forceShutdown());
    const out = join(folder, "degraded");
    const { capabilities, notImported } = await importGrpc({ source: `127.0.0.1:${port}`, out });
    expect({ capabilities: capabilities.length, notImported }).toEqual({ capabilities: 6, notImported: [] });
    const env = await createEnvironment({ capabilities: [out] });
    onTestFinished(() => env.close());
    const item = { itemId: "a", cents: 2n ** 60n, company: { name: "b", address: { street: "s" } }, ttl: "1.500s" };
    expect(await env.call("grpc.shop.v1.Shop.Mirror", item)).toMatchObject(item);
  });

  test("Google's services: every method, in files that check", { timeout: 240_000 }, async () => {
    const source = peerFile("google-proto-files");
    const out = join(folder, "google");
    const started = performance.now();
    const { capabilities, notImported } = await importGrpc({ source, out, target: "grpcs://service.googleapis.com" });
    const seconds = (performance.now() - started) / 1_000;
    console.log(`Google: ${capabilities.length} capabilities in ${seconds.toFixed(1)} s`);
    expect(capabilities.length).toBeGreaterThan(10_000);
    expect(capabilities).toHaveLength(countMethods(source));
    // What is left out are files of Protocol Buffers' own tests, in an edition that is not published yet.
    expect(notImported.filter(({ operation }) => !operation.includes("google/protobuf/"))).toEqual([]);
    const { errors, warnings, manifests } = await checkCapabilities([out]);
    expect({ errors, warnings, manifests: manifests.length }).toEqual({
      errors: [],
      warnings: [],
      manifests: capabilities.length,
    });
    const names = await readdir(out);
    const longest = async (ending: string): Promise<number> =>
      Math.max(
        ...(await Promise.all(
          names.filter((name) => name.endsWith(ending)).map(async (name) => (await stat(join(out, name))).size),
        )),
      );
    expect(await longest(".rtfs")).toBeLessThan(128 * 1024);
    expect(await longest(".binpb")).toBeLessThan(1024 * 1024);
    const sets = names.filter((name) => name.endsWith(".binpb"));
    expect(sets.length).toBeGreaterThan(1_000);
    // What was cut out of the whole still describes itself.
    for (const name of sets.filter((_name, index) => index % 40 === 0)) {
      const { methods, broken } = await describeFiles(join(out, name));
      expect({ name, broken, some: methods.length > 0 }).toEqual({ name, broken: [], some: true });
    }
  });
});
