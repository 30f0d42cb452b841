import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import type { Agent } from "undici";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { createDispatcher } from "./dispatcher.ts";
import { RedirectRefused, sendAndFollow } from "./follow.ts";
import type { HttpRequest } from "./send.ts";

let dispatcher: Agent;
let servers: Server[];
let seen: string[];

beforeEach(async () => {
  dispatcher = await createDispatcher();
  servers = [];
  seen = [];
});

afterEach(async () => {
  await dispatcher.destroy();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});

async function serve(answer: RequestListener): Promise<URL> {
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? "nobody"}`);
    answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a`);
}

const redirecting =
  (status: number, to: (path: string) => string | undefined): RequestListener =>
  (request, response) => {
    const location = to(request.url ?? "");
    if (location === undefined) response.end("there");
    else response.writeHead(status, { location }).end();
  };

const GET: HttpRequest = { method: "GET", headers: { authorization: "Bearer t" } };
const POST: HttpRequest = {
  method: "POST",
  headers: { authorization: "Bearer t", "content-type": "text/plain" },
  body: "x",
};

describe("a redirect", () => {
  test.each([
    [301, GET, "GET"],
    [302, GET, "GET"],
    [307, POST, "POST"],
    [308, POST, "POST"],
    [303, POST, "GET"],
    [302, POST, "GET"],
  ] as const)("%i within the origin keeps credentials", async (status, request, then) => {
    const url = await serve(redirecting(status, (path) => (path === "/a" ? "/b" : undefined)));
    const { response, url: end } = await sendAndFollow(dispatcher, url, request);
    expect(await response.text(100)).toBe("there");
    expect(end.pathname).toBe("/b");
    expect(seen).toEqual([`${request.method} /a Bearer t`, `${then} /b Bearer t`]);
  });

  test("of another method than POST is not repeated as a read", async () => {
    const url = await serve(redirecting(302, () => "/b"));
    const { response } = await sendAndFollow(dispatcher, url, { ...POST, method: "DELETE" });
    expect(response.status).toBe(302);
    await response.discard();
    expect(seen).toHaveLength(1);
  });

  test("to another origin is refused, and nothing is sent there", async () => {
    const other = await serve((_request, response) => void response.end("elsewhere"));
    const url = await serve(redirecting(307, () => other.href));
    await expect(sendAndFollow(dispatcher, url, GET)).rejects.toThrow(`redirects to ${other.origin}`);
    expect(seen).toEqual(["GET /a Bearer t"]);
  });

  test("to another origin is followed without credentials where a read may be", async () => {
    const other = await serve((_request, response) => void response.end("elsewhere"));
    const url = await serve(redirecting(307, () => other.href));
    const rules = { headersElsewhere: { accept: "*/*" } };
    const { response } = await sendAndFollow(dispatcher, url, GET, rules);
    expect(await response.text(100)).toBe("elsewhere");
    expect(seen).toEqual(["GET /a Bearer t", "GET /a nobody"]);
    await expect(sendAndFollow(dispatcher, url, POST, rules)).rejects.toThrow(RedirectRefused);
  });

  test("that comes back from elsewhere brings no credentials with it", async () => {
    let home = "";
    const other = await serve((_request, response) => void response.writeHead(302, { location: `${home}/b` }).end());
    const url = await serve(redirecting(302, (path) => (path === "/a" ? other.href : undefined)));
    home = url.origin;
    const { response } = await sendAndFollow(dispatcher, url, GET, { headersElsewhere: {} });
    await response.discard();
    expect(seen).toEqual(["GET /a Bearer t", "GET /a nobody", "GET /b nobody"]);
  });

  test("after five others is one too many", async () => {
    const url = await serve(redirecting(307, (path) => `${path}a`));
    await expect(sendAndFollow(dispatcher, url, GET)).rejects.toThrow("redirects more than 5 times");
    expect(seen).toHaveLength(6);
  });

  test("to nowhere is refused", async () => {
    const url = await serve(redirecting(307, () => "http://["));
    await expect(sendAndFollow(dispatcher, url, GET)).rejects.toThrow("no address");
  });
});
