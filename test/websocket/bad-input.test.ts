import { randomBytes } from "node:crypto";
import { createServer, type AddressInfo } from "node:net";

import { describe, expect, test } from "vitest";
import type { WebSocket } from "ws";

import type { JsonObject, JsonValue } from "../../src/kernel/index.ts";
import { drive, echo, serve, type ServerPlan } from "./websocket-server.ts";

const RAW = (socket: WebSocket): { write(data: Buffer | string): void; destroy(): void } =>
  (socket as unknown as { _socket: { write(data: Buffer | string): void; destroy(): void } })._socket;

/** What comes of a call that is answered like this, and of the next one. */
async function answeredWith(
  say: (message: JsonObject, socket: WebSocket) => void,
  more: JsonObject = {},
  plan: ServerPlan = {},
): Promise<{ readonly first: unknown; readonly next: unknown }> {
  let isFirst = true;
  await using server = await serve({
    ...plan,
    message: (message, socket) => {
      if (isFirst) say(message, socket);
      else echo(message, socket);
      isFirst = false;
    },
  });
  await using driven = drive({ url: server.url, method: "m", max_response_bytes: 10_000, ...more });
  const attempt = (input: JsonValue): Promise<unknown> => driven.call(input).catch((thrown: unknown) => thrown);
  return { first: await attempt({ n: 1 }), next: await attempt({ n: 2 }) };
}

describe("a peer that breaks the protocol", () => {
  test.each<[string, (message: JsonObject, socket: WebSocket) => void, RegExp]>([
    ["a text that is no JSON", (_message, socket) => socket.send('{"half'), /no JSON/],
    ["HTML", (_message, socket) => socket.send("<html></html>"), /no JSON/],
    [
      "an answer without a result",
      ({ id }, socket) => socket.send(JSON.stringify({ id })),
      /neither a result nor an error/,
    ],
    ["a batch", ({ id }, socket) => socket.send(JSON.stringify([{ id, result: 1 }])), /no JSON-RPC object/],
    ["JSON that is too deep", (_message, socket) => socket.send("[".repeat(3000) + "]".repeat(3000)), /levels/],
    [
      "more bytes than allowed",
      ({ id }, socket) => socket.send(JSON.stringify({ id, result: "x".repeat(20_000) })),
      /more than 10000 bytes/,
    ],
    [
      "a frame with reserved bits",
      (_message, socket) => RAW(socket).write(Buffer.from([0xf1, 0x00])),
      /frame breaks the protocol/,
    ],
    [
      "a text that is no UTF-8",
      (_message, socket) => RAW(socket).write(Buffer.from([0x81, 0x02, 0xc3, 0x28])),
      /frame breaks the protocol/,
    ],
    [
      "a masked frame",
      (_message, socket) => RAW(socket).write(Buffer.from([0x81, 0x81, 1, 2, 3, 4, 5])),
      /frame breaks the protocol/,
    ],
    [
      "a frame that claims 2^62 bytes",
      (_message, socket) => RAW(socket).write(Buffer.from([0x81, 127, 0x40, 0, 0, 0, 0, 0, 0, 0])),
      /more than|frame breaks/,
    ],
  ])("with %s fails the call as such, and the next session serves", async (_name, say, message) => {
    const { first, next } = await answeredWith(say);
    expect(first).toMatchObject({
      code: "protocol-error",
      message: expect.stringMatching(message) as string,
      details: { executed: true },
    });
    expect(next).toEqual({ n: 2 });
  });

  test("by cutting a frame in the middle leaves the outcome unknown", async () => {
    const { first, next } = await answeredWith((_message, socket) => {
      RAW(socket).write(Buffer.from([0x81, 100, 0x7b, 0x22]));
      setImmediate(() => RAW(socket).destroy());
    });
    expect(first).toMatchObject({ code: "outcome-unknown" });
    expect(next).toEqual({ n: 2 });
  });

  test("with a message that grows beyond the limit when it is inflated is stopped", async () => {
    const before = process.memoryUsage().rss;
    const { first } = await answeredWith(
      ({ id }, socket) => socket.send(JSON.stringify({ id, result: "x".repeat(50_000_000) }), { compress: true }),
      { compression: true },
      { perMessageDeflate: true },
    );
    expect(first).toMatchObject({
      code: "protocol-error",
      message: expect.stringContaining("more than 10000 bytes") as string,
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000);
  });
});

describe("a peer with bad intentions", () => {
  test("cannot reach prototypes with its keys", async () => {
    const { first } = await answeredWith(({ id }, socket) =>
      socket.send(
        `{"jsonrpc":"2.0","id":${id as number},"result":{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}}`,
      ),
    );
    expect(Object.keys(first as object)).toEqual(["__proto__", "constructor"]);
    expect(({} as JsonObject)["polluted"]).toBeUndefined();
  });

  test("cannot answer what nobody asked: ids of other forms are dropped", async () => {
    const { first } = await answeredWith(({ id }, socket) => {
      for (const stray of ["__proto__", "toString", 1e9, [id], { id }, true, ""]) {
        socket.send(JSON.stringify({ id: stray, result: "stray" }));
      }
      socket.send(JSON.stringify({ id, result: "mine" }));
    });
    expect(first).toBe("mine");
  });

  test("cannot steer a terminal with its words", async () => {
    const { first } = await answeredWith(({ id }, socket) =>
      socket.send(JSON.stringify({ id, error: { code: 1, message: "\u001b[2J\u001b]0;title\u0007no\u202e\nway" } })),
    );
    expect((first as Error).message).toMatch(/failed: no way$/);
  });

  test("keeps large numbers to the last digit", async () => {
    const { first } = await answeredWith(({ id }, socket) =>
      socket.send(`{"id":${id as number},"result":9007199254740993}`),
    );
    expect(first).toBe(9007199254740993n);
  });
});

describe("what is no WebSocket server", () => {
  test.each<[string, string | Buffer]>([
    ["one that says something at once", "220 mail.example ESMTP\r\n"],
    ["one that answers noise", randomBytes(2048)],
  ])("%s is told as such", async (_name, answer) => {
    const server = createServer((socket) =>
      socket
        .on("error", () => {})
        .resume()
        .end(answer),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      await using driven = drive({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, method: "m" });
      const error: unknown = await driven.open().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "protocol-error", remedy: expect.stringContaining(":url") as string });
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
