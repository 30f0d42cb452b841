import { describe, expect, test } from "vitest";

import { bedOf, canceled } from "../../../test/websocket/fake-socket.ts";
import { WireError } from "./wire-error.ts";

const failureOf = async (work: Promise<unknown>): Promise<unknown> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof WireError ? error.failure : error;
};

describe("a connection with ids", () => {
  const BLOCK = { method: "m", correlate: "json-rpc" };

  test("gives answers to those who asked, in whatever order they come", async () => {
    const { socket, ask, connection } = bedOf(BLOCK);
    const [one, two] = [ask("one"), ask("two")];
    expect(connection.users).toBe(2);
    socket.say({ id: 2, result: "second" });
    socket.say({ id: "1", result: "first" });
    expect(await one).toMatchObject({ result: "first" });
    expect(await two).toMatchObject({ result: "second" });
    expect(connection.users).toBe(0);
  });

  test("drops the late answer of a request that was given up, and counts it as nobody's fault", async () => {
    const { socket, ask, connection } = bedOf(BLOCK);
    const controller = new AbortController();
    const call = ask("x", controller.signal);
    await Promise.resolve();
    controller.abort(canceled());
    expect(await failureOf(call)).toMatchObject({ code: "canceled" });
    socket.say({ id: 1, result: "late" });
    expect(connection.strayAnswers).toBe(0);
    expect(connection.isOpen).toBe(true);
  });

  test("drops answers that nobody asked for, says so once, and gives up a peer that does not stop", async () => {
    const { socket, connection, warnings, lost } = bedOf(BLOCK);
    for (let id = 0; id < 1000; id++) socket.say({ id: `x${id}`, result: 1 });
    expect(warnings).toHaveLength(1);
    expect(connection.strayAnswers).toBe(1000);
    expect(connection.isOpen).toBe(true);
    socket.say({ id: "one more", result: 1 });
    expect(connection.isOpen).toBe(false);
    expect(lost).toEqual([expect.stringContaining("answers came that nobody had asked for")]);
  });

  test("tells a peer that asks back that there is nothing to ask for", async () => {
    const { socket } = bedOf(BLOCK);
    socket.say({ jsonrpc: "2.0", id: "s1", method: "roots/list" });
    expect(socket.last).toEqual({ jsonrpc: "2.0", id: "s1", error: { code: -32601, message: "Method not found" } });
    socket.say({ jsonrpc: "2.0", method: "tick" });
    expect(socket.sent).toHaveLength(1);
  });

  test("gives an error without an id to the only one who waits", async () => {
    const { socket, ask } = bedOf(BLOCK);
    const call = ask();
    socket.say({ id: null, error: { code: -32700, message: "Parse error" } });
    expect(await call).toMatchObject({ error: { code: -32700 } });
  });

  test.each<[string, () => unknown]>([
    ["a batch", () => [{ id: 1, result: 1 }]],
    ["a text", () => "hello"],
  ])("takes %s for a broken protocol", async (_name, message) => {
    const { socket, ask, lost } = bedOf(BLOCK);
    const call = ask();
    socket.say(message() as never);
    expect(await failureOf(call)).toMatchObject({ kind: "broken" });
    expect(lost).toHaveLength(1);
  });

  test("fails everybody when a frame is no JSON, and nobody after that", async () => {
    const { socket, ask } = bedOf(BLOCK);
    const calls = [ask(), ask()];
    socket.emit("message", Buffer.from('{"half'), false);
    for (const call of calls) expect(await failureOf(call)).toMatchObject({ kind: "broken" });
    expect(await failureOf(ask())).toMatchObject({ kind: "closed", sent: false });
  });

  test("fails what was sent and what was not with what happened to each", async () => {
    const { socket, ask, lost } = bedOf({ ...BLOCK, max_send_buffer_bytes: 10 });
    socket.stuffed = true;
    const sent = ask("a long enough input");
    const waiting = ask("x");
    expect(socket.sent).toHaveLength(1);
    socket.end(1001, "bye");
    expect(await failureOf(sent)).toMatchObject({ kind: "closed", code: 1001, reason: "bye", sent: true });
    expect(await failureOf(waiting)).toMatchObject({ kind: "closed", code: 1001, sent: false });
    expect(lost).toEqual(["the socket was closed (1001: bye)"]);
  });

  test("lets requests wait while the peer takes nothing, and sends them in order", async () => {
    const { socket, ask, clock } = bedOf({ ...BLOCK, max_send_buffer_bytes: 10 });
    socket.stuffed = true;
    void ask("a long enough input");
    void ask("second");
    const controller = new AbortController();
    const third = ask("third", controller.signal);
    void ask("fourth");
    await clock.settle();
    expect(socket.sent).toHaveLength(1);
    controller.abort(canceled());
    expect(await failureOf(third)).toMatchObject({ code: "canceled" });
    socket.stuffed = false;
    socket.flush();
    await clock.settle();
    expect(socket.sent.map((message) => (message as { input: unknown }).input)).toEqual([
      "a long enough input",
      "second",
      "fourth",
    ]);
  });

  test("ignores and answers what is declared, before anybody else sees it", async () => {
    const { socket, connection, clock } = bedOf({
      correlate: { id_path: "id" },
      message: {},
      ignore: { type: ["noise", "hello"] },
      replies: [{ match: { type: "ping" }, message: { type: "pong", at: "{$message.at}" } }],
    });
    const seen: unknown[] = [];
    connection.listen({ offer: (message) => seen.push(message) > 0, failed() {} });
    socket.say({ type: "noise" });
    socket.say({ type: "ping", at: 7 });
    socket.say({ type: "news" });
    await clock.settle();
    expect(socket.sent).toEqual([{ type: "pong", at: 7 }]);
    expect(seen).toEqual([{ type: "news" }]);
  });

  test("stops reading only for one who is alone, and goes on for the next", async () => {
    const { socket, connection, ask } = bedOf(BLOCK);
    const listener = { offer: () => true, failed() {} };
    connection.listen(listener);
    expect(connection.pause()).toBe(true);
    expect(socket.isPaused).toBe(true);
    const call = ask();
    expect(socket.isPaused).toBe(false);
    expect(connection.pause()).toBe(false);
    socket.say({ id: 1, result: 1 });
    await call;
    expect(connection.pause()).toBe(true);
    connection.unlisten(listener);
    expect(socket.isPaused).toBe(false);
  });

  test("keeps what comes before anybody listens for the first who does, up to a limit", async () => {
    const { socket, connection } = bedOf({ correlate: "none", message: "{$input}" });
    for (let n = 0; n < 2000; n++) socket.say(n);
    const seen: unknown[] = [];
    connection.listen({ offer: (message) => seen.push(message) > 0, failed() {} });
    expect(seen).toHaveLength(1024);
    expect(seen[0]).toBe(0);
    const later: unknown[] = [];
    connection.listen({ offer: (message) => later.push(message) > 0, failed() {} });
    expect(later).toEqual([]);
  });

  test("closes politely, tells nobody of a loss, and leaves no timer", async () => {
    const { socket, connection, lost, clock } = bedOf(BLOCK);
    await connection.close(new AbortController().signal);
    expect(socket.readyState).toBe(socket.CLOSED);
    expect(lost).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
    await connection.close(new AbortController().signal);
  });

  test("destroys a socket whose peer does not answer the closing, when there is no more time", async () => {
    const { socket, connection } = bedOf(BLOCK);
    socket.close = () => {};
    const controller = new AbortController();
    const closed = connection.close(controller.signal);
    controller.abort();
    await closed;
    expect(socket.readyState).toBe(socket.CLOSED);
  });
});

describe("a connection with answers in order", () => {
  const BLOCK = { correlate: { kind: "in-order", late_answer_ms: 1000 }, message: "{$input}" };

  test("gives each answer to the oldest request", async () => {
    const { socket, ask } = bedOf(BLOCK);
    const calls = [ask(), ask(), ask()];
    for (const answer of ["a", "b", "c"]) socket.say(answer);
    expect(await Promise.all(calls)).toEqual(["a", "b", "c"]);
  });

  test("keeps the place of a request that was given up, and lets others wait until its answer has come", async () => {
    const { socket, ask, clock } = bedOf(BLOCK);
    const controller = new AbortController();
    const one = ask("one", controller.signal);
    const two = ask("two");
    controller.abort(canceled());
    await failureOf(one);
    const three = ask("three");
    await clock.settle();
    expect(socket.sent).toHaveLength(2);
    socket.say("answer to one");
    await clock.settle();
    expect(socket.sent).toHaveLength(3);
    socket.say("answer to two");
    socket.say("answer to three");
    expect(await two).toBe("answer to two");
    expect(await three).toBe("answer to three");
    expect(clock.pendingTimers).toBe(0);
  });

  test("is given up when that answer never comes: whoever has not sent anything is replayed elsewhere", async () => {
    const { ask, clock, lost } = bedOf(BLOCK);
    const controller = new AbortController();
    const one = ask("one", controller.signal);
    const sent = ask("two");
    controller.abort(canceled());
    await failureOf(one);
    const failures = [failureOf(sent), failureOf(ask("three"))];
    await clock.advance(1000);
    expect(await failures[0]).toMatchObject({ kind: "closed", sent: true });
    expect(await failures[1]).toMatchObject({ kind: "closed", sent: false });
    expect(lost).toEqual([expect.stringContaining("never answered")]);
  });

  test("drops what nobody asked for", async () => {
    const { socket, ask } = bedOf(BLOCK);
    socket.say("unasked");
    const call = ask();
    socket.say("answer");
    expect(await call).toBe("answer");
  });
});
