import { beforeEach, expect, test } from "vitest";

import type { JsonObject } from "../../kernel/index.ts";
import { WireTransport } from "./transport.ts";

/** Writes nothing until it is told to. */
class SilentTransport extends WireTransport {
  readonly #writes: (() => void)[] = [];
  readonly written: JsonObject[] = [];
  override async close(): Promise<void> {}
  override request(): Promise<never> {
    return new Promise(() => {});
  }
  override notify(message: JsonObject): Promise<void> {
    this.written.push(message);
    return new Promise((resolve) => this.#writes.push(resolve));
  }
  override async terminate(): Promise<void> {}

  async writeAll(): Promise<void> {
    for (const done of this.#writes.splice(0)) done();
    await new Promise((resolve) => setImmediate(resolve));
  }

  asks(id: number): void {
    this.deliver({ jsonrpc: "2.0", id, method: "roots/list" });
  }

  says(message: JsonObject): void {
    this.deliver({ jsonrpc: "2.0", ...message });
  }
}

let transport: SilentTransport;
let heard: number;

beforeEach(() => {
  transport = new SilentTransport();
  heard = 0;
  transport.messages.onasked = () => {
    heard++;
    return Promise.resolve({ result: {} });
  };
});

test("a flood of requests by the server is answered 64 at a time, and what is beyond that is passed over", async () => {
  for (let id = 0; id < 1000; id++) transport.asks(id);
  expect(heard).toBe(64);
  await transport.writeAll();
  for (let id = 1000; id < 1010; id++) transport.asks(id);
  expect(heard).toBe(74);
});

test("a request that the server takes back is not waited for", () => {
  for (let id = 0; id < 64; id++) transport.asks(id);
  transport.says({ method: "notifications/cancelled", params: { requestId: 7 } });
  transport.asks(64);
  transport.asks(65);
  expect(heard).toBe(64 + 1);
});

test("a ping is answered, and a question that nobody knows is refused as one", async () => {
  transport.messages.onasked = () => undefined;
  transport.says({ id: "a", method: "ping" });
  transport.says({ id: "b", method: "acme/unheard" });
  await new Promise((resolve) => setImmediate(resolve));
  expect(transport.written).toEqual([
    { jsonrpc: "2.0", id: "a", result: {} },
    { jsonrpc: "2.0", id: "b", error: { code: -32601, message: "Method not found" } },
  ]);
});

test("notifications are no requests: all are heard", () => {
  transport.messages.listen(() => heard++);
  for (let n = 0; n < 1000; n++) transport.says({ method: "notifications/progress", params: {} });
  expect(heard).toBe(1000);
});
