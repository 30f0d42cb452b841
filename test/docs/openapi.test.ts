import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { TRAITS } from "../../src/providers/openapi/traits.ts";
import { createPlace, type Place } from "../cli/ccos-process.ts";
import { json, startService, type ScriptedService } from "../openapi/scripted-service.ts";
import { repository } from "../run-process.ts";

const page = await readFile(join(repository, "docs", "openapi.md"), "utf8");
const [example = ""] = [...page.matchAll(/^```clojure\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);

let service: ScriptedService;
let place: Place;
beforeAll(async () => {
  service = await startService();
  const books: { id: number; title: string }[] = [];
  const guarded = (auth: string | undefined): boolean => auth === "Bearer right-token";
  service.on("POST /v1/shelves/sf/books", ({ headers, body }, response) => {
    if (!guarded(headers.authorization)) return json(response, { title: "Who are you?" }, 401);
    const book = { id: books.length + 1, ...(JSON.parse(body) as { title: string }) };
    books.push(book);
    json(response, book, 201);
  });
  service.on("GET /v1/shelves/sf/books", ({ url }, response) => {
    const after = Number(new URL(url, service.url).searchParams.get("after") ?? 0);
    json(response, {
      books: books.slice(after, after + 1),
      ...(after + 1 < books.length && { next: String(after + 1) }),
    });
  });
  service.on(
    "GET /v1/covers/1",
    (_asked, response) => void response.writeHead(200, { "content-type": "image/png" }).end("png"),
  );
  place = await createPlace();
  await place.write({ "books.rtfs": example.replaceAll("https://books.example.com", service.url) });
});
afterAll(async () => {
  await place.remove();
  await service[Symbol.asyncDispose]();
});

const ccos = (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
  place.ccos([...args, "--capabilities", "books.rtfs"], { env: { BOOKS_TOKEN: "right-token" } });

describe("the example of docs/openapi.md", () => {
  test("is a file without errors and warnings", async () => {
    const { code, stdout } = await place.ccos(["check", "books.rtfs", "--json"]);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { capabilities: 3, errors: [], warnings: [] }]);
  });

  test("adds, lists page by page, and gets what is no JSON", async () => {
    const added = await ccos("call", "books.add", '{"shelf": "sf", "body": {"title": "Solaris"}}');
    expect(added).toMatchObject({ code: 0, stdout: '{"id":1,"title":"Solaris"}\n' });
    await ccos("call", "books.add", '{"shelf": "sf", "body": {"title": "Ubik"}}');
    expect(service.asked.map(({ headers }) => headers["idempotency-key"])).toEqual([
      expect.any(String),
      expect.any(String),
    ]);
    const listed = await ccos("call", "books.list", "shelf=sf", 'tags:=["new","short"]', "--stream");
    expect(listed.code).toBe(0);
    const events = listed.stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { value: unknown }).value);
    expect(events).toEqual([
      { id: 1, title: "Solaris" },
      { id: 2, title: "Ubik" },
    ]);
    expect(service.asked.slice(-2).map(({ url }) => url)).toEqual([
      "/v1/shelves/sf/books?tags=new,short",
      "/v1/shelves/sf/books?tags=new,short&after=1",
    ]);
    const cover = await ccos("call", "books.cover", "id=1");
    expect(JSON.parse(cover.stdout)).toEqual({ content_type: "image/png", data: "cG5n" });
  });
});

describe("docs/openapi.md", () => {
  test("names every key that the block may have", () => {
    const unsaid = new Set([
      "type",
      "timeout_ms",
      "timeout_seconds",
      "token_env_var",
      "url_override_env",
      "server_url_override_env",
      "endpoint_base_url",
    ]);
    const missing = (TRAITS.metadataKeys ?? []).filter((key) => !unsaid.has(key) && !page.includes(`\`${key}\``));
    expect(missing).toEqual([]);
  });
});
