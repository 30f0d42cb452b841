import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";

import type { JsonObject } from "../../kernel/index.ts";
import type { SecretUse, TargetContext } from "../../session/handler.ts";
import { readTarget, type GrpcSettings } from "./target.ts";

function targetOf(
  block: JsonObject,
  { env = {}, trusted = true, file }: { env?: Record<string, string>; trusted?: boolean; file?: string } = {},
) {
  const asked: [string, SecretUse][] = [];
  const authorized: string[] = [];
  const context: TargetContext = {
    variable: (name) => env[name],
    secret: (name, use) => (asked.push([name, use]), env[name]),
    authorizeEndpoint: (origin) => void authorized.push(origin),
    authorizeCommand: () => {},
    endpointSettings: () => ({}),
  };
  const full: JsonObject = { target: "127.0.0.1:50051", service: "a.B", method: "C", ...block };
  const metadata: Record<string, string> = {};
  const flatten = (prefix: string, value: JsonObject[string]): void => {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      for (const [key, inner] of Object.entries(value)) flatten(`${prefix}_${key}`, inner);
    else metadata[prefix] = Array.isArray(value) ? JSON.stringify(value) : String(value);
  };
  flatten("grpc", full);
  const target = readTarget({ id: "t", metadata, block: full, idempotent: undefined, trusted, file }, context);
  return { target, settings: target.settings as GrpcSettings, asked, authorized };
}

describe("the target of a gRPC capability", () => {
  test("is an endpoint, an operation, and what tells sessions apart", () => {
    const { target } = targetOf({ metadata: { "x-shop": "north" } });
    expect(target).toMatchObject({ endpoint: "grpc://127.0.0.1:50051", operation: "a.B/C", credentials: {} });
    const other = targetOf({ metadata: { "x-shop": "south" } }).target;
    expect(other.shape).not.toEqual(target.shape);
    // Two methods go over one session, and so do two descriptions.
    expect(targetOf({ metadata: { "x-shop": "north" }, method: "D", proto: "a.proto" }).target.shape).toEqual(
      target.shape,
    );
  });

  test("sends a token only to its own origin, under gRPC's scheme", () => {
    const { target, asked, settings } = targetOf(
      { target: "api.example.com", auth_env_var: "TOKEN" },
      { env: { TOKEN: "secret\n" } },
    );
    expect(asked).toEqual([["TOKEN", { origin: "grpcs://api.example.com:443" }]]);
    expect(settings.metadata).toEqual({ authorization: "Bearer secret" });
    expect(JSON.stringify([target.endpoint, target.shape])).not.toContain("secret");
    expect(target.credentialSource).toBe("TOKEN");
  });

  test("sends keys in metadata of any name, and none in a query", () => {
    const auth = { type: "api-key", name: "x-api-key", location: "header" };
    const { settings } = targetOf({ auth, auth_env_var: "KEY" }, { env: { KEY: "k" } });
    expect(settings.metadata).toEqual({ "x-api-key": "k" });
    expect(() =>
      targetOf({ auth: { ...auth, location: "query" }, auth_env_var: "KEY" }, { env: { KEY: "k" } }),
    ).toThrow("gRPC has none");
  });

  test("a literal secret in metadata is a credential, and does not travel in the clear", () => {
    const metadata = { "x-api-token": "literal" };
    expect(targetOf({ metadata }).target).toMatchObject({ credentials: { "header x-api-token": "literal" } });
    expect(() => targetOf({ metadata, target: "example.com:1", tls: false })).toThrow("in the clear");
  });

  test("a variable may stand in for the address, and has to be authorized", () => {
    const { target, authorized } = targetOf(
      { target_override_env: "SHOP", tls: true },
      { env: { SHOP: "127.0.0.1:7000" } },
    );
    expect(target.endpoint).toBe("grpc://127.0.0.1:7000");
    expect(authorized).toEqual(["grpc://127.0.0.1:7000"]);
  });

  test("paths are relative to the file of the capability", () => {
    const file = "/capabilities/shop/echo.rtfs";
    expect(targetOf({ proto: "protos/shop.proto", proto_path: ["include"] }, { file }).settings.source).toEqual({
      kind: "proto",
      file: "/capabilities/shop/protos/shop.proto",
      paths: ["/capabilities/shop/include", "/capabilities/shop/protos"],
    });
    expect(targetOf({ descriptor_set: "../shop.binpb" }, { file }).settings.source).toEqual({
      kind: "descriptor-set",
      file: join(dirname(file), "../shop.binpb"),
    });
  });

  test("what is not trusted reads nothing outside of its folder", () => {
    const file = "/capabilities/shop/echo.rtfs";
    for (const proto of ["../a.proto", "/etc/passwd", "a/../../b.proto"])
      expect(() => targetOf({ proto }, { file, trusted: false })).toThrow("may not lead out of the folder");
    expect(targetOf({ proto: "a/b.proto" }, { file, trusted: false }).settings.source.kind).toBe("proto");
  });

  test("without a source the server is asked", () => {
    expect(targetOf({}).settings.source).toEqual({ kind: "reflection" });
    expect(targetOf({ reflection: true }).settings.source).toEqual({ kind: "reflection" });
    expect(() => targetOf({ reflection: false })).toThrow("does not say what its messages look like");
    expect(() => targetOf({ reflection: true, proto: "a.proto" })).toThrow("several sources");
  });

  test("the level of a method says whether running it twice is harmless", () => {
    expect(targetOf({ idempotency_level: "NO_SIDE_EFFECTS" }).target.idempotent).toBe(true);
    expect(targetOf({ idempotency_level: "idempotent" }).target.idempotent).toBe(true);
    expect(targetOf({}).target.idempotent).toBeUndefined();
    expect(() => targetOf({ idempotency_level: "often" })).toThrow("unknown");
  });

  test("keep-alive is off unless it is asked for", () => {
    expect(targetOf({}).settings.keepalive).toEqual({ timeMs: 0, timeoutMs: 20_000, withoutCalls: false });
    const keepalive = { time_ms: 300_000, timeout_ms: 5_000, without_calls: true };
    expect(targetOf({ keepalive }).settings.keepalive).toEqual({
      timeMs: 300_000,
      timeoutMs: 5_000,
      withoutCalls: true,
    });
    expect(() => targetOf({ keepalive: { time_ms: 1_000 } })).toThrow("more often than every 10 s");
  });

  test.each<[string, JsonObject, string]>([
    ["no service", { service: "" }, "names no service"],
    ["no method", { method: "" }, "names no method"],
    ["a method with a path", { method: "../x" }, "no name"],
    ["a service with a slash", { service: "a/b" }, "no name"],
    ["no address", { target: "" }, "names no server"],
    ["an odd flag", { tls: "maybe" }, "neither true nor false"],
    ["an odd number", { max_messages: 0 }, ":max_messages"],
    ["metadata that gRPC sends itself", { metadata: { "grpc-timeout": "1S" } }, "belongs to the protocol"],
    ["a token in metadata", { metadata: { authorization: "Bearer x" } }, "must not carry credentials"],
    ["metadata that is no map", { metadata: "a" }, "no map"],
    ["binary metadata that is none", { metadata: { "x-bin": "###" } }, "not base64"],
    ["metadata beyond ASCII", { metadata: { x: "ä" } }, "more than ASCII"],
    ["half a certificate", { tls: true, cert_file: "a" }, "go together"],
    ["certificates without TLS", { ca_file: "a" }, "without TLS"],
    ["an odd authority", { authority: "a b" }, "no name of a host"],
    ["a NUL in a path", { proto: "a\0b" }, "NUL"],
  ])("%s is told", (_what, block, words) => {
    expect(() => targetOf(block)).toThrow(words);
  });
});
