import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocketServer, type WebSocket } from "ws";
import type { JsonObject } from "../../src/kernel/index.ts";
import { createGraphqlHandler } from "../../src/providers/graphql/index.ts";
import { capabilityOf, driveHandler } from "../../testing/drive-handler.ts";
import { callOnce } from "./canned-server.ts";

interface Message {
  readonly id?: string;
  readonly type: string;
  readonly payload?: JsonObject;
}
type React = (message: Message, socket: WebSocket, send: (message: object) => void) => void;

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A server whose sockets do what a test says. `protocol`: what it answers to the choice of subprotocols. */
async function startSockets(react: React, protocol: string | false = "graphql-transport-ws"): Promise<JsonObject> {
  const server = createServer((_request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ server, handleProtocols: () => protocol });
  sockets.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("message", (data: Buffer) =>
      react(JSON.parse(data.toString()) as Message, socket, (message) => socket.send(JSON.stringify(message))),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(async () => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    await new Promise((resolve) => server.close(resolve));
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  return { endpoint, transport: "ws", operation: "mutation { a }" };
}

/** Acknowledges, and then does what the test says with the operation. */
function acknowledging(react: React): React {
  return (message, socket, send) => {
    if (message.type === "connection_init") send({ type: "connection_ack" });
    else react(message, socket, send);
  };
}

describe("opening a socket", () => {
  test.each([
    [4401, "unauthenticated"],
    [4403, "unauthenticated"],
    [4400, "protocol-error"],
    [4408, "unavailable"],
    [4429, "unavailable"],
    [1011, "unavailable"],
  ])("that is closed with %i is %s", async (code, expected) => {
    const block = await startSockets((_message, socket) => socket.close(code, "Because."));
    const thrown = await callOnce(block).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: expected, details: { closeCode: code } });
    expect(String(thrown)).toContain("Because.");
  });

  test("that another protocol answers is a failure, and so is one that nobody takes", async () => {
    for (const protocol of ["graphql-ws", false] as const) {
      const block = await startSockets(
        acknowledging(() => {}),
        protocol,
      );
      await expect(callOnce(block)).rejects.toMatchObject({
        code: expect.stringMatching(/unavailable|protocol-error/),
      });
    }
  });

  test.each([
    [401, "unauthenticated"],
    [403, "rejected"],
    [429, "rate-limited"],
    [503, "unavailable"],
    [404, "protocol-error"],
  ])("that is refused with HTTP %i is %s", async (status, code) => {
    const server = createServer();
    server.on("upgrade", (_request, socket) => socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 2\r\n\r\nNo`));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    stops.push(() => new Promise((resolve) => server.close(() => resolve())));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await expect(callOnce({ endpoint, transport: "ws", operation: "{ a }" })).rejects.toMatchObject({ code });
  });

  test("is unavailable where nobody listens", async () => {
    const block = { endpoint: "http://127.0.0.1:1/", transport: "ws", operation: "{ a }" };
    await expect(callOnce(block)).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("a server that breaks the protocol", () => {
  test.each<[string, (id: string | undefined) => string]>([
    ["what is no JSON", () => "nonsense"],
    ["an unknown type", () => '{"type":"hello"}'],
    ["a message of a client", () => '{"type":"subscribe","id":"1","payload":{"query":"{ a }"}}'],
    ["an answer without a payload", (id) => `{"type":"next","id":"${id}"}`],
    ["an answer that is no response", (id) => `{"type":"next","id":"${id}","payload":{"ok":true}}`],
    ["an end without an answer", (id) => `{"type":"complete","id":"${id}"}`],
  ])("with %s fails the call as such", async (_name, answer) => {
    const block = await startSockets(
      acknowledging(({ id, type }, socket) => void (type === "subscribe" && socket.send(answer(id)))),
    );
    await expect(callOnce(block)).rejects.toMatchObject({ code: "protocol-error" });
  });

  test("with answers to nobody is not listened to", async () => {
    const block = await startSockets(
      acknowledging(({ id, type }, _socket, send) => {
        if (type !== "subscribe") return;
        send({ id: "__proto__", type: "next", payload: { data: { a: "wrong" } } });
        send({ id, type: "next", payload: { data: { a: "right" } } });
      }),
    );
    expect(await callOnce(block)).toEqual({ a: "right" });
  });
});

describe("a socket that is closed while a call runs", () => {
  test.each([1000, 1001, 1011, 4401, 4500])(
    "with %i leaves its outcome unknown, and nothing is sent again",
    async (code) => {
      let operations = 0;
      const block = await startSockets(
        acknowledging(({ type }, socket) => {
          if (type !== "subscribe") return;
          operations++;
          socket.close(code);
        }),
      );
      await expect(callOnce(block)).rejects.toMatchObject({ code: "outcome-unknown" });
      expect(operations).toBe(1);
    },
  );
});

test("large integers keep their digits", async () => {
  const block = await startSockets(
    acknowledging(({ id, type }, socket) => {
      if (type === "subscribe")
        socket.send(`{"id":"${id}","type":"next","payload":{"data":{"a":12345678901234567890}}}`);
    }),
  );
  expect(await callOnce(block)).toEqual({ a: 12345678901234567890n });
});

test("a server that asks whether we are there is answered, and is asked by a probe", async () => {
  const seen: string[] = [];
  const block = await startSockets((message, _socket, send) => {
    seen.push(message.type);
    if (message.type === "connection_init") {
      send({ type: "connection_ack" });
      send({ type: "ping", payload: { n: 1 } });
    }
    if (message.type === "ping") send({ type: "pong" });
  });
  const driver = driveHandler(createGraphqlHandler());
  const session = await driver.open(capabilityOf("graphql", block));
  expect(await driver.probe(session)).toBe(true);
  expect(seen).toEqual(["connection_init", "pong", "ping"]);
  await driver.close();
});

test("a burst of small events that comes after the pause still fits", async () => {
  const count = 2_500;
  const block = await startSockets(
    acknowledging(({ id, type }, _socket, send) => {
      if (type !== "subscribe") return;
      for (let value = 0; value < count; value++) send({ id, type: "next", payload: { data: { a: value } } });
      send({ id, type: "complete" });
    }),
  );
  const capability = capabilityOf("graphql", {
    ...block,
    operation: "subscription { a }",
    result_field: "a",
    max_buffered_events: 16,
  });
  const driver = driveHandler(createGraphqlHandler());
  const session = await driver.open(capability);
  const values: unknown[] = [];
  for await (const event of driver.stream(session, capability)) {
    values.push(event.type === "data" ? event.value : event);
    if (values.length === 1) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(values).toEqual(Array.from({ length: count }, (_, index) => index));
  await driver.close();
});

test("a socket for subscriptions that is never acknowledged holds up neither the one who leaves nor the end", async () => {
  const block = await startSockets(() => {});
  const capability = capabilityOf("graphql", {
    ...block,
    transport: "http",
    subscription_transport: "ws",
    operation: "subscription { a }",
  });
  const driver = driveHandler(createGraphqlHandler());
  const session = await driver.open(capability);
  const controller = new AbortController();
  const stream = driver.stream(session, capability, {}, { signal: controller.signal })[Symbol.asyncIterator]();
  const next = stream.next();
  controller.abort();
  await expect(next).rejects.toMatchObject({ code: "canceled" });
  const before = performance.now();
  await driver.close();
  expect(performance.now() - before).toBeLessThan(2_000);
});
