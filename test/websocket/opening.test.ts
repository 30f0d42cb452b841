import { expect, describe, test } from "vitest";

import type { JsonObject } from "../../src/kernel/index.ts";
import { drive, echo, serve, type ServerPlan } from "./websocket-server.ts";

const env = { LINE_TOKEN: "secret-of-the-line" };

const refusing = (head: string, body = ""): ServerPlan => ({
  upgrade: (_request, socket) => {
    socket.end(`HTTP/1.1 ${head}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
    return true;
  },
});

async function openingFails(plan: ServerPlan, block: JsonObject = {}): Promise<Record<string, unknown>> {
  await using server = await serve(plan);
  await using driven = drive({ url: server.url, method: "m", auth_env_var: "LINE_TOKEN", ...block }, env);
  const error: unknown = await driven.open().catch((thrown: unknown) => thrown);
  await expect.poll(() => server.connections).toBe(0);
  return error as Record<string, unknown>;
}

describe("a handshake", () => {
  test.each<[string, ServerPlan, object]>([
    [
      "with 401",
      refusing("401 Unauthorized"),
      { code: "unauthenticated", remedy: expect.stringContaining("LINE_TOKEN") as string },
    ],
    [
      "with 403",
      refusing("403 Forbidden"),
      { code: "rejected", remedy: expect.stringContaining("LINE_TOKEN") as string },
    ],
    [
      "with 404 and words",
      refusing("404 Not Found", "no such room"),
      { code: "rejected", message: expect.stringContaining("HTTP 404: no such room") as string },
    ],
    ["with 429", refusing("429 Too Many\r\nretry-after: 3"), { code: "rate-limited", retryAfterMs: 3000 }],
    ["with 503", refusing("503 Busy\r\nretry-after: 2"), { code: "unavailable", retryAfterMs: 2000 }],
    [
      "with a page",
      refusing("200 OK", "<html>hello</html>"),
      { code: "protocol-error", remedy: expect.stringContaining(":url") as string },
    ],
    [
      "with a redirect, which no token follows",
      refusing("302 Found\r\nlocation: wss://evil.example/"),
      { code: "protocol-error", message: expect.stringContaining("wss://evil.example") as string },
    ],
    [
      "with what is not HTTP",
      { upgrade: (_request, socket) => (socket.end("SSH-2.0-line\r\n\r\n"), true) },
      { code: "protocol-error" },
    ],
    [
      "with a wrong key",
      refusing("101 Switching Protocols\r\nupgrade: websocket\r\nsec-websocket-accept: nonsense"),
      { code: "protocol-error" },
    ],
    ["with nothing at all", { upgrade: (_request, socket) => (socket.destroy(), true) }, { code: "unavailable" }],
  ])("that is answered %s fails as such, and leaves nothing open", async (_name, plan, failure) => {
    const error = await openingFails(plan);
    expect(error).toMatchObject(failure);
    expect(JSON.stringify(error)).not.toContain("secret-of-the-line");
  });

  test("that is never answered ends in time", async () => {
    await using server = await serve({
      upgrade: (_request, socket) => (socket.resume().on("end", () => socket.end()), true),
    });
    await using driven = drive({ url: server.url, method: "m" }, {}, 100);
    await expect(driven.open()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("within 100 ms") as string,
    });
    await expect.poll(() => server.connections).toBe(0);
  });

  test("with nobody there is unavailable", async () => {
    const { url } = await (async () => {
      await using server = await serve();
      return server;
    })();
    await using driven = drive({ url, method: "m" });
    await expect(driven.open()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("ECONNREFUSED") as string,
    });
  });

  test("sends what is declared: headers, query, subprotocols", async () => {
    await using server = await serve({ message: echo, handleProtocols: () => "v2" });
    const block = {
      url: `${server.url}room?kind=x`,
      method: "m",
      headers: { "x-tenant": "acme" },
      subprotocols: ["v1", "v2"],
      auth: { type: "api-key", location: "query", name: "key", env_var: "LINE_TOKEN" },
    };
    await using driven = drive(block, env);
    await driven.call({ a: 1 });
    const [request] = server.requests;
    expect(request?.url).toBe("/room?kind=x&key=secret-of-the-line");
    expect(request?.headers).toMatchObject({ "x-tenant": "acme", "sec-websocket-protocol": "v1,v2" });
    expect(request?.headers["sec-websocket-extensions"]).toBeUndefined();
    expect([...driven.driver.secrets]).toContain("secret-of-the-line");
  });

  test.each([
    ["none of the subprotocols", () => false as const],
    ["another one", () => "v9"],
  ])("in which the server takes %s fails, and says so", async (_name, handleProtocols) => {
    const error = await openingFails({ handleProtocols }, { subprotocols: ["v1"] });
    expect(error).toMatchObject({ code: "protocol-error", remedy: expect.stringContaining(":subprotocols") as string });
  });
});

describe("what comes before the first call", () => {
  const HELLO = { correlate: { id_path: "id" }, message: { op: "echo", in: "{$input}" }, result_path: "in" };
  const speaking: ServerPlan = {
    connected: (socket) => socket.send(JSON.stringify({ type: "auth_required" })),
    message: (message, socket) => {
      if (message["type"] === "auth") {
        const ok = message["access_token"] === "secret-of-the-line";
        socket.send(
          JSON.stringify(
            ok ? { type: "auth_ok", expires_in: 60, session: "s-1" } : { type: "auth_invalid", message: "who?" },
          ),
        );
      } else socket.send(JSON.stringify(message));
    },
  };
  const login = {
    message: { type: "auth", access_token: "{$token}" },
    ok: { type: "auth_ok" },
    refused: { type: "auth_invalid" },
    expires_in_path: "expires_in",
  };
  const block = { ...HELLO, hello: { type: "auth_required" }, login, auth_env_var: "LINE_TOKEN", error_path: "bad" };

  test("is heard, answered and checked, and later messages know what it said", async () => {
    await using server = await serve(speaking);
    const told = {
      ...block,
      url: server.url,
      message: { op: "echo", in: { session: "{$login.session}", given: "{$input}" } },
    };
    await using driven = drive(told, env);
    expect(await driven.call({ a: 1 })).toEqual({ session: "s-1", given: { a: 1 } });
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
    expect([...driven.driver.secrets]).toEqual(expect.arrayContaining(["secret-of-the-line", "s-1"]));
  });

  test("says when the login ends", async () => {
    await using server = await serve(speaking);
    await using driven = drive({ ...block, url: server.url }, env);
    const { driver, capability } = driven;
    const { createWebSocketHandler } = await import("../../src/providers/websocket/index.ts");
    const handler = createWebSocketHandler();
    const target = driver.target(capability);
    const now = 1_000_000;
    const signal = new AbortController().signal;
    const { systemClock, systemRandom } = await import("../../src/kernel/index.ts");
    const clock = { ...systemClock, now: () => now };
    const context = { clock, random: systemRandom, signal, lost() {}, addSecret() {}, warn() {} };
    const opened = await handler.initializeSession(target, context);
    expect(opened.expiresAt).toBe(now + 60_000);
    await handler.terminateSession({ id: "s", target, state: opened.state, lost: false }, context);
  });

  test("refuses a wrong token as such, in the peer's words, and names the variable", async () => {
    await using server = await serve(speaking);
    await using driven = drive({ ...block, url: server.url }, { LINE_TOKEN: "wrong-secret" });
    const error: unknown = await driven.open().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "unauthenticated",
      message: expect.stringContaining("the login was refused: who?") as string,
      remedy: expect.stringContaining("LINE_TOKEN") as string,
    });
    expect(JSON.stringify(error)).not.toContain("wrong-secret");
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  test("ends in time where the peer does not say what is waited for", async () => {
    await using server = await serve({});
    await using driven = drive({ ...block, url: server.url }, env, 100);
    await expect(driven.open()).rejects.toMatchObject({
      code: "unavailable",
      remedy: expect.stringContaining(":hello") as string,
    });
    await expect.poll(() => server.connections).toBe(0);
  });

  test("is a request like others where its answer is told by an id", async () => {
    const seen: unknown[] = [];
    await using server = await serve({
      message: (message, socket) => {
        seen.push(message);
        if (message["method"] === "login" && (message["params"] as JsonObject)["token"] !== env.LINE_TOKEN) {
          socket.send(JSON.stringify({ id: message["id"], error: { code: 7, message: "wrong token" } }));
        } else echo(message, socket);
      },
    });
    const rpc = {
      url: server.url,
      method: "m",
      auth_env_var: "LINE_TOKEN",
      login: { method: "login", params: { token: "{$token}" } },
    };
    await using driven = drive(rpc, env);
    await driven.call({ a: 1 });
    expect(seen).toEqual([
      { jsonrpc: "2.0", id: 1, method: "login", params: { token: "secret-of-the-line" } },
      { jsonrpc: "2.0", id: 2, method: "m", params: { a: 1 } },
    ]);
    await using wrong = drive(rpc, { LINE_TOKEN: "x" });
    await expect(wrong.open()).rejects.toMatchObject({ code: "unauthenticated" });
  });

  test.each([1008, 3000, 4401])("may be an end with %i: the token was refused", async (code) => {
    await using server = await serve({ connected: (socket) => socket.close(code, "token expired") });
    await using driven = drive({ url: server.url, method: "m", auth_env_var: "LINE_TOKEN" }, env);
    await expect(driven.call()).rejects.toMatchObject({
      code: "unauthenticated",
      message: expect.stringContaining("token expired") as string,
      remedy: expect.stringContaining("LINE_TOKEN") as string,
    });
  });
});
