import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createEmitter,
  isCcosError,
  systemClock,
  type CcosError,
  type JsonObject,
  type JsonValue,
} from "../../kernel/index.ts";
import { evaluate, print } from "../../rtfs/index.ts";
import { createMarketplace } from "../create-marketplace.ts";
import { preludeBindings } from "../prelude.ts";

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let seen: Seen[];
let respond: (request: Seen, response: ServerResponse) => void;
const servers: Server[] = [];
let origin: string;
let otherOrigin: string;

const market = createMarketplace({
  clock: systemClock,
  events: createEmitter(),
  delegate: {
    providers: () => [],
    manifestTraits: () => undefined,
    executeWithSession: () => Promise.reject(new Error("unused")),
  },
});

async function listen(): Promise<string> {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      const call = { method: request.method, url: request.url, headers: request.headers, body };
      seen.push(call);
      respond(call, response);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  origin = await listen();
  otherOrigin = await listen();
});
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
beforeEach(() => {
  seen = [];
  respond = (_request, response) => response.end("ok");
});

const fetch = async (input: JsonValue) => (await market.execute("ccos.network.http-fetch", input)).value as JsonObject;
async function errorOf(input: JsonValue): Promise<CcosError> {
  const error = await fetch(input).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(isCcosError(error)).toBe(true);
  return error as CcosError;
}

describe("ccos.network.http-fetch", () => {
  it("sends method, headers and body, and gives status, headers and body", async () => {
    respond = (_request, response) => {
      response.writeHead(201, { "x-answer": "yes", "set-cookie": ["a=1", "b=2"] });
      response.end('{"né": 1}');
    };
    const answer = await fetch({
      url: `${origin}/p?q=1`,
      method: "post",
      headers: { "X-Ask": "why", n: 3 },
      body: "hello",
    });
    expect(answer).toMatchObject({
      status: 201,
      body: '{"né": 1}',
      headers: { "x-answer": "yes", "set-cookie": "a=1, b=2" },
    });
    expect(seen).toMatchObject([{ method: "POST", url: "/p?q=1", body: "hello", headers: { "x-ask": "why", n: "3" } }]);
  });

  it("takes its arguments by position too, and from the prelude", async () => {
    const text = `[(:status (call "ccos.network.http-fetch" "${origin}/a" "PUT" {:x-k "v"} "b")) (:body (http-fetch "${origin}/b"))
                   (:status (http-fetch {:url "${origin}/c" :method "DELETE"}))]`;
    expect(print(await evaluate(text, { host: market.createHost(), bindings: preludeBindings() }))).toBe(
      '[200 "ok" 200]',
    );
    expect(seen.map(({ method, url, headers, body }) => [method, url, headers["x-k"], body])).toEqual([
      ["PUT", "/a", "v", "b"],
      ["GET", "/b", undefined, ""],
      ["DELETE", "/c", undefined, ""],
    ]);
  });

  it("follows redirects within an origin", async () => {
    respond = ({ url }, response) =>
      url === "/from" ? response.writeHead(302, { location: "/to" }).end() : response.end("there");
    expect(await fetch({ url: `${origin}/from`, headers: { authorization: "secret-a" } })).toMatchObject({
      status: 200,
      body: "there",
    });
    expect(seen[1]).toMatchObject({ url: "/to", headers: { authorization: "secret-a" } });
  });

  it("takes no header and no body along to another origin", async () => {
    respond = ({ url }, response) =>
      url === "/from" ? response.writeHead(303, { location: `${otherOrigin}/to` }).end() : response.end("there");
    await fetch({
      url: `${origin}/from`,
      method: "POST",
      headers: { authorization: "secret-a", "x-key": "k" },
      body: "b",
    });
    expect(seen[1]?.headers).not.toHaveProperty("authorization");
    expect(seen[1]?.headers).not.toHaveProperty("x-key");
    expect(seen[1]).toMatchObject({ method: "GET", body: "" });
  });

  it("does not repeat a request with effects at another origin", async () => {
    respond = (_request, response) => response.writeHead(307, { location: `${otherOrigin}/to` }).end();
    expect(await fetch({ url: `${origin}/from`, method: "POST", body: "b" })).toMatchObject({ status: 307 });
    expect(seen).toHaveLength(1);
  });

  it("gives up on redirects without end", async () => {
    respond = (_request, response) => response.writeHead(302, { location: "/again" }).end();
    expect((await errorOf({ url: origin })).code).toBe("protocol-error");
    expect(seen).toHaveLength(6);
  });

  it("bounds the size of an answer", async () => {
    respond = (_request, response) => {
      const chunk = Buffer.alloc(1_000_000);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    };
    expect((await errorOf({ url: origin })).code).toBe("protocol-error");
  });

  it("gives up when its time is over", async () => {
    respond = () => {};
    expect(await errorOf({ url: origin, timeout_ms: 30 })).toMatchObject({ code: "deadline-exceeded" });
  });

  it("tells what was never sent from what may have arrived", async () => {
    respond = (_request, response) => response.destroy();
    expect((await errorOf({ url: origin, method: "POST" })).code).toBe("outcome-unknown");
    expect((await errorOf({ url: origin })).code).toBe("unavailable");
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    expect((await errorOf({ url: `http://127.0.0.1:${port}`, method: "POST" })).code).toBe("unavailable");
  });

  it.each<[string, JsonValue]>([
    ["no URL", {}],
    ["a file", { url: "file:///etc/passwd" }],
    ["credentials in the URL", { url: "http://me:secret@127.0.0.1/" }],
    ["an unknown method", { url: "http://127.0.0.1/", method: "TRACE" }],
    ["headers that are no map", { url: "http://127.0.0.1/", headers: "x" }],
    ["a timeout of nothing", { url: "http://127.0.0.1/", timeout_ms: 0 }],
  ])("refuses %s", async (_what, input) => {
    const error = await errorOf(input);
    expect(error.code).toBe("invalid-argument");
    expect(error.message).not.toContain("secret");
  });

  it("refuses a header that would add another", async () => {
    expect((await errorOf({ url: origin, headers: { x: "a\r\nInjected: 1" } })).code).toBe("invalid-argument");
    expect(seen).toEqual([]);
  });
});
