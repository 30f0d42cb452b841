import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { importOpenApi, type ImportOpenApiOptions, type ImportResult } from "../../src/importers/index.ts";

let folder: string;
const servers: Server[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-fetch-"));
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await rm(folder, { recursive: true });
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
interface Site {
  readonly url: string;
  /** Paths and authorization headers of the requests. */
  readonly asked: { readonly path: string; readonly authorization: string | undefined }[];
}

async function serve(answer: Answer): Promise<Site> {
  const asked: Site["asked"] = [];
  const server = createServer((request, response) => {
    asked.push({ path: request.url ?? "", authorization: request.headers.authorization });
    answer(request, response);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const DESCRIPTION = JSON.stringify({
  openapi: "3.1.0",
  info: { title: "Far" },
  paths: { "/a": { get: { operationId: "a", responses: { 200: { description: "" } } } } },
});
const json = (response: ServerResponse, text = DESCRIPTION): void =>
  void response.writeHead(200, { "content-type": "application/json" }).end(text);
const run = (source: string, options: Partial<ImportOpenApiOptions> = {}): Promise<ImportResult> =>
  importOpenApi({ source, out: "out", prefix: "far", cwd: folder, env: {}, ...options });
const redirect = (response: ServerResponse, location: string): void => void response.writeHead(302, { location }).end();

async function refused(
  source: string,
  options: Partial<ImportOpenApiOptions> = {},
): Promise<{ code: string; message: string; remedy?: string }> {
  const error = await run(source, options).then(
    () => Promise.reject(new Error("It was imported.")),
    (thrown: unknown) => thrown as { code: string; message: string },
  );
  expect(await readdir(folder)).toEqual([]);
  return error;
}

describe("a description at an address", () => {
  test("is read, and where it has no server the service is where the description is", async () => {
    const site = await serve((_request, response) => json(response));
    const { capabilities, files } = await run(`${site.url}/docs/api.json`);
    expect(capabilities).toEqual(["far.a"]);
    expect(await readFile(files[0] as string, "utf8")).toContain(`:base_url "${site.url}"`);
  });

  test("may be compressed, in every usual way", async () => {
    for (const [coding, bytes] of [
      ["gzip", gzipSync(DESCRIPTION)],
      ["br", brotliCompressSync(DESCRIPTION)],
    ] as const) {
      const site = await serve(
        (_request, response) => void response.writeHead(200, { "content-encoding": coding }).end(bytes),
      );
      expect((await run(site.url)).capabilities).toEqual(["far.a"]);
    }
  });

  test("refers to files of its own origin, and to no others", async () => {
    const other = await serve((_request, response) => json(response, '{"a": {"get": {}}}'));
    const paths = {
      "/near": { $ref: "parts/near.json#/a" },
      "/far": { $ref: `${other.url}/far.json#/a` },
      "/file": { $ref: "file:///etc/passwd" },
    };
    const site = await serve((request, response) =>
      json(
        response,
        request.url === "/docs/api.json"
          ? JSON.stringify({ openapi: "3.0.0", paths })
          : '{"a": {"get": {"responses": {}}}}',
      ),
    );
    const { capabilities, notImported } = await run(`${site.url}/docs/api.json`);
    expect(site.asked.map(({ path }) => path)).toEqual(["/docs/api.json", "/docs/parts/near.json"]);
    expect(other.asked).toEqual([]);
    expect(capabilities).toEqual(["far.get-near"]);
    expect(notImported.map(({ operation }) => operation)).toEqual(["/far", "/file"]);
  });

  test("is found where a redirect leads, and what is beside it is looked for there", async () => {
    const there = await serve((request, response) =>
      json(
        response,
        request.url === "/v2/api.json"
          ? '{"openapi":"3.0.0","paths":{"/a":{"$ref":"a.json"}}}'
          : '{"get":{"responses":{}}}',
      ),
    );
    const here = await serve((_request, response) => redirect(response, `${there.url}/v2/api.json`));
    expect((await run(here.url)).capabilities).toEqual(["far.get-a"]);
    expect(there.asked.map(({ path }) => path)).toEqual(["/v2/api.json", "/v2/a.json"]);
  });
});

describe("the token", () => {
  const options = { authEnv: "FAR_TOKEN", env: { FAR_TOKEN: "tok-12345" } };
  const guarded: Answer = (request, response) =>
    request.headers.authorization === "Bearer tok-12345" ? json(response) : void response.writeHead(401).end("who?");

  test("is sent where it is asked for, and not before", async () => {
    const open = await serve((_request, response) => json(response));
    await run(open.url, options);
    expect(open.asked.map(({ authorization }) => authorization)).toEqual([undefined]);
    const site = await serve(guarded);
    await run(site.url, options);
    expect(site.asked.map(({ authorization }) => authorization)).toEqual([undefined, "Bearer tok-12345"]);
  });

  test("goes to no other origin, even where that asks for it", async () => {
    const other = await serve(guarded);
    const site = await serve((_request, response) => redirect(response, other.url));
    const error = await run(site.url, options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unauthenticated" });
    expect(other.asked.map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  test("is named when it is missing or refused", async () => {
    const site = await serve(guarded);
    expect(await refused(site.url)).toMatchObject({
      code: "unauthenticated",
      remedy: expect.stringContaining("--auth-env"),
    });
    expect(await refused(site.url, { authEnv: "FAR_TOKEN" })).toMatchObject({
      code: "unauthenticated",
      message: expect.stringContaining("FAR_TOKEN"),
    });
    expect(await refused(site.url, { ...options, env: { FAR_TOKEN: "wrong-one" } })).toMatchObject({
      code: "unauthenticated",
      remedy: "Check the token in FAR_TOKEN.",
    });
  });
});

describe("an address that is no description", () => {
  test.each<[string, Answer, string, RegExp]>([
    [
      "a page",
      (_q, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<!DOCTYPE html><p>Docs"),
      "invalid-argument",
      /HTML/,
    ],
    ["nothing", (_q, response) => void response.writeHead(200).end(), "invalid-argument", /is empty/],
    ["a missing page", (_q, response) => void response.writeHead(404).end("no"), "not-found", /answered 404/],
    ["a failing server", (_q, response) => void response.writeHead(503).end("no"), "unavailable", /answered 503/],
    ["a refusal", (_q, response) => void response.writeHead(403).end("no"), "unauthenticated", /answered 403/],
    [
      "a redirect to itself",
      (request, response) => redirect(response, request.url ?? "/"),
      "protocol-error",
      /redirects without end/,
    ],
    [
      "10,000 redirects",
      (request, response) => redirect(response, `/${Number(request.url?.slice(1) || 0) + 1}`),
      "protocol-error",
      /redirects without end/,
    ],
    [
      "a redirect to a file",
      (_q, response) => redirect(response, "file:///etc/passwd"),
      "protocol-error",
      /no http\(s\) address/,
    ],
    [
      "a redirect with credentials",
      (_q, response) => redirect(response, "http://user:hunter22@127.0.0.1/"),
      "protocol-error",
      /no http\(s\) address/,
    ],
    [
      "a cut answer",
      (_q, response) => void response.writeHead(200, { "content-length": "1000" }).write("{", () => response.destroy()),
      "unavailable",
      /cannot be reached/,
    ],
    [
      "damaged compression",
      (_q, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end("no gzip"),
      "protocol-error",
      /damaged/,
    ],
    [
      "an unknown compression",
      (_q, response) => void response.writeHead(200, { "content-encoding": "zebra" }).end("x"),
      "protocol-error",
      /zebra/,
    ],
    [
      "a decompression bomb",
      (_q, response) =>
        void response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(80 * 1024 * 1024, " "))),
      "invalid-argument",
      /more than 67108864 bytes/,
    ],
    [
      "an announced flood",
      (_q, response) => void response.writeHead(200, { "content-length": String(2 ** 40) }).write("{"),
      "invalid-argument",
      /more than 67108864 bytes/,
    ],
  ])("%s is told as what it is", async (_name, answer, code, message) => {
    const site = await serve(answer);
    const error = await refused(site.url);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(JSON.stringify(error)).not.toContain("hunter22");
    expect(site.asked.length).toBeLessThan(50);
  });

  test("that never answers ends with its time, and at once when the caller has enough", async () => {
    const site = await serve(() => {});
    expect(await refused(site.url, { timeout: 200 })).toMatchObject({
      code: "deadline-exceeded",
      remedy: expect.stringContaining("--timeout"),
    });
    const caller = new AbortController();
    const pending = refused(site.url, { signal: caller.signal });
    caller.abort();
    expect(await pending).toMatchObject({ code: "canceled" });
  });

  test("where nobody listens is unavailable", async () => {
    const site = await serve(() => {});
    const server = servers.pop();
    server?.close();
    expect(await refused(site.url)).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });
});
