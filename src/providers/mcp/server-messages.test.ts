import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../kernel/index.ts";
import { ServerMessages, type Hearer, type ServerRequest } from "./server-messages.ts";
import type { RpcAnswer } from "./transport.ts";

interface Rig {
  readonly messages: ServerMessages;
  readonly replies: JsonObject[];
  readonly asked: ServerRequest[];
  /** Answers every question that waits. */
  answer(answer: RpcAnswer): Promise<void>;
}

function rig(): Rig {
  const replies: JsonObject[] = [];
  const asked: ServerRequest[] = [];
  const waiting: ((answer: RpcAnswer) => void)[] = [];
  const messages = new ServerMessages((message) => Promise.resolve(void replies.push(message)));
  messages.onasked = (request) => {
    asked.push(request);
    return new Promise((resolve) => waiting.push(resolve));
  };
  return {
    messages,
    replies,
    asked,
    async answer(answer) {
      for (const resolve of waiting.splice(0)) resolve(answer);
      await new Promise(setImmediate);
    },
  };
}

const QUESTION: JsonObject = { jsonrpc: "2.0", id: 7, method: "roots/list" };
const ANSWER = { result: { roots: [] } };
const call: Hearer = { capabilityId: "line.a" };

describe("a question that names no call", () => {
  it("is answered although the call that was under way has been answered meanwhile", async () => {
    const { messages, replies, asked, answer } = rig();
    messages.begin("1", call);
    messages.take(QUESTION, undefined, 0);
    messages.finish("1", call, false);
    await answer(ANSWER);
    expect(asked).toMatchObject([{ capabilityId: "line.a" }]);
    expect(replies).toEqual([{ jsonrpc: "2.0", id: 7, ...ANSWER }]);
  });

  it("ends with that call where it was given up, and the server hears so", async () => {
    const { messages, replies, asked, answer } = rig();
    messages.begin("1", call);
    messages.take(QUESTION, undefined, 0);
    messages.finish("1", call, true);
    expect(asked[0]?.signal.aborted).toBe(true);
    await answer(ANSWER);
    expect(replies).toEqual([{ jsonrpc: "2.0", id: 7, error: { code: -32603, message: "The call has ended." } }]);
  });

  it("goes on where another call ends", async () => {
    const { messages, replies, asked, answer } = rig();
    messages.begin("1", call);
    messages.begin("2", { capabilityId: "line.b" });
    messages.take(QUESTION, undefined, 0);
    messages.finish("1", call, true);
    await answer(ANSWER);
    expect(asked).toMatchObject([{ capabilityId: undefined }]);
    expect(replies).toEqual([{ jsonrpc: "2.0", id: 7, ...ANSWER }]);
  });
});

describe("a question on the stream of a call", () => {
  it("ends with the call, however that ends", async () => {
    for (const gaveUp of [false, true]) {
      const { messages, replies, asked, answer } = rig();
      messages.begin("1", call);
      messages.take(QUESTION, call, 0);
      messages.finish("1", call, gaveUp);
      expect(asked[0]?.signal.aborted).toBe(true);
      await answer(ANSWER);
      expect(replies).toMatchObject([{ id: 7, error: { code: -32603 } }]);
    }
  });
});

describe("questions of a session", () => {
  it("are taken back by the server, and at its end, without an answer", async () => {
    const { messages, replies, asked, answer } = rig();
    messages.take(QUESTION, undefined, 0);
    messages.take({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } }, undefined, 0);
    messages.take({ ...QUESTION, id: 8 }, undefined, 0);
    messages.close();
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    await answer(ANSWER);
    expect(replies).toEqual([]);
  });
});
