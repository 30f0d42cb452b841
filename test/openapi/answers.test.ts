import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { JsonObject } from "../../src/kernel/index.ts";
import { drive, type Driven } from "./driven.ts";
import { json, startService, type ScriptedService } from "./scripted-service.ts";

let service: ScriptedService;
let driven: Driven;
beforeAll(async () => {
  service = await startService();
  driven = drive();
});
afterAll(async () => {
  await driven[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

const at = (path: string, more: JsonObject = {}): JsonObject => ({ base_url: service.url, path, ...more });
const answer = (
  path: string,
  type: string | undefined,
  body: string | Buffer,
  headers: Record<string, string> = {},
): void =>
  service.on(
    `GET ${path}`,
    (_asked, response) => void response.writeHead(200, { ...(type && { "content-type": type }), ...headers }).end(body),
  );
const JSON_ONLY: JsonObject = { parameters: [], responses: { "200": { content: ["application/json"] } } };

describe("what an answer becomes", () => {
  it.each<[string, string | undefined, string | Buffer, unknown]>([
    [
      "JSON",
      "application/json; charset=utf-8",
      '{"a":[1,null],"__proto__":2}',
      JSON.parse('{"a":[1,null],"__proto__":2}'),
    ],
    ["JSON under another name", "application/vnd.api+json", "[1]", [1]],
    ["JSON of no declared type", undefined, '{"a":1}', { a: 1 }],
    ["a text", "text/plain", "hello", "hello"],
    ["a text in another charset", "text/plain; charset=iso-8859-1", Buffer.from([0xe9]), "é"],
    ["XML", "application/xml", "<a/>", "<a/>"],
    ["one value a line", "application/x-ndjson", '{"a":1}\n\n2\n', [{ a: 1 }, 2]],
    ["events", "text/event-stream", 'data: {"a":1}\n\ndata: text\n\n', [{ a: 1 }, "text"]],
    ["bytes", "image/png", Buffer.from([1, 2, 255]), { content_type: "image/png", data: "AQL/" }],
    ["nothing", "application/json", "", null],
    ["nothing of no declared type", undefined, "", null],
  ])("%s", async (name, type, body, value) => {
    answer(`/${encodeURIComponent(name)}`, type, body);
    expect(await driven.call(at(`/${encodeURIComponent(name)}`))).toEqual(value);
  });

  it("nothing, for the statuses that say so", async () => {
    service.on("GET /none", (_asked, response) => void response.writeHead(204).end());
    service.on("GET /same", (_asked, response) => void response.writeHead(304).end());
    expect(await driven.call(at("/none"))).toBeNull();
    expect(await driven.call(at("/same"))).toBeNull();
  });

  it("exact digits of large integers", async () => {
    answer("/big", "application/json", '{"id":9007199254740993}');
    expect(await driven.call(at("/big"))).toEqual({ id: 9007199254740993n });
  });

  it("the name of a file, and never a path", async () => {
    answer("/file", "application/pdf", "x", { "content-disposition": 'attachment; filename="../../etc/pa\\"sswd"' });
    expect(await driven.call(at("/file"))).toMatchObject({ filename: 'pa"sswd' });
    answer("/file", "application/pdf", "x", {
      "content-disposition": "attachment; filename=a; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf",
    });
    expect(await driven.call(at("/file"))).toMatchObject({ filename: "résumé.pdf" });
  });

  it("the whole of it where that is asked for, without cookies; always for HEAD", async () => {
    service.on("GET /whole", (_asked, response) =>
      json(response, { a: 1 }, 202, { "x-total": "7", "set-cookie": "a=secret" }),
    );
    const whole = await driven.call(at("/whole", { result: "response" }));
    expect(whole).toMatchObject({
      status: 202,
      content_type: "application/json",
      body: { a: 1 },
      headers: { "x-total": "7" },
    });
    expect(JSON.stringify(whole)).not.toContain("secret");
    service.on("HEAD /whole", (_asked, response) => void response.writeHead(200, { "x-total": "7" }).end());
    expect(await driven.call(at("/whole", { method: "HEAD" }))).toMatchObject({ status: 200, body: null });
  });

  it("decompressed, however it came", async () => {
    answer("/gzip", "application/json", gzipSync('{"a":1}'), { "content-encoding": "gzip" });
    expect(await driven.call(at("/gzip"))).toEqual({ a: 1 });
  });
});

describe("an answer that cannot be used", () => {
  it("is a page for people that nobody asked for", async () => {
    answer("/page", "text/html", "<h1>Sign in</h1>");
    const error = await driven.failure(at("/page"));
    expect(error).toMatchObject({ code: "protocol-error" });
    expect(error.message).toContain("the answer is text/html");
    expect(error.remedy).toContain("sign-in");
    expect(await driven.call(at("/page", { accept: "text/html" }))).toBe("<h1>Sign in</h1>");
  });

  it("is of another kind than the operation declares", async () => {
    answer("/other", "image/png", "x");
    const error = await driven.failure(at("/other", JSON_ONLY));
    expect(error.code).toBe("protocol-error");
    expect(error.message).toContain("the answer is image/png, and not application/json");
  });

  it("is none where JSON comes under the name of a text; else it is taken for what it is", async () => {
    answer("/text", "text/plain", '{"a":1}');
    expect(await driven.call(at("/text", JSON_ONLY))).toEqual({ a: 1 });
    answer("/text", "text/plain", "all is well");
    expect(await driven.failure(at("/text", JSON_ONLY))).toMatchObject({ code: "protocol-error" });
  });

  it("is JSON that is none, or cut short", async () => {
    answer("/broken", "application/json", '{"a":');
    expect(await driven.failure(at("/broken"))).toMatchObject({ code: "protocol-error", details: { executed: true } });
    service.on("GET /cut", (_asked, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
      response.write('{"a":');
      setImmediate(() => response.destroy());
    });
    expect(await driven.failure(at("/cut"))).toMatchObject({ code: "outcome-unknown" });
  });

  it("is too large, compressed or not", async () => {
    answer("/large", "application/json", JSON.stringify("x".repeat(20_000)));
    answer("/bomb", "application/json", gzipSync(Buffer.alloc(50_000_000, 32)), { "content-encoding": "gzip" });
    for (const path of ["/large", "/bomb"]) {
      const error = await driven.failure(at(path, { max_response_bytes: 10_000 }));
      expect(error).toMatchObject({ code: "protocol-error", details: { limit: 10_000 } });
      expect(error.remedy).toContain(":max_response_bytes");
    }
  });
});

describe("a refusal", () => {
  const refuse = (status: number, body: unknown, type = "application/problem+json", headers = {}): void =>
    service.on(
      "GET /refused",
      (_asked, response) =>
        void response
          .writeHead(status, { "content-type": type, ...headers })
          .end(typeof body === "string" ? body : JSON.stringify(body)),
    );

  it("is quoted, with what it says for programs", async () => {
    refuse(422, { title: "Invalid", detail: "name is \u001b[31mmissing", errors: [{ field: "na\u0007me" }] });
    const error = await driven.failure(at("/refused"));
    expect(error.code).toBe("rejected");
    expect(error.message).toBe(`Calling GET /refused at ${service.url}/ failed: HTTP 422: name is missing`);
    expect(error.details).toEqual({
      status: 422,
      body: { title: "Invalid", detail: "name is missing", errors: [{ field: "name" }] },
    });
  });

  it.each([400, 404, 405, 409, 410, 412, 418])("of status %i fails at once", async (status) => {
    refuse(status, { title: "No" });
    expect(await driven.failure(at("/refused"))).toMatchObject({ code: "rejected", details: { status } });
  });

  it("that says nothing is told in the words of the description", async () => {
    refuse(409, "");
    const responses = { "409": { description: "It is there already" }, "4XX": { description: "Wrong" } };
    expect((await driven.failure(at("/refused", { responses }))).message).toContain("HTTP 409: It is there already");
    refuse(404, "<html>Not found</html>", "text/html");
    expect((await driven.failure(at("/refused", { responses }))).message).toContain("HTTP 404: Wrong");
  });

  it("for too many calls says how long to wait", async () => {
    refuse(429, { title: "Slow down" }, "application/json", { "retry-after": "7" });
    expect(await driven.failure(at("/refused"))).toMatchObject({ code: "rate-limited", retryAfterMs: 7_000 });
  });

  it("of a server that is ill leaves the outcome open, or says that it did nothing", async () => {
    refuse(500, { title: "Oops" });
    expect(await driven.failure(at("/refused"))).toMatchObject({ code: "outcome-unknown" });
    refuse(503, { title: "Later" });
    expect(await driven.failure(at("/refused"))).toMatchObject({ code: "unavailable" });
  });
});

describe("redirects", () => {
  it("are followed within the origin, with everything", async () => {
    service.on("GET /old", (_asked, response) => void response.writeHead(302, { location: "/new?x=1" }).end());
    service.on("GET /new", (asked, response) => json(response, { auth: asked.headers.authorization }));
    await using own = drive({ T: "token-1" });
    expect(await own.call(at("/old", { auth_env_var: "T" }))).toEqual({ auth: "Bearer token-1" });
  });

  it("to another origin carry no credential of any kind", async () => {
    await using elsewhere = await startService();
    elsewhere.on("GET /file", (asked, response) => json(response, { headers: asked.headers, url: asked.url }));
    service.on(
      "GET /away",
      (_asked, response) => void response.writeHead(302, { location: `${elsewhere.url}/file` }).end(),
    );
    await using own = drive({ T: "token-1", K: "key-1", C: "cookie-1" });
    const auth: JsonObject[] = [
      { type: "bearer", env_var: "T" },
      { type: "api-key", in: "header", name: "X-Key", env_var: "K" },
      { type: "api-key", in: "cookie", name: "sid", env_var: "C" },
    ];
    const headers = { "X-Tenant": "acme" };
    const seen = JSON.stringify(
      await own.call(at("/away", { auth, headers, parameters: [{ name: "X-Own", in: "header" }] }), { "X-Own": "o" }),
    );
    for (const secret of ["token-1", "key-1", "cookie-1", "acme", "x-own"]) expect(seen).not.toContain(secret);
    service.on(
      "POST /away",
      (_asked, response) => void response.writeHead(307, { location: `${elsewhere.url}/file` }).end(),
    );
    expect(await own.failure(at("/away", { method: "POST", auth }))).toMatchObject({ code: "protocol-error" });
    expect(elsewhere.asked).toHaveLength(1);
  });

  it("without end are ended", async () => {
    service.on("GET /round", (asked, response) => void response.writeHead(302, { location: `${asked.url}1` }).end());
    service.on("GET /loop", (_asked, response) => void response.writeHead(302, { location: "/loop" }).end());
    const before = service.asked.length;
    expect(await driven.failure(at("/loop"))).toMatchObject({ code: "protocol-error" });
    expect(service.asked.length - before).toBeLessThan(10);
  });
});

describe("a request", () => {
  it("says who calls, and arrives byte for byte", async () => {
    service.on("PUT /bytes", (asked, response) =>
      json(response, {
        hash: createHash("sha256").update(asked.body, "latin1").digest("hex"),
        agent: asked.headers["user-agent"],
      }),
    );
    const bytes = Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256));
    const block = at("/bytes", { method: "PUT", request_body: { content: ["application/octet-stream"] } });
    expect(await driven.call(block, { body: { data: bytes.toString("base64") } })).toEqual({
      hash: createHash("sha256").update(bytes).digest("hex"),
      agent: "ccos",
    });
  });

  it("goes below the path of the base URL, with its query", async () => {
    service.on("GET /v1/a", (asked, response) => json(response, asked.url));
    expect(await driven.call({ base_url: `${service.url}/v1/?region=eu`, path: "a" }, { x: 1 })).toBe(
      "/v1/a?region=eu&x=1",
    );
  });
});
