import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import { createServer as createTcp, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { ServerCredentials, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";

import type { JsonObject } from "../../src/kernel/index.ts";
import { createGrpcHandler } from "../../src/providers/grpc/index.ts";
import { capabilityOf, drivePool, driveHandler, type PoolDriver } from "../../testing/index.ts";
import { PROTO_FOLDER, retryIn, richError, SHOP_PROTO, startShop, type Shop, type ShopCall } from "./shop-server.ts";

let shop: Shop;
let pool: PoolDriver;

const block = (more: JsonObject = {}): JsonObject => ({
  target: shop.target,
  service: "shop.v1.Shop",
  method: "Echo",
  proto: SHOP_PROTO,
  ...more,
});

/** A pool of its own, closed with the test. */
function poolOf(more: JsonObject, env: Record<string, string> = {}): PoolDriver {
  const made = drivePool(createGrpcHandler(), { block: block(more), env });
  onTestFinished(() => made.close({ deadlineMs: 100 }));
  return made;
}

beforeEach(async () => {
  shop = await startShop();
  pool = drivePool(createGrpcHandler(), { block: block() });
});
afterEach(async () => {
  await pool.close({ deadlineMs: 100 });
  await shop[Symbol.asyncDispose]();
});

const answering = (error: Parameters<ShopCall["answer"]>[0]): void => {
  shop.dials.fault = (call) => (call.answer(error), true);
};

describe("what a status means", () => {
  test.each([
    ["INVALID_ARGUMENT", "rejected"],
    ["NOT_FOUND", "rejected"],
    ["ALREADY_EXISTS", "rejected"],
    ["PERMISSION_DENIED", "rejected"],
    ["FAILED_PRECONDITION", "rejected"],
    ["ABORTED", "rejected"],
    ["OUT_OF_RANGE", "rejected"],
    ["UNIMPLEMENTED", "rejected"],
    ["DATA_LOSS", "rejected"],
    ["UNAUTHENTICATED", "unauthenticated"],
    ["RESOURCE_EXHAUSTED", "rate-limited"],
    ["DEADLINE_EXCEEDED", "deadline-exceeded"],
    ["CANCELLED", "outcome-unknown"],
    ["UNKNOWN", "outcome-unknown"],
    ["INTERNAL", "outcome-unknown"],
    ["UNAVAILABLE", "outcome-unknown"],
  ] as const)("%s of the server is %s", async (name, code) => {
    const bare = driveHandler(createGrpcHandler());
    const capability = capabilityOf("grpc", block());
    answering({ code: status[name], details: "\u001b[31mthe server's\nwords\u202e" });
    const error = await bare.call(await bare.open(capability), capability, {}).catch((thrown: unknown) => thrown);
    await bare.close();
    expect(error).toMatchObject({ code, details: { status: name } });
    expect((error as Error).message).toContain(`failed: ${name}: the server's words`);
  });

  test("an answer that may come twice is asked for again after UNAVAILABLE, another is not", async () => {
    let calls = 0;
    shop.dials.fault = (call) => {
      if (++calls !== 1) return false;
      call.answer({ code: status.UNAVAILABLE, details: "busy" });
      return true;
    };
    await expect(pool.call({ text: "a" })).rejects.toMatchObject({ code: "outcome-unknown" });
    calls = 0;
    const reading = poolOf({ idempotency_level: "NO_SIDE_EFFECTS" });
    expect((await reading.call({ text: "b" })).value).toEqual({ text: "b" });
    expect(calls).toBe(2);
  });

  test("a server that says when to come again has done nothing, whatever the call is", async () => {
    let calls = 0;
    shop.dials.fault = (call) => {
      if (++calls !== 1) return false;
      call.answer({ code: status.UNAVAILABLE, details: "busy", metadata: retryIn(20) });
      return true;
    };
    const bare = driveHandler(createGrpcHandler());
    const capability = capabilityOf("grpc", block());
    await expect(bare.call(await bare.open(capability), capability, {})).rejects.toMatchObject({
      code: "unavailable",
      retryAfterMs: 20,
    });
    await bare.close();
  });

  test("what the server says of fields is in the message, and all of it in the details", async () => {
    answering({
      code: status.INVALID_ARGUMENT,
      details: "wrong",
      metadata: richError(3, "wrong", [
        {
          type: "google.rpc.BadRequest",
          fields: { fieldViolations: [{ field: "text", description: "is too\nlong" }] },
        },
        { type: "google.rpc.ErrorInfo", fields: { reason: "TOO_LONG", domain: "shop" } },
        { type: "google.rpc.Help", fields: { links: [{ description: "See", url: "https://shop.example/help" }] } },
      ]),
    });
    await expect(pool.call({ text: "a" })).rejects.toMatchObject({
      message: expect.stringContaining("wrong; text: is too long"),
      details: { errorDetails: [{ fieldViolations: [{ field: "text" }] }, { reason: "TOO_LONG" }, {}] },
    });
  });

  test("details that cannot be read are no details", async () => {
    const { Metadata } = await import("@grpc/grpc-js");
    const metadata = new Metadata();
    metadata.set("grpc-status-details-bin", Buffer.from([0xff, 0xff, 0xff]));
    answering({ code: status.NOT_FOUND, details: "gone", metadata });
    const error: unknown = await pool.call({}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "rejected", details: { status: "NOT_FOUND" } });
    expect(error).not.toHaveProperty("details.errorDetails");
  });

  test("refused credentials name the variable, and show nothing of what it holds", async () => {
    shop.dials.tokens = ["another"];
    const error: unknown = await poolOf({ auth_env_var: "SHOP_TOKEN" }, { SHOP_TOKEN: "s3cr3t-value" })
      .call({})
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unauthenticated", remedy: expect.stringContaining("SHOP_TOKEN") });
    expect(JSON.stringify(error)).not.toContain("s3cr3t-value");
  });
});

describe("deadlines and metadata", () => {
  test("the server learns the deadline of a call, and that a call has none", async () => {
    await pool.call({ text: "a" }, { timeoutMs: 5_000 });
    const [bounded] = shop.seen.calls;
    expect(Number(bounded?.deadline) - Date.now()).toBeGreaterThan(1_000);
    expect(Number(bounded?.deadline) - Date.now()).toBeLessThanOrEqual(5_000);
    const bare = driveHandler(createGrpcHandler());
    const capability = capabilityOf("grpc", block());
    await bare.call(await bare.open(capability), capability, {});
    await bare.close();
    expect(shop.seen.calls.at(-1)?.deadline).toBe(Infinity);
  });

  test("declared metadata goes with each call, binary values as bytes", async () => {
    await poolOf({ metadata: { "x-shop": "north", "x-raw-bin": Buffer.from([1, 2]).toString("base64") } }).call({});
    const metadata = shop.seen.calls[0]?.metadata;
    expect(metadata?.get("x-shop")).toEqual(["north"]);
    expect(metadata?.get("x-raw-bin")).toEqual([Buffer.from([1, 2])]);
    expect(metadata?.get("user-agent")[0]).toMatch(/^ccos grpc-node-js/);
  });
});

describe("streams", () => {
  test("a plain call of a streaming method gathers its messages", async () => {
    const listing = poolOf({ method: "List", emit_defaults: false });
    expect((await listing.call({ n: 3 })).value).toEqual([{ itemId: "i0" }, { itemId: "i1" }, { itemId: "i2" }]);
    expect((await listing.call({ n: 0 })).value).toEqual([]);
  });

  test("it gathers no more than it may, and ends the stream at the server", async () => {
    const listing = poolOf({ method: "List", max_messages: 5 });
    await expect(listing.call({ endless: true })).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("more than 5 messages"),
    });
    await expect.poll(() => shop.seen.streams).toBe(0);
    const small = poolOf({ method: "List", max_response_bytes: 20_000 });
    await expect(small.call({ endless: true })).rejects.toMatchObject({
      message: expect.stringContaining("more than 20000 bytes"),
    });
  });

  test("a method that takes a stream takes a list, or a map with it", async () => {
    const upload = poolOf({ method: "Upload" });
    const messages = [{ cents: 9_007_199_254_740_992n }, { cents: 1 }];
    const expected = { total: 9_007_199_254_740_993n, count: 2 };
    expect((await upload.call(messages)).value).toEqual(expected);
    expect((await upload.call({ messages })).value).toEqual(expected);
    expect((await upload.call([])).value).toEqual({ total: 0, count: 0 });
    await expect(upload.call({ cents: 1 })).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(upload.call([{ cents: 1 }, { cent: 1 }])).rejects.toMatchObject({
      message: expect.stringContaining("messages[1].cent"),
    });
  });

  test("many messages go up without gathering anywhere", async () => {
    const upload = poolOf({ method: "Upload" });
    const messages = Array.from({ length: 5_000 }, () => ({ cents: 1, blob: Buffer.alloc(1_000).toString("base64") }));
    expect((await upload.call(messages)).value).toEqual({ total: 5_000, count: 5_000 });
  });

  test("both directions at once", async () => {
    const chat = poolOf({ method: "Chat", emit_defaults: false });
    const events = await Array.fromAsync(chat.stream([{ itemId: "a" }, { itemId: "b" }]));
    expect(events).toEqual([
      { type: "data", value: { itemId: "re-a" } },
      { type: "data", value: { itemId: "re-b" } },
    ]);
  });

  test("without the end of what is sent, the server may go on, until the caller leaves", async () => {
    const chat = poolOf({ method: "Chat", half_close: false, emit_defaults: false });
    for await (const event of chat.stream([{ itemId: "a" }])) {
      expect(event).toEqual({ type: "data", value: { itemId: "re-a" } });
      break;
    }
    await expect.poll(() => shop.seen.streams).toBe(0);
  });

  test("a method that answers once gives its result as the only event", async () => {
    expect(await Array.fromAsync(pool.stream({ text: "a" }))).toEqual([{ type: "result", value: { text: "a" } }]);
  });
});

describe("connections that end", () => {
  test("a call under way is finished when the server says goodbye, and the next one goes elsewhere", async () => {
    const release = shop.hold();
    const first = pool.call({ text: "first" });
    await expect.poll(() => shop.held).toBe(1);
    shop.drop(true);
    await expect.poll(() => pool.countOf("sessionLost")).toBe(1);
    const second = pool.call({ text: "second" });
    await expect.poll(() => shop.held).toBe(2);
    release();
    expect([(await first).value, (await second).value]).toEqual([{ text: "first" }, { text: "second" }]);
    expect([shop.seen.opened, shop.seen.ran.get("first")]).toEqual([2, 1]);
    await expect.poll(() => shop.connections).toBe(1);
  });

  test("a stream that is cut off after its first message is an error of unknown outcome", async () => {
    const listing = poolOf({ method: "List" });
    const events = listing.stream({ endless: true });
    expect(await events.next()).toMatchObject({ value: { type: "data" } });
    shop.drop();
    const rest = (async () => {
      for await (const _event of events);
    })();
    await expect(rest).rejects.toMatchObject({ code: "outcome-unknown" });
  });
});

describe("what a server says of itself", () => {
  test.each([
    ["the newer version", { reflection: ["v1" as const] }],
    ["the older version alone", { reflection: ["v1alpha" as const] }],
    ["files one by one", { lazyReflection: true }],
  ])("is read: %s", async (_what, dials) => {
    Object.assign(shop.dials, dials);
    const reflected = poolOf({ proto: "", reflection: true, method: "Mirror", emit_defaults: false });
    const item = { company: { name: "a", address: { street: "s" } }, cents: 2n ** 60n };
    expect((await reflected.call(item)).value).toEqual(item);
  });

  test("is asked once for all calls of a session", async () => {
    const reflected = poolOf({ proto: "", reflection: true });
    await Promise.all([1, 2, 3].map((text) => reflected.call({ text: String(text) })));
    await reflected.call({ text: "x" });
    expect(shop.seen.reflections).toBe(1);
  });

  test("is missed where there is nothing, with what to do instead", async () => {
    shop.dials.reflection = [];
    await expect(poolOf({ proto: "", reflection: true }).call({})).rejects.toMatchObject({
      code: "rejected",
      remedy: expect.stringContaining(":proto"),
    });
  });

  test("services and methods that are not there are told with those that are", async () => {
    await expect(poolOf({ proto: "", service: "shop.v1.Shopp" }).call({})).rejects.toMatchObject({ code: "rejected" });
    await expect(poolOf({ service: "shop.v1.Shopp" }).call({})).rejects.toMatchObject({
      code: "invalid-argument",
      remedy: 'Did you mean "shop.v1.Shop"?',
    });
    await expect(poolOf({ method: "Ecco" }).call({})).rejects.toMatchObject({
      code: "invalid-argument",
      remedy: 'Did you mean "Echo"?',
    });
  });
});

describe("descriptions that are broken", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ccos-grpc-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ["no .proto file", "root:x:0:0:root:/root:/bin/bash\n", "no .proto file"],
    ["an unfinished one", 'syntax = "proto3"; message A { string a = ', "no .proto file"],
    [
      "a type nobody describes",
      'syntax = "proto3"; message A { B b = 1; } service S { rpc M(A) returns (A); }',
      "needs B",
    ],
    [
      "an import that is missing",
      'syntax = "proto3"; import "b.proto"; service S { rpc M(x.B) returns (x.B); }',
      "needs x.B",
    ],
    ["an edition of the future", 'edition = "2099";', "2099"],
  ])("%s is told with its place", async (_what, text, words) => {
    const proto = join(folder, "a.proto");
    writeFileSync(proto, text);
    await expect(poolOf({ proto, service: "S", method: "M" }).call({})).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining(words),
    });
  });

  test("a file that is mended is read again", async () => {
    const proto = join(folder, "shop.proto");
    writeFileSync(proto, "broken");
    const mended = poolOf({ proto, proto_path: [PROTO_FOLDER] });
    await expect(mended.call({ text: "a" })).rejects.toMatchObject({ code: "invalid-argument" });
    writeFileSync(proto, readFileSync(SHOP_PROTO));
    expect((await mended.call({ text: "a" })).value).toEqual({ text: "a" });
  });

  test("a descriptor set that is none", async () => {
    const set = join(folder, "a.binpb");
    for (const content of ["", "<html>", "{}", Buffer.from([0x0a, 0x7f])]) {
      writeFileSync(set, content);
      await expect(poolOf({ proto: "", descriptor_set: set }).call({})).rejects.toMatchObject({
        code: "invalid-argument",
        message: expect.stringContaining("no descriptor set"),
      });
    }
  });

  test("a file that is not there", async () => {
    await expect(poolOf({ proto: join(folder, "none.proto") }).call({})).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("ENOENT"),
    });
  });
});

describe("what answers speaks no gRPC", () => {
  const listening = async (server: Server): Promise<string> => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  test("HTTP/1 with pages", async () => {
    const http = createHttp((_request, response) => response.end("<html>hello</html>"));
    const target = await listening(http);
    await expect(poolOf({ target }).call({}, { timeoutMs: 3_000 })).rejects.toMatchObject({
      code: expect.stringMatching(/unavailable|protocol-error/),
      remedy: expect.stringContaining("speak"),
    });
    http.closeAllConnections();
  });

  test.each([
    [200, "protocol-error"],
    [404, "protocol-error"],
    [503, "unavailable"],
  ])("HTTP/2 with pages and status %i", async (code, expected) => {
    const http = createHttp2();
    http.on("stream", (stream) => {
      stream.on("error", () => {});
      stream.respond({ ":status": code, "content-type": "text/html" });
      stream.end("<html><body>hello hello hello hello hello</body></html>");
    });
    const target = await listening(http as unknown as Server);
    await expect(poolOf({ target, idempotency_level: "IDEMPOTENT" }).call({})).rejects.toMatchObject({
      code: expected,
    });
  });

  test("frames that end in the middle", async () => {
    const http = createHttp2();
    http.on("stream", (stream) => {
      stream.on("error", () => {});
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      // Says that a hundred bytes follow.
      stream.end(Buffer.from([0, 0, 0, 0, 100, 1, 2, 3]));
    });
    const target = await listening(http as unknown as Server);
    await expect(poolOf({ target }).call({})).rejects.toMatchObject({ code: "protocol-error" });
  });

  test.each([
    ["a message that says it is longer than it may be", Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1])],
    [
      "a message that is small on the way and large in memory",
      ((): Buffer => {
        const packed = gzipSync(Buffer.alloc(64 * 1024 * 1024));
        const head = Buffer.alloc(5);
        head.writeUInt8(1);
        head.writeUInt32BE(packed.length, 1);
        return Buffer.concat([head, packed]);
      })(),
    ],
  ])("%s", async (_what, frame) => {
    const http = createHttp2();
    http.on("stream", (stream) => {
      stream.on("error", () => {});
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "grpc-encoding": "gzip" },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(frame);
    });
    const target = await listening(http as unknown as Server);
    await expect(poolOf({ target, max_response_bytes: 1_000_000 }).call({})).rejects.toMatchObject({
      code: "protocol-error",
      remedy: expect.stringContaining(":max_response_bytes"),
      details: { executed: true },
    });
  });

  test("a description of itself that is none, or has no end", async () => {
    const answers = {
      garbage: () => Buffer.from([0x22, 0xff]),
      // Each file needs another one.
      endless: (count: number) => {
        const file = Buffer.from(
          `\n\u0004f${String(count).padStart(3, "0")}\u001a\u0004f${String(count + 1).padStart(3, "0")}`,
        );
        const list = Buffer.concat([Buffer.from([0x0a, file.length]), file]);
        return Buffer.concat([Buffer.from([0x22, list.length]), list]);
      },
    };
    for (const answer of Object.values(answers)) {
      const http = createHttp2();
      http.on("stream", (stream) => {
        let count = 0;
        stream.on("error", () => {});
        stream.respond({ ":status": 200, "content-type": "application/grpc" });
        stream.on("data", () => {
          if (count > 200) return stream.close(8);
          const message = answer(count++);
          const head = Buffer.alloc(5);
          head.writeUInt32BE(message.length, 1);
          stream.write(Buffer.concat([head, message]));
        });
      });
      const target = await listening(http as unknown as Server);
      await expect(
        poolOf({ target, proto: "", reflection: true }).call({}, { timeoutMs: 3_000 }),
      ).rejects.toMatchObject({
        code: expect.stringMatching(/protocol-error|unavailable/),
      });
    }
  });

  test("silence, and noise", async () => {
    const sockets = new Set<{ destroy(): void }>();
    const silent = createTcp((socket) => void sockets.add(socket.on("error", () => {})));
    const target = await listening(silent);
    const waiting = drivePool(createGrpcHandler(), { block: block({ target }), session: { open_timeout_ms: 200 } });
    await expect(waiting.call({})).rejects.toMatchObject({ code: "unavailable" });
    await waiting.close();
    const noisy = createTcp((socket) => socket.on("error", () => {}).end("\u0000\u0001\u0002 what?"));
    await expect(poolOf({ target: await listening(noisy) }).call({}, { timeoutMs: 3_000 })).rejects.toMatchObject({
      code: expect.stringMatching(/unavailable|protocol-error/),
    });
    for (const socket of sockets) socket.destroy();
  });

  test("nobody at all", async () => {
    await shop.stop();
    await expect(pool.call({}, { timeoutMs: 1_000 })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("ECONNREFUSED"),
      remedy: expect.stringContaining(shop.target),
    });
  });
});

const hasOpenssl = ((): boolean => {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasOpenssl)("TLS (needs openssl)", () => {
  let folder: string;
  let secure: Shop;
  const file = (name: string): string => join(folder, name);

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "ccos-grpc-tls-"));
    for (const name of ["server", "client"]) {
      const subject = ["-subj", `/CN=${name}.test`, "-addext", `subjectAltName=DNS:${name}.test`];
      execFileSync(
        "openssl",
        [
          "req",
          "-x509",
          "-newkey",
          "rsa:2048",
          "-nodes",
          "-days",
          "2",
          "-keyout",
          file(`${name}.key`),
          "-out",
          file(`${name}.crt`),
          ...subject,
        ],
        { stdio: "ignore" },
      );
    }
    const pair = { private_key: readFileSync(file("server.key")), cert_chain: readFileSync(file("server.crt")) };
    secure = await startShop({
      credentials: ServerCredentials.createSsl(readFileSync(file("client.crt")), [pair], true),
    });
  });
  afterEach(async () => {
    await secure[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const tls = (more: JsonObject = {}): JsonObject => ({
    target: `grpcs://${secure.target}`,
    ca_file: file("server.crt"),
    authority: "server.test",
    cert_file: file("client.crt"),
    key_file: file("client.key"),
    ...more,
  });

  test("an authority of one's own, a name of the server, and a certificate of the client", async () => {
    expect((await poolOf(tls()).call({ text: "a" })).value).toEqual({ text: "a" });
  });

  test("a server that nobody vouches for is not called", async () => {
    const { ca_file: _, ...rest } = tls();
    await expect(poolOf(rest).call({}, { timeoutMs: 2_000 })).rejects.toMatchObject({
      code: "unavailable",
      remedy: expect.stringContaining(":ca_file"),
    });
  });

  test("nor one that is called by another name", async () => {
    await expect(poolOf(tls({ authority: "other.test" })).call({}, { timeoutMs: 2_000 })).rejects.toMatchObject({
      code: "unavailable",
      remedy: expect.stringContaining(":authority"),
    });
  });

  test("a file that is no certificate is told, and not shown", async () => {
    writeFileSync(file("noise.pem"), "root:x:0:0");
    const error: unknown = await poolOf(tls({ key_file: file("noise.pem") }))
      .call({})
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "invalid-argument" });
    expect(JSON.stringify(error)).not.toContain("root:x");
  });

  test("TLS where there is none, and none where there is TLS", async () => {
    await expect(poolOf({ target: `grpcs://${shop.target}` }).call({}, { timeoutMs: 2_000 })).rejects.toMatchObject({
      code: "unavailable",
    });
    await expect(poolOf({ target: secure.target, tls: false }).call({}, { timeoutMs: 2_000 })).rejects.toMatchObject({
      code: expect.stringMatching(/unavailable|protocol-error/),
    });
  });
});
