import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import type { Agent } from "undici";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { createDispatcher } from "./dispatcher.ts";
import { fetchThrough } from "./fetch-through.ts";

let dispatcher: Agent;
let server: Server;
let at: string;
let seen: string[];

beforeEach(async () => {
  dispatcher = await createDispatcher();
  seen = [];
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    seen.push(`${request.method} ${request.url} ${request.headers["content-type"] ?? ""} ${body}`);
    if (request.url === "/away") response.writeHead(307, { location: "https://elsewhere.example/" }).end();
    else if (request.url === "/none") response.writeHead(204).end();
    else response.writeHead(201, { "x-a": ["1", "2"] }).end("x".repeat(Number(request.headers["x-size"] ?? 2)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await dispatcher.destroy();
  await new Promise((resolve) => server.close(resolve));
});

describe("a fetch over connections of ours", () => {
  test("sends what fetch sends, and gives what fetch gives", async () => {
    const fetching = fetchThrough(dispatcher);
    const answer = await fetching(`${at}/form`, { method: "post", body: new URLSearchParams({ a: "1 2" }) });
    expect([answer.status, answer.headers.get("x-a"), await answer.clone().text()]).toEqual([201, "1, 2", "xx"]);
    expect((await fetching(new URL(`${at}/none`))).status).toBe(204);
    await fetching(new Request(`${at}/request`, { method: "PUT", body: "text" }));
    expect(seen).toEqual([
      "POST /form application/x-www-form-urlencoded;charset=UTF-8 a=1+2",
      "GET /none  ",
      "PUT /request text/plain;charset=UTF-8 text",
    ]);
  });

  test("goes nowhere in the clear but on this machine", async () => {
    await expect(fetchThrough(dispatcher)("http://elsewhere.example/token")).rejects.toThrow(
      expect.objectContaining({ code: "permission-denied" }),
    );
    await expect(fetchThrough(dispatcher)("file:///etc/passwd")).rejects.toThrow("neither https nor");
  });

  test("does not go to this machine because another one says so", async () => {
    const named = fetchThrough(dispatcher, { namedBy: new URL("https://far.example/mcp") });
    await expect(named(`${at}/inside`)).rejects.toThrow(expect.objectContaining({ code: "permission-denied" }));
    expect(seen).toEqual([]);
    await fetchThrough(dispatcher, { namedBy: new URL("http://localhost:1/mcp") })(`${at}/inside`);
    expect(seen).toHaveLength(1);
  });

  test("follows no redirect to another origin", async () => {
    expect((await fetchThrough(dispatcher)(`${at}/away`)).status).toBe(307);
  });

  test("asks whoever has a say in it first", async () => {
    const allow = (url: URL, method: string): void => {
      throw new Error(`no ${method} ${url.pathname}`);
    };
    await expect(fetchThrough(dispatcher, { allow })(`${at}/x`, { method: "POST" })).rejects.toThrow("no POST /x");
    expect(seen).toEqual([]);
  });

  test("fails as fetch does where there is nobody, and where there is too much", async () => {
    const gone = fetchThrough(dispatcher)("http://127.0.0.1:1/");
    await expect(gone).rejects.toThrow(TypeError);
    const much = fetchThrough(dispatcher, { limit: 100 })(at, { headers: { "x-size": "101" } });
    await expect(much).rejects.toThrow(TypeError);
  });

  test("is given up with either signal", async () => {
    const [one, two] = [new AbortController(), new AbortController()];
    one.abort(new Error("one"));
    await expect(fetchThrough(dispatcher, { signal: one.signal })(at)).rejects.toThrow("one");
    two.abort(new Error("two"));
    await expect(
      fetchThrough(dispatcher, { signal: new AbortController().signal })(at, { signal: two.signal }),
    ).rejects.toThrow("two");
  });
});
