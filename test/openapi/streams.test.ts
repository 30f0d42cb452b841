import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createEnvironment } from "../../src/index.ts";
import type { JsonObject, StreamEvent } from "../../src/kernel/index.ts";
import { drive, type Driven } from "./driven.ts";
import { json, startService, type ScriptedService } from "./scripted-service.ts";

let service: ScriptedService;
let driven: Driven;
beforeAll(async () => {
  service = await startService();
  driven = drive({ T: "token-1" });
});
afterAll(async () => {
  await driven[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

const at = (path: string, more: JsonObject = {}): JsonObject => ({ base_url: service.url, path, ...more });
const valuesOf = async (events: AsyncIterable<StreamEvent>): Promise<unknown[]> =>
  (await Array.fromAsync(events)).map((event) => (event.type === "data" ? event.value : event));
const asked = (): string[] => service.asked.splice(0).map(({ url }) => url);

describe("a call as a stream", () => {
  it("follows the links of a list, with its credential, wherever nothing else is declared", async () => {
    service.on("GET /linked", ({ url, headers }, response) => {
      const page = Number(new URL(url, "http://x").searchParams.get("page") ?? 1);
      const link = page < 3 ? { link: `</linked?page=${page + 1}&q=a>; rel="next"` } : {};
      json(response, [`${page}`, headers.authorization], 200, link as Record<string, string>);
    });
    asked();
    expect(await valuesOf(driven.stream(at("/linked", { auth_env_var: "T" }), { q: "a" }))).toEqual(
      ["1", "2", "3"].flatMap((n) => [n, "Bearer token-1"]),
    );
    expect(asked()).toEqual(["/linked?q=a", "/linked?page=2&q=a", "/linked?page=3&q=a"]);
  });

  it("keeps a key in the query that links leave out", async () => {
    service.on("GET /keyed", ({ url }, response) =>
      json(response, [url], 200, url.includes("page=2") ? {} : { link: '</keyed?page=2>; rel="next"' }),
    );
    const auth = { type: "api-key", in: "query", name: "key", env_var: "T" };
    expect(await valuesOf(driven.stream(at("/keyed", { auth })))).toEqual([
      "/keyed?key=token-1",
      "/keyed?page=2&key=token-1",
    ]);
  });

  it("counts pages and offsets from where its caller begins", async () => {
    service.on("GET /counted", ({ url }, response) => {
      const { searchParams } = new URL(url, "http://x");
      const at = Number(searchParams.get("page") ?? searchParams.get("skip"));
      json(response, { rows: at > 3 ? [] : [at] });
    });
    expect(
      await valuesOf(driven.stream(at("/counted", { pagination: { page_param: "page", items_path: "rows" } }))),
    ).toEqual([1, 2, 3]);
    const declared = {
      parameters: [{ name: "page", in: "query", as: "at" }],
      pagination: { page_param: "page", items_path: "rows" },
    };
    expect(await valuesOf(driven.stream(at("/counted", declared), { at: 3 }))).toEqual([3]);
    expect(
      await valuesOf(driven.stream(at("/counted", { pagination: { offset_param: "skip", items_path: "rows" } }))),
    ).toEqual([0, 1, 2, 3]);
  });

  it("puts a cursor into the body where that is its place", async () => {
    service.on("POST /search", ({ body }, response) => {
      const { q, page } = JSON.parse(body) as { q: string; page?: { after?: string } };
      json(response, { hits: [`${q}:${page?.after ?? ""}`], ...(page?.after === undefined && { next: "c2" }) });
    });
    const block = at("/search", {
      method: "POST",
      request_body: {},
      pagination: { cursor_param: "page.after", param_in: "body", cursor_path: "next", items_path: "hits" },
    });
    expect(await valuesOf(driven.stream(block, { body: { q: "a" } }))).toEqual(["a:", "a:c2"]);
  });

  it("asks for the next page only when the items before it have been taken", async () => {
    service.on("GET /lazy", (_asked, response) => json(response, [1, 2], 200, { link: '</lazy?more>; rel="next"' }));
    asked();
    for await (const event of driven.stream(at("/lazy"))) {
      if (event.type === "data" && event.value === 2) break;
    }
    expect(asked()).toEqual(["/lazy"]);
  });

  it("ends with an error after as many pages as are allowed", async () => {
    service.on("GET /endless", ({ url }, response) => json(response, [1], 200, { link: `<${url}1>; rel="next"` }));
    await expect(valuesOf(driven.stream(at("/endless?n=1", { pagination: { max_pages: 5 } })))).rejects.toMatchObject({
      code: "interrupted",
    });
  });

  it("of pages that lead to another origin ends there, and nothing is sent to it", async () => {
    await using elsewhere = await startService();
    service.on("GET /away", (_asked, response) =>
      json(response, [1], 200, { link: `<${elsewhere.url}/away>; rel="next"` }),
    );
    await expect(valuesOf(driven.stream(at("/away", { auth_env_var: "T" })))).rejects.toMatchObject({
      code: "protocol-error",
    });
    expect(elsewhere.asked).toEqual([]);
  });

  it("gives an answer without items as its result", async () => {
    service.on("GET /one", (_asked, response) => json(response, { a: 1 }));
    expect(await Array.fromAsync(driven.stream(at("/one")))).toEqual([{ type: "result", value: { a: 1 } }]);
  });

  it("gives one value a line as it comes, and waits for who takes them", async () => {
    service.on("GET /lines", (_asked, response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      for (let n = 0; n < 20_000; n++) response.write(`{"n":${n}}\n`);
      response.end('{"n":20000}');
    });
    let expected = 0;
    for await (const event of driven.stream(at("/lines")))
      expect(event).toEqual({ type: "data", value: { n: expected++ } });
    expect(expected).toBe(20_001);
  });

  it("ends with an error where a line is no JSON, after those before it", async () => {
    service.on(
      "GET /bad-lines",
      (_asked, response) =>
        void response.writeHead(200, { "content-type": "application/x-ndjson" }).end("1\n2\noops\n"),
    );
    const values: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const event of driven.stream(at("/bad-lines"))) values.push(event.type === "data" && event.value);
    };
    await expect(read()).rejects.toMatchObject({ code: "protocol-error" });
    expect(values).toEqual([1, 2]);
  });
});

describe("a stream behind the runtime", () => {
  async function itemsOf(block: string): Promise<unknown[]> {
    await using env = await createEnvironment({ capabilities: [], env: {} });
    await env.capabilities.load(
      `(capability "x.y" :description "d" :effects [:network] :metadata {:openapi {:base_url "${service.url}" :requires_session "auto" ${block}}})`,
    );
    return await valuesOf(env.stream("x.y"));
  }

  it("of pages that breaks is taken up after the last item that was taken, and gives each once", async () => {
    let cuts = 2;
    service.on("GET /cut", ({ url }, response) => {
      const page = Number(new URL(url, "http://x").searchParams.get("page") ?? 1);
      if (page === 2 && cuts-- > 0) return void response.destroy();
      json(response, [page * 10, page * 10 + 1], 200, page < 3 ? { link: `</cut?page=${page + 1}>; rel="next"` } : {});
    });
    asked();
    expect(await itemsOf(':path "/cut"')).toEqual([10, 11, 20, 21, 30, 31]);
    expect(asked()).toEqual(["/cut", "/cut?page=2", "/cut?page=2", "/cut?page=2", "/cut?page=3"]);
  });

  it("of events that breaks is taken up after the id of the last one", async () => {
    service.on("GET /broken-events", ({ headers }, response) => {
      const after = Number(headers["last-event-id"] ?? 0);
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`id: ${after + 1}\ndata: ${after + 1}\n\n`);
      if (after + 1 < 3) setTimeout(() => response.destroy(), 20);
      else response.end();
    });
    expect(await itemsOf(':path "/broken-events" :accept "text/event-stream"')).toEqual([1, 2, 3]);
  });
});
