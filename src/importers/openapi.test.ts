import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readCapabilities, type Manifest } from "../capability/index.ts";
import type { JsonObject } from "../kernel/index.ts";
import { printType } from "../rtfs/index.ts";
import { importOpenApi, type ImportOpenApiOptions, type ImportResult } from "./index.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-openapi-"));
});
afterEach(() => rm(folder, { recursive: true }));

type Imported = ImportResult & { readonly manifests: ReadonlyMap<string, Manifest> };

async function run(description: object | string, options: Partial<ImportOpenApiOptions> = {}): Promise<Imported> {
  const text = typeof description === "string" ? description : JSON.stringify(description, null, 1);
  await writeFile(join(folder, "api.json"), text);
  const result = await importOpenApi({
    source: "api.json",
    out: "out",
    prefix: "it",
    cwd: folder,
    env: {},
    ...options,
  });
  const manifests = new Map<string, Manifest>();
  for (const file of result.files) {
    const read = readCapabilities(await readFile(file, "utf8"), {
      trusted: true,
      providers: { providers: () => ["openapi"], manifestTraits: () => undefined },
    });
    expect(read.errors).toEqual([]);
    for (const manifest of read.manifests) manifests.set(manifest.id, manifest);
  }
  expect([...manifests.keys()].toSorted()).toEqual(result.capabilities.toSorted());
  return { ...result, manifests };
}

const api = (paths: object, rest: object = {}): object => ({
  openapi: "3.1.0",
  info: { title: "Shop", version: "1" },
  servers: [{ url: "https://shop.example/v1" }],
  paths,
  ...rest,
});
const ok = { responses: { 200: { description: "OK" } } };
const blockOf = (imported: Imported, id: string): JsonObject =>
  imported.manifests.get(id)?.metadata["openapi"] as JsonObject;
const inputOf = (imported: Imported, id: string): string => {
  const type = imported.manifests.get(id)?.inputSchema;
  return type === undefined ? "" : printType(type);
};
const outputOf = (imported: Imported, id: string): string => {
  const type = imported.manifests.get(id)?.outputSchema;
  return type === undefined ? "" : printType(type);
};

describe("an operation", () => {
  const paths = {
    "/shops/{id}/items": {
      parameters: [{ name: "id", in: "path", required: true, schema: { type: "integer" }, description: "The shop" }],
      post: {
        operationId: "items/add",
        summary: "Add an item",
        description: "Adds it.\nAt once.",
        deprecated: true,
        parameters: [
          { name: "tags", in: "query", style: "pipeDelimited", schema: { type: "array", items: { type: "string" } } },
          { name: "id", in: "query", required: true, schema: { type: "string" } },
          { name: "body", in: "cookie", schema: {} },
          { name: "Accept", in: "header", schema: { type: "string" } },
          { name: "Idempotency-Key", in: "header", required: true, schema: { type: "string" } },
          { name: "filter", in: "query", content: { "application/json": { schema: { type: "object" } } } },
        ],
        requestBody: {
          required: true,
          content: {
            "application/json": {
              schema: {
                type: "object",
                required: ["name", "at"],
                properties: { name: { type: "string" }, at: { type: "string", readOnly: true } },
              },
            },
            "multipart/form-data": {
              schema: { type: "object", properties: { photo: { type: "string", format: "binary" } } },
              encoding: {
                photo: { contentType: "image/png, image/jpeg" },
                name: { contentType: "text/plain", headers: {} },
              },
            },
          },
        },
        responses: {
          201: {
            description: "Added",
            content: { "application/json": { schema: { $ref: "#/components/schemas/Item" } }, "text/csv": {} },
          },
          "4XX": { description: "Wrong\nin some way" },
        },
      },
    },
  };
  const components = {
    schemas: {
      Item: {
        type: "object",
        required: ["id"],
        properties: { id: { type: "integer" }, parent: { $ref: "#/components/schemas/Item" } },
      },
    },
  };

  it("becomes a capability with all it says", async () => {
    const imported = await run(api(paths, { components }));
    expect(imported.capabilities).toEqual(["it.items-add"]);
    expect(blockOf(imported, "it.items-add")).toEqual({
      base_url: "https://shop.example/v1",
      path: "/shops/{id}/items",
      method: "POST",
      operation_id: "items/add",
      requires_session: "auto",
      parameters: [
        { name: "id", in: "path" },
        { name: "tags", in: "query", style: "pipeDelimited" },
        { name: "id", in: "query", as: "id_query", required: true },
        { name: "body", in: "cookie" },
        { name: "Idempotency-Key", in: "header" },
        { name: "filter", in: "query", content: "application/json" },
      ],
      idempotency_key: "Idempotency-Key",
      request_body: {
        as: "request_body",
        required: true,
        content: {
          "application/json": {},
          "multipart/form-data": { encoding: { name: { content_type: "text/plain" } } },
        },
        content_type_as: "content_type",
      },
      responses: {
        201: { description: "Added", content: ["application/json", "text/csv"] },
        "4XX": { description: "Wrong in some way" },
      },
      accept: ["application/json"],
    });
    expect(inputOf(imported, "it.items-add")).toBe(
      "[:map [:id :int] [:tags [:vector :string] ?] [:id_query :string] [:body :any ?] [:Idempotency-Key :string ?] [:filter :map ?] " +
        "[:request_body [:union [:map [:name :string] [:at :string ?]] [:map [:photo [:union :string [:map [:data :string ?] [:text :string ?] [:content_type :string ?] [:filename :string ?]]] ?]]]] " +
        '[:content_type [:enum "application/json" "multipart/form-data"] ?]]',
    );
    expect(outputOf(imported, "it.items-add")).toBe("[:optional [:map [:id :int?] [:parent :any ?]]]");
    const manifest = imported.manifests.get("it.items-add");
    expect(manifest).toMatchObject({ name: "Add an item", effects: [":network"], execution: { kind: "provider" } });
    expect(manifest?.description).toBe("Deprecated.\n\nAdds it.\nAt once.\n\nid: The shop");
    expect(manifest?.metadata["discovery"]).toMatchObject({
      method: "openapi_description",
      server_name: "Shop",
      source_url: "api.json",
    });
    expect(imported.warnings).toEqual([
      'it.items-add: the query parameter "id" is the key "id_query": the name is taken.',
    ]);
  });

  it("without a name is called by its method and path", async () => {
    const imported = await run(api({ "/a/{b}/c.d": { get: ok, delete: ok }, "/": { get: ok } }));
    expect(imported.capabilities).toEqual(["it.get-a-b-c-d", "it.delete-a-b-c-d", "it.get"]);
    expect(blockOf(imported, "it.get-a-b-c-d")).not.toHaveProperty("operation_id");
    expect(inputOf(imported, "it.get-a-b-c-d")).toBe("[:map [:b :string]]");
    expect(imported.warnings).toContain(
      'it.get-a-b-c-d: the parameter "b" of the path is not declared; it is taken for a text.',
    );
  });

  it("may take slashes in its path, where the description says so", async () => {
    const parameters = ["owner", "path"].map((name) => ({
      name,
      in: "path",
      required: true,
      schema: { type: "string" },
      ...(name === "path" && { "x-multi-segment": true }),
    }));
    const imported = await run(
      api({ "/{owner}/contents/{path}": { get: { operationId: "read", parameters, ...ok } } }),
    );
    expect(blockOf(imported, "it.read")).toMatchObject({ path: "/{owner}/contents/{+path}" });
    expect(inputOf(imported, "it.read")).toBe("[:map [:owner :string] [:path :string]]");
  });

  it("is chosen by its name, in one file or in one for each", async () => {
    const paths = { "/a": { get: { operationId: "get-a", ...ok }, put: { operationId: "put-a", ...ok } } };
    expect((await run(api(paths), { filter: "get-*" })).capabilities).toEqual(["it.get-a"]);
    const single = await run(api(paths), { single: true, out: "single" });
    expect(single.files.map((file) => basename(file))).toEqual(["it-capabilities-module.rtfs"]);
    expect(single.capabilities).toEqual(["it.get-a", "it.put-a"]);
    expect(await readFile(single.files[0] as string, "utf8")).toContain('"ccos.capabilities.openapi:v1"');
  });

  it("is written again only where it has changed", async () => {
    const paths = { "/a": { get: { operationId: "a", ...ok } }, "/b": { get: { operationId: "b", ...ok } } };
    await run(api(paths), { now: () => 1_000_000 });
    const again = await run(api({ ...paths, "/b": { get: { operationId: "b", summary: "New", ...ok } } }), {
      now: () => 9_000_000,
    });
    expect(again.manifests.get("it.a")?.metadata["discovery"]).toMatchObject({
      created_at: "1970-01-01T00:16:40.000Z",
    });
    expect(again.manifests.get("it.b")?.metadata["discovery"]).toMatchObject({
      created_at: "1970-01-01T02:30:00.000Z",
    });
  });

  it("without anything to take refuses to be given something", async () => {
    expect(blockOf(await run(api({ "/a": { get: ok } })), "it.get-a")).toMatchObject({ parameters: [] });
  });
});

describe("a description in an older dialect", () => {
  it("is read as Swagger 2.0, with its bodies, forms, lists and shared parts", async () => {
    const imported = await run({
      swagger: "2.0",
      info: { title: "Old", version: "1" },
      host: "old.example",
      basePath: "/api",
      schemes: ["https"],
      consumes: ["application/json"],
      produces: ["application/json"],
      parameters: { limit: { name: "limit", in: "query", type: "integer" } },
      definitions: { Pet: { type: "object", required: ["name"], properties: { name: { type: "string" } } } },
      securityDefinitions: { key: { type: "apiKey", in: "header", name: "X-Key" } },
      security: [{ key: [] }],
      paths: {
        "/pets": {
          get: {
            operationId: "list",
            parameters: [
              { $ref: "#/parameters/limit" },
              { name: "ids", in: "query", type: "array", items: { type: "string" }, collectionFormat: "csv" },
            ],
            responses: { 200: { description: "", schema: { type: "array", items: { $ref: "#/definitions/Pet" } } } },
          },
          post: {
            operationId: "add",
            parameters: [{ name: "pet", in: "body", required: true, schema: { $ref: "#/definitions/Pet" } }],
            responses: {},
          },
          put: {
            operationId: "upload",
            consumes: ["multipart/form-data"],
            parameters: [{ name: "file", in: "formData", type: "file", required: true }],
            responses: {},
          },
          patch: { operationId: "broken", parameters: [{ name: "x", type: "string" }], responses: {} },
        },
      },
    });
    expect(imported.capabilities).toEqual(["it.list", "it.add", "it.upload"]);
    expect(blockOf(imported, "it.list")).toMatchObject({
      base_url: "https://old.example/api",
      parameters: [
        { name: "limit", in: "query" },
        { name: "ids", in: "query", explode: false },
      ],
      security: [[{ type: "api-key", in: "header", name: "X-Key", scheme: "key" }]],
    });
    expect(inputOf(imported, "it.add")).toBe("[:map [:body [:map [:name :string]]]]");
    expect(inputOf(imported, "it.upload")).toContain("[:file [:union :string [:map [:data :string ?]");
    expect(outputOf(imported, "it.list")).toBe("[:optional [:vector [:map [:name :string?]]]]");
    expect(imported.notImported).toEqual([
      {
        operation: "broken",
        place: expect.stringMatching(/^api\.json:\d+:\d+ #\/paths\/~1pets\/patch$/),
        reason: "Its parameter 1 does not say where it goes.",
      },
    ]);
  });

  it("may be YAML that writes its version as a number", async () => {
    const text =
      "swagger: 2.0\ninfo: {title: x, version: 1}\nhost: x.example\npaths:\n  /a:\n    get:\n      responses:\n        200: {description: fine}\n";
    expect((await run(text)).capabilities).toEqual(["it.get-a"]);
  });

  it.each([
    [{ openapi: "4.0.0", paths: {} }, /version "4.0.0"/],
    [{ swagger: "1.2" }, /version "1.2"/],
    [{ info: {} }, /says neither/],
    ["[1, 2]", /is a list/],
    ["<html></html>", /HTML/],
    ['{"openapi": "3.0.0",\n "paths": {]}', /api\.json:2:12 is no JSON/],
  ])("is refused when it is none: %j", async (description, message) => {
    await expect(run(description)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(message),
    });
    expect(await readdir(folder)).toEqual(["api.json"]);
  });
});

describe("what is broken in a description", () => {
  it("is listed with its place, and the rest is imported", async () => {
    const loop = {
      "#a": { $ref: "#/components/parameters/b" },
      b: { $ref: "#/components/parameters/a" },
      a: { $ref: "#/components/parameters/b" },
    };
    const imported = await run(
      api(
        {
          "no-slash": { get: ok },
          "/list": [],
          "/gone": { $ref: "#/components/pathItems/Gone" },
          "/null": { get: null, put: { operationId: "sound", ...ok } },
          "/loop": { get: { operationId: "loop", parameters: [{ $ref: "#/components/parameters/a" }], ...ok } },
          "/dangling": {
            get: { operationId: "dangling", requestBody: { $ref: "#/components/requestBodies/No" }, ...ok },
          },
          "/parameters": { get: { operationId: "parameters", parameters: "none", ...ok } },
          "/nowhere": { get: { operationId: "nowhere", parameters: [{ name: "x", in: "body" }], ...ok } },
          "/header": {
            get: { operationId: "header", parameters: [{ name: "a b", in: "header", required: true }], ...ok },
          },
          "/server": { get: { operationId: "server", servers: [{ url: "ftp://x.example" }], ...ok } },
          "/template": { get: { operationId: "template", servers: [{ url: "https://{host}.example" }], ...ok } },
          "/space d": { get: { operationId: "space", ...ok } },
          "/search": { query: { operationId: "search", ...ok } },
        },
        { components: { parameters: loop } },
      ),
    );
    expect(imported.capabilities).toEqual(["it.sound"]);
    const told = imported.notImported.map(({ operation, place, reason }) => [
      operation,
      place?.replace(/^api\.json:\d+:\d+ /, ""),
      reason,
    ]);
    expect(Object.fromEntries(told.map(([operation, ...rest]) => [operation, rest]))).toEqual({
      "no-slash": ["#/paths/no-slash", "A path begins with a slash."],
      "/list": ["#/paths/~1list", "It is no object."],
      "/gone": ["#/paths/~1gone", 'The reference "#/components/pathItems/Gone" leads nowhere.'],
      "GET /null": ["#/paths/~1null/get", "It is no object."],
      loop: ["#/paths/~1loop/get", expect.stringContaining("goes round in a circle")],
      dangling: ["#/paths/~1dangling/get", 'The reference "#/components/requestBodies/No" leads nowhere.'],
      parameters: ["#/paths/~1parameters/get", "Its parameters are no list."],
      nowhere: ["#/paths/~1nowhere/get", 'Its parameter "x" does not say where it goes.'],
      header: ["#/paths/~1header/get", 'Needed, but the parameter "a b" can be no header.'],
      server: ["#/paths/~1server/get", expect.stringContaining("no http(s) address")],
      template: ["#/paths/~1template/get", expect.stringContaining("whose variables have no values")],
      space: ["#/paths/~1space d/get", expect.stringContaining("no template of a path")],
      "QUERY /search": ["#/paths/~1search/query", "Only the methods of OpenAPI 3.1 are called."],
    });
    for (const { place } of imported.notImported) expect(place).toMatch(/^api\.json:\d+:\d+ #/);
  });

  it("does not matter where a schema is cyclic, deep, broken or huge: the file stays small", async () => {
    const wide = Object.fromEntries(
      Array.from({ length: 60 }, (_, at) => [`p${at}`, { $ref: "#/components/schemas/Wide" }]),
    );
    let deep: object = { type: "string" };
    for (let level = 0; level < 150; level++) deep = { type: "object", properties: { inner: deep } };
    const schemas = {
      Self: { $ref: "#/components/schemas/Self" },
      Tree: {
        type: "object",
        properties: { children: { type: "array", items: { $ref: "#/components/schemas/Tree" } } },
      },
      Wide: { type: "object", properties: wide },
      Ping: { allOf: [{ $ref: "#/components/schemas/Pong" }] },
      Pong: { allOf: [{ $ref: "#/components/schemas/Ping" }] },
      Dangling: { type: "object", properties: { x: { $ref: "#/nowhere" } } },
      Odd: { type: 7, properties: [], required: "x", enum: {}, pattern: "(", allOf: 3 },
      Deep: deep,
    };
    const paths = Object.fromEntries(
      Object.keys(schemas).map((name) => {
        const content = { "application/json": { schema: { $ref: `#/components/schemas/${name}` } } };
        return [
          `/${name}`,
          { post: { operationId: name, requestBody: { content }, responses: { 200: { description: "", content } } } },
        ];
      }),
    );
    const imported = await run(api(paths, { components: { schemas } }));
    expect(imported.notImported).toEqual([]);
    expect(imported.capabilities).toHaveLength(Object.keys(schemas).length);
    expect(inputOf(imported, "it.Tree")).toBe("[:map [:body [:map [:children [:vector :any] ?]] ?]]");
    expect(inputOf(imported, "it.Self")).toBe("[:map [:body :any ?]]");
    for (const file of imported.files) expect((await readFile(file, "utf8")).length).toBeLessThan(60_000);
  });

  it("may be all of it: that is a warning and no file", async () => {
    expect(await run(api({}))).toMatchObject({
      files: [],
      capabilities: [],
      warnings: ["api.json lists no operation."],
    });
    expect(await run({ openapi: "3.0.0" }, { server: "https://x.example" })).toMatchObject({
      files: [],
      notImported: [],
    });
    expect(
      await run(
        {
          openapi: "3.0.0",
          servers: 3,
          components: [],
          security: "x",
          info: null,
          paths: { "/a": { get: { responses: [] } } },
        },
        { server: "https://x.example" },
      ),
    ).toMatchObject({ capabilities: ["it.get-a"] });
  });
});

describe("a hostile description", () => {
  const EVIL = 'x")\n(call "ccos.io.delete-file" {:path "/"})\n;; "\u001b[31m\u202e';
  const names = [
    "../../../../etc/cron.d/evil",
    "/etc/passwd",
    "..",
    ".",
    "a/b",
    "a b",
    "a-b",
    EVIL,
    "x".repeat(5_000),
    "__proto__",
    "constructor",
    "\ud800",
    "日本語",
    "con",
    "nul",
  ];

  it("stays data, in one folder, under names that are all different", async () => {
    const paths = Object.fromEntries(
      names.map((name, at) => [
        `/p${at}/{__proto__}`,
        {
          get: {
            operationId: name,
            summary: EVIL,
            description: EVIL,
            tags: [EVIL],
            parameters: [
              { name: "__proto__", in: "path", required: true, schema: { type: "string" }, description: EVIL },
              { name: EVIL, in: "query", schema: { enum: [EVIL] }, description: EVIL },
            ],
            responses: {
              200: {
                description: EVIL,
                content: {
                  "application/json": { schema: { type: "object", properties: { [EVIL]: { const: EVIL } } } },
                },
              },
            },
          },
        },
      ]),
    );
    const { prefix: _, ...noPrefix } = { prefix: undefined };
    const imported = await run(api(paths, { info: { title: `../../${EVIL}` } }), { ...noPrefix, prefix: undefined });
    expect(imported.notImported).toEqual([]);
    expect((await readdir(folder)).toSorted()).toEqual(["api.json", "out"]);
    expect(imported.capabilities).toHaveLength(names.length);
    expect(new Set(imported.files.map((file) => file.toLowerCase())).size).toBe(names.length);
    for (const file of imported.files) {
      expect(dirname(file)).toBe(join(folder, "out"));
      const text = await readFile(file, "utf8");
      expect(text.split("\n").filter((line) => line.trimStart().startsWith(";"))).toHaveLength(1);
      expect(text).not.toMatch(/[\u001b\u202e]/);
    }
    for (const manifest of imported.manifests.values()) {
      expect(manifest.id).toMatch(/^openapi\.-x-call-[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+$/);
      expect(manifest.execution.kind).toBe("provider");
    }
  });

  it("writes through no link that stands in the folder", async () => {
    const target = join(folder, "target");
    await writeFile(target, ':method "openapi_description"');
    await mkdir(join(folder, "out"));
    await symlink(target, join(folder, "out", "it.get-a.rtfs"));
    await run(api({ "/a": { get: ok } }));
    expect(await readFile(target, "utf8")).toBe(':method "openapi_description"');
  });

  it("names no server with credentials, and none that is no web address", async () => {
    for (const url of [
      "https://user:hunter22@x.example",
      "javascript:alert(1)",
      "file:///etc/passwd",
      "https://",
      "/v1",
      "",
      "{scheme}://x",
    ]) {
      const error = run({ ...api({ "/a": { get: ok } }), servers: [{ url }] });
      const { notImported, capabilities } = await error;
      expect(capabilities).toEqual([]);
      expect(notImported).toEqual([expect.objectContaining({ operation: "GET /a" })]);
      expect(JSON.stringify(notImported)).not.toContain("hunter22");
    }
  });
});

describe("servers", () => {
  const get = { "/a": { get: ok } };
  const baseOf = async (servers: unknown, options: object = {}): Promise<unknown> =>
    blockOf(await run({ ...api(get), servers }, options), "it.get-a")["base_url"];

  it("have their variables filled with what stands for them", async () => {
    const variables = { region: { default: "eu" }, port: { enum: ["8443", "443"] }, base: { default: 2 } };
    expect(await baseOf([{ url: "https://{region}.shop.example:{port}/v{base}/", variables }])).toBe(
      "https://eu.shop.example:8443/v2",
    );
    expect(await baseOf([{ url: "//shop.example/" }])).toBe("https://shop.example");
  });

  it("are the first of several, with a warning, or the one that is given", async () => {
    const servers = [{ url: "https://a.example" }, { url: "https://b.example" }];
    const imported = await run({ ...api(get), servers });
    expect(blockOf(imported, "it.get-a")["base_url"]).toBe("https://a.example");
    expect(imported.warnings).toEqual([expect.stringMatching(/There are 2 servers.*https:\/\/b\.example.*--server/)]);
    const given = await run({ ...api(get), servers }, { server: "http://127.0.0.1:8080/v2/" });
    expect(blockOf(given, "it.get-a")["base_url"]).toBe("http://127.0.0.1:8080/v2");
    expect(given.warnings).toEqual([]);
    await expect(run(api(get), { server: "127.0.0.1" })).rejects.toMatchObject({ code: "invalid-argument" });
  });

  it("of a path or an operation go before those of all, and get no token that is meant for these", async () => {
    const paths = {
      "/a": {
        servers: [{ url: "https://path.example" }],
        get: { operationId: "a", ...ok },
        put: { operationId: "b", servers: [{ url: "https://op.example" }], ...ok },
      },
      "/c": { get: { operationId: "c", ...ok } },
    };
    const imported = await run(api(paths), { authEnv: "SHOP_TOKEN" });
    expect(blockOf(imported, "it.a")).toMatchObject({ base_url: "https://path.example" });
    expect(blockOf(imported, "it.b")).toMatchObject({ base_url: "https://op.example" });
    expect(blockOf(imported, "it.a")).not.toHaveProperty("auth_env_var");
    expect(blockOf(imported, "it.c")).toMatchObject({
      base_url: "https://shop.example/v1",
      auth_env_var: "SHOP_TOKEN",
    });
    expect(imported.warnings).toEqual([
      expect.stringContaining("https://path.example"),
      expect.stringContaining("https://op.example"),
    ]);
  });

  it("that are not encrypted are warned of where there is a token", async () => {
    const servers = [{ url: "http://shop.example" }];
    expect((await run({ ...api(get), servers }, { authEnv: "T" })).warnings).toEqual([
      expect.stringContaining("in the clear"),
    ]);
    expect((await run({ ...api(get), servers })).warnings).toEqual([]);
  });
});

describe("security", () => {
  const schemes = {
    key: { type: "apiKey", in: "query", name: "k" },
    basic: { type: "http", scheme: "Basic" },
    bearer: { type: "http", scheme: "bearer" },
    oauth: { type: "oauth2", flows: {} },
    digest: { type: "http", scheme: "digest" },
    tls: { type: "mutualTLS" },
  };
  const keysOf = async (security: unknown, authEnv?: string): Promise<JsonObject> => {
    const imported = await run(
      api(
        { "/a": { get: { ...ok, ...(security !== undefined && { security }) } } },
        { components: { securitySchemes: schemes } },
      ),
      { authEnv },
    );
    const { security: written, auth_env_var } = blockOf(imported, "it.get-a");
    return { ...(written !== undefined && { security: written }), ...(auth_env_var !== undefined && { auth_env_var }) };
  };

  it("is written as it is declared, and the variable is that of the first way", async () => {
    expect(await keysOf([{ bearer: [] }, { key: [] }], "T")).toEqual({
      security: [
        [{ type: "bearer", scheme: "bearer", env_var: "T" }],
        [{ type: "api-key", in: "query", name: "k", scheme: "key" }],
      ],
    });
    expect(await keysOf([{ key: [], basic: [] }], "T")).toEqual({
      security: [
        [
          { type: "api-key", in: "query", name: "k", scheme: "key", env_var: "T" },
          { type: "basic", scheme: "basic", env_var: "T_2" },
        ],
      ],
    });
    expect(await keysOf([{ oauth: ["read"] }], "T")).toEqual({
      security: [[{ type: "bearer", scheme: "oauth", env_var: "T" }]],
    });
    expect(await keysOf([{ key: [] }])).toEqual({
      security: [[{ type: "api-key", in: "query", name: "k", scheme: "key" }]],
    });
  });

  it("may be optional or absent: then nothing is sent that nobody asked for", async () => {
    expect(await keysOf([{}, { bearer: [] }], "T")).toEqual({
      security: [[{ type: "bearer", scheme: "bearer", env_var: "T" }], []],
    });
    expect(await keysOf([], "T")).toEqual({});
    expect(await keysOf([{}], "T")).toEqual({});
  });

  it("of a kind that no variable serves, or of none, leaves a bearer token", async () => {
    expect(await keysOf(undefined, "T")).toEqual({ auth_env_var: "T" });
    expect(await keysOf([{ digest: [] }, { tls: [] }, { unknown: [] }], "T")).toEqual({ auth_env_var: "T" });
    expect(await keysOf(undefined)).toEqual({});
  });
});

describe("a description of several files", () => {
  it("is read with all that is beside it, once each, cycles too", async () => {
    await mkdir(join(folder, "parts"));
    await writeFile(
      join(folder, "parts", "items.yaml"),
      "get:\n  operationId: items\n  parameters:\n    - $ref: common.yaml#/limit\n  responses:\n    200:\n      description: fine\n      content:\n        application/json:\n          schema: {$ref: './schemas.json#/Item'}\n",
    );
    await writeFile(
      join(folder, "parts", "common.yaml"),
      "limit: {name: limit, in: query, schema: {$ref: '../api.json#/components/schemas/Limit'}}\n",
    );
    await writeFile(
      join(folder, "parts", "schemas.json"),
      JSON.stringify({
        Item: { type: "object", properties: { id: { $ref: "#/Id" }, next: { $ref: "schemas.json#/Item" } } },
        Id: { type: "integer" },
      }),
    );
    const imported = await run(
      api(
        { "/items": { $ref: "parts/items.yaml" } },
        { components: { schemas: { Limit: { type: "integer", maximum: 9 } } } },
      ),
    );
    expect(imported.notImported).toEqual([]);
    expect(inputOf(imported, "it.items")).toBe("[:map [:limit [:and :int [:<= 9]] ?]]");
    expect(outputOf(imported, "it.items")).toBe("[:optional [:map [:id :int?] [:next :any ?]]]");
  });

  it("loses only what refers to a file that is missing, broken or not beside it", async () => {
    await writeFile(join(folder, "broken.yaml"), "a: [1\n");
    const get = (operationId: string, $ref: string): object => ({
      get: { operationId, parameters: [{ $ref }], ...ok },
    });
    const imported = await run(
      api({
        "/a": get("missing", "missing.yaml#/x"),
        "/b": get("broken", "broken.yaml#/a"),
        "/c": get("outside", "/etc/passwd"),
        "/d": get("net", "https://evil.example/x"),
        "/e": { get: { operationId: "sound", ...ok } },
      }),
    );
    expect(imported.capabilities).toEqual(["it.sound"]);
    expect(Object.fromEntries(imported.notImported.map(({ operation, reason }) => [operation, reason]))).toEqual({
      missing: expect.stringContaining("there is no such file"),
      broken: expect.stringContaining("broken.yaml:"),
      outside: expect.stringContaining("outside the folder"),
      net: expect.stringContaining("not beside it"),
    });
  });

  it("in Swagger 2.0 takes parameters and paths from other files, too", async () => {
    await writeFile(
      join(folder, "more.yaml"),
      "path:\n  get:\n    operationId: far\n    parameters:\n      - $ref: '#/size'\n    responses: {200: {description: ok, schema: {$ref: '#/thing'}}}\nsize: {name: size, in: query, type: integer}\nthing: {type: object, properties: {a: {type: string}}}\n",
    );
    const imported = await run({
      swagger: "2.0",
      info: {},
      host: "x.example",
      schemes: ["https"],
      paths: { "/far": { $ref: "more.yaml#/path" } },
    });
    expect(imported.notImported).toEqual([]);
    expect(inputOf(imported, "it.far")).toBe("[:map [:size :int ?]]");
    expect(outputOf(imported, "it.far")).toBe("[:optional [:map [:a :string?]]]");
  });
});
