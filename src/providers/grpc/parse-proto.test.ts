import { create, fromBinary, fromJson, toBinary, toJson, type DescMessage } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";

import { jsonNameOf } from "./normalise-descriptors.ts";
import { parseProto } from "./parse-proto.ts";
import { buildRegistry } from "./registry.ts";

/** The message `M` of a file. */
function messageOf(source: string, ...others: [name: string, source: string][]): DescMessage {
  const files = [["a.proto", source] as const, ...others].map(([name, text]) => parseProto(name, text).descriptor);
  const { registry, broken } = buildRegistry(files);
  expect(broken).toEqual([]);
  const found = [...registry].find((one) => one.kind === "message" && one.name === "M");
  if (found?.kind !== "message") throw new Error("There is no M.");
  return found;
}

/** The bytes of a message, as hexadecimal digits: what other implementations have to read. */
function bytesOf(source: string, json: object): string {
  const desc = messageOf(source);
  const bytes = toBinary(desc, fromJson(desc, json as never));
  expect(toJson(desc, fromBinary(desc, bytes))).toEqual(json);
  return Buffer.from(bytes).toString("hex");
}

describe("reading .proto files", () => {
  test("lists of numbers are packed in proto3 and not in proto2, unless a field says otherwise", () => {
    expect(bytesOf('syntax = "proto3"; message M { repeated int32 a = 1; }', { a: [1, 2] })).toBe("0a020102");
    expect(bytesOf('syntax = "proto2"; message M { repeated int32 a = 1; }', { a: [1, 2] })).toBe("08010802");
    expect(bytesOf('syntax = "proto3"; message M { repeated int32 a = 1 [packed = false]; }', { a: [1, 2] })).toBe(
      "08010802",
    );
    expect(bytesOf("message M { repeated int32 a = 1 [packed = true]; }", { a: [1, 2] })).toBe("0a020102");
  });

  test("editions say it by features, of the file and of the field", () => {
    expect(bytesOf('edition = "2023"; message M { repeated int32 a = 1; }', { a: [1, 2] })).toBe("0a020102");
    const expanded = "features.repeated_field_encoding = EXPANDED";
    expect(bytesOf(`edition = "2023"; option ${expanded}; message M { repeated int32 a = 1; }`, { a: [1] })).toBe(
      "0801",
    );
    expect(bytesOf(`edition = "2023"; message M { repeated int32 a = 1 [${expanded}]; }`, { a: [1] })).toBe("0801");
    const delimited = "[features.message_encoding = DELIMITED]";
    expect(
      bytesOf(`edition = "2023"; message M { A a = 1 ${delimited}; } message A { int32 b = 1; }`, { a: { b: 5 } }),
    ).toBe("0b08050c");
  });

  test("presence: of optional fields in proto3, of all in proto2 and in editions", () => {
    expect(bytesOf('syntax = "proto3"; message M { optional int32 a = 1; }', { a: 0 })).toBe("0800");
    expect(bytesOf('syntax = "proto2"; message M { optional int32 a = 1; }', { a: 0 })).toBe("0800");
    expect(bytesOf('edition = "2023"; message M { int32 a = 1; }', { a: 0 })).toBe("0800");
    const proto3 = messageOf('syntax = "proto3"; message M { int32 a = 1; }');
    expect(toBinary(proto3, create(proto3, { a: 0 } as never))).toHaveLength(0);
    const implicit = messageOf('edition = "2023"; message M { int32 a = 1 [features.field_presence = IMPLICIT]; }');
    expect(toBinary(implicit, create(implicit, { a: 0 } as never))).toHaveLength(0);
    const required = messageOf("message M { required int32 a = 1; }");
    expect(() => toBinary(required, create(required))).toThrow("required");
  });

  test("groups, maps, oneofs, enums with aliases, nested types, defaults, and numbers in every notation", () => {
    const source = `syntax = "proto2";
      message M {
        optional group Inner = 1 { optional int32 b = 0x2; }
        map<string, Kind> kinds = 3;
        oneof which { string c = 4; Deep.Deeper d = 5; }
        enum Kind { option allow_alias = true; A = 0; B = 1; BB = 1; NEGATIVE = -1; }
        message Deep { message Deeper { optional sint64 e = 1 [default = -9007199254740993]; } }
        optional double f = 6 [default = -inf];
        reserved 10 to 20, 30; reserved "old"; extensions 100 to max;
      }`;
    expect(bytesOf(source, { inner: { b: 1 } })).toBe("0b10010c");
    expect(bytesOf(source, { kinds: { x: "B", y: "NEGATIVE" } })).toBe(
      "1a050a017810011a0e0a017910ffffffffffffffffff01",
    );
    expect(bytesOf(source, { d: { e: "-1" } })).toBe("2a020801");
    const desc = messageOf(source);
    expect(desc.fields.find(({ name }) => name === "f")?.proto.defaultValue).toBe("-inf");
  });

  test("names are looked up from the inside out, in other files, too", () => {
    const source = `syntax = "proto3"; package a.b; import "c.proto";
      message A { string outer = 1; }
      message M { message A { string inner = 1; } A near = 1; b.A far = 2; .a.b.A farthest = 3; c.C other = 4; a.c.C same = 5; }`;
    const other: [string, string] = ["c.proto", 'syntax = "proto3"; package a.c; message C { int32 x = 1; }'];
    const names = messageOf(source, other).fields.map((field) => field.message?.typeName);
    expect(names).toEqual(["a.b.M.A", "a.b.A", "a.b.A", "a.c.C", "a.c.C"]);
  });

  test("extensions belong to no message, wherever they are declared", () => {
    const source = `syntax = "proto2"; package p;
      message M { extensions 100 to 200; optional int32 a = 1; }
      extend M { optional string loose = 100; }
      message Holder { extend M { optional string held = 101; } }`;
    expect(messageOf(source).fields.map(({ name }) => name)).toEqual(["a"]);
  });

  test("methods have their kind, their level, and what is said of them", () => {
    const { descriptor, comments, hosts } = parseProto(
      "a.proto",
      `syntax = "proto3"; package p; message A {}
      // A service.
      service S {
        option (google.api.default_host) = "s.example.com";
        /* Reads
         * something. */
        rpc Read(A) returns (stream A) { option idempotency_level = NO_SIDE_EFFECTS; option (google.api.http) = { get: "/v1/{name=x/*}" body: "*" }; }
        rpc Both(stream .p.A) returns (stream p.A);
      }`,
    );
    const [read, both] = descriptor.service[0]?.method ?? [];
    expect([read?.clientStreaming, read?.serverStreaming, read?.options?.idempotencyLevel]).toEqual([false, true, 1]);
    expect([both?.clientStreaming, both?.serverStreaming, both?.options]).toEqual([true, true, undefined]);
    expect([comments.get("p.S"), comments.get("p.S/Read"), comments.get("p.S/Both")]).toEqual([
      "A service.",
      "Reads\nsomething.",
      undefined,
    ]);
    expect(hosts.get("p.S")).toBe("s.example.com");
  });

  test.each([
    ["a text that is none", "hello", 1],
    ["an unfinished message", 'syntax = "proto3";\nmessage M {\n  int32 a = ', 3],
    ["a field without a number", 'syntax = "proto3"; message M { int32 a; }', 1],
    ["two of one name", 'syntax = "proto3"; message M {} message M {}', undefined],
    ["required in proto3", 'syntax = "proto3"; message M { required int32 a = 1; }', 1],
    ["nesting without end", `syntax = "proto3"; ${"message M { ".repeat(5_000)}`, undefined],
  ])("%s is an error", (_what, source, line) => {
    expect(() => parseProto("a.proto", source)).toThrow(line === undefined ? Error : `line ${line}`);
  });

  test("names in JSON", () => {
    expect(["item_id", "item__id", "_a", "a_", "itemId", "a_1b", "A_B"].map(jsonNameOf)).toEqual([
      "itemId",
      "itemId",
      "A",
      "a",
      "itemId",
      "a1b",
      "AB",
    ]);
  });
});
