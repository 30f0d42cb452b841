import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import type { Agent } from "undici";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { Roster } from "../kernel/index.ts";
import { createDispatcher } from "./dispatcher.ts";
import { TooLarge } from "./http-response.ts";
import { addressOf, send, type Exchange } from "./send.ts";

let dispatcher: Agent;
let server: Server;
let answer: RequestListener;
let url: URL;

beforeEach(async () => {
  dispatcher = await createDispatcher();
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/at`);
});

afterEach(async () => {
  await dispatcher.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const post = () => send(dispatcher, addressOf(url), { method: "POST", headers: {}, body: "{}" });

test("a redirect within the origin is followed with its method, up to five times", async () => {
  const seen: string[] = [];
  answer = (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    const step = Number(/\d+/.exec(request.url ?? "")?.[0] ?? 0);
    if (step < 3) response.writeHead(307, { location: `/step${step + 1}` }).end();
    else response.end("there");
  };
  expect(await (await post()).text(100)).toBe("there");
  expect(seen).toEqual(["POST /at", "POST /step1", "POST /step2", "POST /step3"]);

  answer = (_request, response) => void response.writeHead(308, { location: "/again" }).end();
  expect((await post()).status).toBe(308);
});

test.each(["http://other.example/at", "//other.example/at", "http://127.0.0.1:1/at", "http://["])(
  "a redirect to %s is given back",
  async (location) => {
    answer = (_request, response) => void response.writeHead(307, { location }).end();
    const response = await post();
    expect([response.status, response.header("location")]).toEqual([307, location]);
  },
);

test("a body beyond the limit is refused, with its length declared or not", async () => {
  const body = "x".repeat(1000);
  answer = (_request, response) => void response.writeHead(200, { "content-length": 1000 }).end(body);
  await expect(post().then((response) => response.text(999))).rejects.toThrow(TooLarge);
  expect(await (await post()).text(1000)).toBe(body);
  answer = (_request, response) => {
    response.write("x".repeat(500));
    response.end("x".repeat(500));
  };
  await expect(post().then((response) => response.text(999))).rejects.toThrow(TooLarge);
  expect(await (await post()).text(1000)).toBe(body);
});

describe("giving a request up", () => {
  test("ends the wait for the answer and for its body at once, and closes the connection", async () => {
    const closed = Promise.withResolvers<void>();
    answer = (request, response) => {
      response.once("close", () => closed.resolve());
      if (request.headers["x-begin"]) response.write("half");
    };
    const silent = new AbortController();
    const waiting = send(dispatcher, addressOf(url), { method: "POST", headers: {}, signal: silent.signal });
    silent.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");

    const half = new AbortController();
    const response = await send(dispatcher, addressOf(url), {
      method: "POST",
      headers: { "x-begin": "1" },
      signal: half.signal,
    });
    const text = response.text(100);
    half.abort(new Error("enough"));
    await expect(text).rejects.toThrow("enough");
    await closed.promise;
  });

  test("works for all that are under way, and these are forgotten when they are over", async () => {
    answer = (request, response) => void (request.method === "GET" ? response.end("done") : undefined);
    const underWay = new Roster<Exchange>();
    const open = [1, 2, 3].map(() => send(dispatcher, addressOf(url), { method: "POST", headers: {}, underWay }));
    expect(underWay.size).toBe(3);
    const response = await send(dispatcher, addressOf(url), { method: "GET", headers: {}, underWay });
    await response.discard();
    expect(underWay.size).toBe(3);
    for (const exchange of underWay) exchange.abort(new Error("closing"));
    for (const one of open) await expect(one).rejects.toThrow("closing");
    expect(underWay.size).toBe(0);
  });

  test("before it was sent sends nothing", async () => {
    let requests = 0;
    answer = (_request, response) => {
      requests++;
      response.end();
    };
    const controller = new AbortController();
    const connecting = send(dispatcher, addressOf(url), { method: "POST", headers: {}, signal: controller.signal });
    controller.abort(new Error("too late"));
    await expect(connecting).rejects.toThrow("too late");
    const already = send(dispatcher, addressOf(url), { method: "POST", headers: {}, signal: controller.signal });
    await expect(already).rejects.toThrow("too late");
    await (await post()).discard();
    expect(requests).toBe(1);
  });
});

test("a request says when it leaves: once, and never for a connection that could not be made", async () => {
  answer = (_request, response) => void response.end("there");
  let left = 0;
  const started = (): void => void left++;
  await (await send(dispatcher, addressOf(url), { method: "POST", headers: {}, started })).discard();
  expect(left).toBe(1);

  const nobody = createServer();
  await new Promise<void>((resolve) => nobody.listen(0, "127.0.0.1", resolve));
  const { port } = nobody.address() as AddressInfo;
  await new Promise((resolve) => nobody.close(resolve));
  const refused = { origin: `http://127.0.0.1:${port}`, path: "/" };
  await expect(send(dispatcher, refused, { method: "POST", headers: {}, started })).rejects.toThrow("ECONNREFUSED");
  expect(left).toBe(1);
});
