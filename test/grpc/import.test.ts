import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";

import { importGrpc, type ImportGrpcOptions } from "../../src/importers/index.ts";
import { createEnvironment, type CCOSEnvironment } from "../../src/index.ts";
import { PROTO_FOLDER, SHOP_PROTO, startShop, type Shop } from "./shop-server.ts";

let folder: string;
let out: string;
let shop: Shop;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-grpc-import-"));
  out = join(folder, "out");
  shop = await startShop();
});
afterEach(async () => {
  await shop[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const imported = (options: Partial<ImportGrpcOptions> = {}) =>
  importGrpc({ source: shop.target, out, now: () => 0, ...options });

async function environment(): Promise<CCOSEnvironment> {
  const env = await createEnvironment({ capabilities: [out] });
  onTestFinished(() => env.close());
  return env;
}

const METHODS = ["Echo", "Mirror", "List", "Upload", "Chat", "Forget"];

describe("importing from a server that describes itself", () => {
  test("writes a capability for each method, which can be called at once", async () => {
    const result = await imported();
    expect(result.capabilities).toEqual(METHODS.map((name) => `grpc.shop.v1.Shop.${name}`));
    expect(result.warnings).toEqual([]);
    const env = await environment();
    const item = { itemId: "a", cents: 2n ** 60n, parts: { "7": { itemId: "b" } }, company: { name: "c" } };
    expect(await env.call("grpc.shop.v1.Shop.Mirror", item)).toMatchObject(item);
    expect(await env.call("grpc.shop.v1.Shop.Upload", { messages: [{ cents: 1 }, { cents: 2 }] })).toEqual({
      total: 3,
      count: 2,
    });
    expect(env.sessions.list()).toHaveLength(1);
  });

  test("says of a method what its description says", async () => {
    await imported({ authEnv: undefined, filter: "*/Echo" });
    const text = await readFile(join(out, "grpc.shop.v1.Shop.Echo.rtfs"), "utf8");
    expect(text).toContain(`:target "${shop.target}"`);
    expect(text).toContain(":tls false");
    expect(text).toContain(":reflection true");
    expect(text).toContain(':idempotency_level "NO_SIDE_EFFECTS"');
    expect(text).toContain(":input-schema [:map [:text :string ?]]");
    expect(text).toContain(':method "grpc_reflection"');
    expect(await readdir(out)).toEqual(["grpc.shop.v1.Shop.Echo.rtfs"]);
  });

  test("asks in the older version, too, and says where there is none", async () => {
    shop.dials.reflection = ["v1alpha"];
    expect((await imported()).capabilities).toHaveLength(METHODS.length);
    shop.dials.reflection = [];
    await expect(imported()).rejects.toMatchObject({ code: "rejected", remedy: expect.stringContaining("--target") });
  });

  test("with a token, whose variable the files name and whose value they do not hold", async () => {
    shop.dials.tokens = ["s3cr3t-token"];
    await expect(imported()).rejects.toMatchObject({
      code: "unauthenticated",
      remedy: expect.stringContaining("--auth-env"),
    });
    await imported({ authEnv: "SHOP_TOKEN", env: { SHOP_TOKEN: "s3cr3t-token" } });
    for (const name of await readdir(out)) {
      const text = await readFile(join(out, name), "utf8");
      expect(text).toContain(':auth_env_var "SHOP_TOKEN"');
      expect(text).not.toContain("s3cr3t-token");
    }
  });

  test("again, it changes nothing that has not changed", async () => {
    await imported();
    const before = await readFile(join(out, "grpc.shop.v1.Shop.List.rtfs"), "utf8");
    await imported({ now: Date.now });
    expect(await readFile(join(out, "grpc.shop.v1.Shop.List.rtfs"), "utf8")).toBe(before);
  });

  test("nobody there, and no address", async () => {
    await shop.stop();
    await expect(imported({ timeout: 2_000 })).rejects.toMatchObject({ code: "unavailable" });
    await expect(imported({ source: "" })).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(imported({ source: "not an address" })).rejects.toMatchObject({ code: "invalid-argument" });
    expect(existsSync(out)).toBe(false);
  });
});

describe("importing from .proto files", () => {
  test("writes the descriptions beside the capabilities, which stand alone then", async () => {
    await imported({ source: SHOP_PROTO, target: shop.target, prefix: "shop" });
    expect(await readdir(out)).toContain("shop.shop.v1.Shop.binpb");
    // Nothing leads back to where it came from.
    const elsewhere = join(folder, "elsewhere");
    await cp(out, elsewhere, { recursive: true });
    await rm(out, { recursive: true });
    out = elsewhere;
    shop.dials.reflection = [];
    const env = await environment();
    const item = { company: { name: "c", address: { street: "s", city: "t" } }, cents: -1 };
    expect(await env.call("shop.Shop.Mirror", item)).toMatchObject(item);
    expect(await Array.fromAsync(env.stream("shop.Shop.List", { n: 2 }))).toHaveLength(2);
  });

  test("keeps comments as descriptions, and says what is deprecated", async () => {
    await imported({ source: SHOP_PROTO, target: shop.target });
    const env = await environment();
    const described = (name: string): string => env.capabilities.get(`grpc.shop.v1.Shop.${name}`)?.description ?? "";
    expect(described("Echo")).toBe("Gives a text back.\n\nIt is for trying things out.");
    expect(described("Forget")).toBe("Deprecated.");
    expect(described("List")).toMatch(/^Gives as many items as are asked for\.\n\nAnswers with a stream/);
  });

  test("needs no import that only options need, and tells of those that types need", async () => {
    const files = join(folder, "protos");
    await mkdir(files);
    await cp(SHOP_PROTO, join(files, "shop.proto"));
    await writeFile(
      join(files, "sound.proto"),
      'syntax = "proto3"; import "nowhere.proto"; message A {} service Sound { rpc M(A) returns (A); }',
    );
    await writeFile(join(files, "broken.proto"), 'syntax = "proto3"; service {');
    const result = await imported({ source: files, target: "127.0.0.1:1" });
    expect(result.capabilities).toEqual(["grpc.Sound.M"]);
    expect(result.notImported).toMatchObject([
      { operation: expect.stringContaining("broken.proto:1") },
      { operation: "shop.proto", reason: expect.stringContaining("it needs shop.parts.Address") },
    ]);
    expect(result.warnings.join("\n")).toContain("shop/parts.proto");
    expect(
      (await imported({ source: files, target: "127.0.0.1:1", protoPath: [PROTO_FOLDER] })).capabilities,
    ).toHaveLength(7);
  });

  test("goes where the description says, or where it is told to", async () => {
    const file = join(folder, "a.proto");
    const hosted = 'option (google.api.default_host) = "a.example.com";';
    await writeFile(
      file,
      `syntax = "proto3"; package a; message A {} service S { ${hosted} rpc M(A) returns (A); } service T { rpc M(A) returns (A); }`,
    );
    const result = await imported({ source: file });
    expect(result.capabilities).toEqual(["grpc.a.S.M"]);
    expect(result.notImported).toMatchObject([{ operation: "a.T/M", reason: expect.stringContaining("--target") }]);
    expect(await readFile(join(out, "grpc.a.S.M.rtfs"), "utf8")).toContain(':target "a.example.com:443"');
    await writeFile(file, 'syntax = "proto3"; package a; message A {} service T { rpc M(A) returns (A); }');
    await expect(imported({ source: file })).rejects.toMatchObject({
      code: "invalid-argument",
      remedy: expect.stringContaining("--target"),
    });
  });

  test("recursive messages end somewhere", async () => {
    await imported({ source: SHOP_PROTO, target: shop.target, filter: "*/Mirror" });
    const text = await readFile(join(out, "grpc.shop.v1.Shop.Mirror.rtfs"), "utf8");
    expect(text.length).toBeLessThan(20_000);
    expect(text).toContain('[:kind [:enum "KIND_UNSPECIFIED" "BOOK" "GAME"] ?]');
  });
});

describe("importing from a descriptor set", () => {
  test("in binary form, or as JSON", async () => {
    const set = join(folder, "shop.binpb");
    await writeFile(
      set,
      toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [...shop.descriptors] })),
    );
    expect((await imported({ source: set, target: shop.target })).capabilities).toHaveLength(METHODS.length);
    const json = join(folder, "set.json");
    await writeFile(
      json,
      JSON.stringify({
        file: [
          {
            name: "a.proto",
            package: "a",
            syntax: "proto3",
            messageType: [{ name: "A" }],
            service: [{ name: "S", method: [{ name: "M", inputType: ".a.A", outputType: ".a.A" }] }],
          },
        ],
      }),
    );
    expect((await imported({ source: json, target: shop.target })).capabilities).toEqual(["grpc.a.S.M"]);
  });

  test("whose names are hostile writes nothing outside of its folder", async () => {
    const hostile = create(FileDescriptorProtoSchema, {
      name: "../../x.proto",
      package: "a",
      syntax: "proto3",
      messageType: [{ name: "A" }],
      service: [
        { name: "S", method: [{ name: "M", inputType: ".a.A", outputType: ".a.A" }] },
        { name: "../../../evil", method: [{ name: "M", inputType: ".a.A", outputType: ".a.A" }] },
      ],
    });
    const set = join(folder, "x.binpb");
    await writeFile(set, toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [hostile] })));
    const result = await imported({ source: set, target: shop.target }).catch((error: unknown) => error);
    expect(result).toMatchObject({ capabilities: [], notImported: [{ reason: expect.stringContaining("evil") }] });
    expect((await readdir(folder)).sort()).toEqual(["out", "x.binpb"]);
  });

  test("with prune, those of services that are gone go with their capabilities, and no others", async () => {
    const file = join(folder, "a.proto");
    const service = (name: string): string => `service ${name} { rpc M(A) returns (A); }`;
    await writeFile(file, `syntax = "proto3"; package a; message A {} ${service("S")} ${service("T")}`);
    await imported({ source: file, target: "127.0.0.1:1" });
    await writeFile(join(out, "grpc.mine.binpb"), "mine");
    await writeFile(join(out, "other.binpb"), "other");
    await writeFile(file, `syntax = "proto3"; package a; message A {} ${service("S")}`);
    await imported({ source: file, target: "127.0.0.1:1" });
    expect(await readdir(out)).toContain("grpc.a.T.binpb");
    await imported({ source: file, target: "127.0.0.1:1", prune: true });
    expect((await readdir(out)).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      "grpc.a.S.M.rtfs",
      "grpc.a.S.binpb",
      "grpc.mine.binpb",
      "other.binpb",
    ]);
  });

  test("never replaces a file that is none", async () => {
    await mkdir(out);
    await writeFile(join(out, "shop.shop.v1.Shop.binpb"), "mine");
    await expect(imported({ source: SHOP_PROTO, target: shop.target, prefix: "shop" })).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("no descriptor set"),
    });
    expect(await readFile(join(out, "shop.shop.v1.Shop.binpb"), "utf8")).toBe("mine");
  });
});
