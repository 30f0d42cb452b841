import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSchema, introspectionFromSchema, parse, validate } from "graphql";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readCapabilities, type Manifest } from "../../src/capability/index.ts";
import { createEnvironment } from "../../src/environment.ts";
import { importGraphql, type ImportGraphqlOptions, type ImportResult } from "../../src/importers/index.ts";
import { getOwn, isJsonObject, type JsonObject } from "../../src/kernel/index.ts";
import { printType } from "../../src/rtfs/index.ts";
import { startCannedServer } from "../graphql/canned-server.ts";
import { createShop, SHOP } from "../graphql/shop-schema.ts";
import { startYoga } from "../graphql/yoga-server.ts";
import { peerFile, peersInstalled } from "../peers/peers.ts";
import { runCcos } from "../run-process.ts";

let folder: string;
let out: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-import-"));
  out = join(folder, "out");
});
afterEach(() => rm(folder, { recursive: true }));

type Rest = Partial<ImportGraphqlOptions>;

async function fromText(text: string, rest: Rest = {}, name = "shop.graphql"): Promise<ImportResult> {
  await writeFile(join(folder, name), text);
  return importGraphql({ source: name, out, cwd: folder, endpoint: "https://shop.example/graphql", ...rest });
}

async function manifests(): Promise<Map<string, Manifest>> {
  const read = new Map<string, Manifest>();
  const known = { providers: () => ["graphql"], manifestTraits: () => undefined };
  for (const file of await readdir(out)) {
    const found = readCapabilities(await readFile(join(out, file), "utf8"), { trusted: true, providers: known });
    expect([file, found.errors, found.warnings]).toEqual([file, [], []]);
    for (const manifest of found.manifests) read.set(manifest.id, manifest);
  }
  return read;
}

function blockOf(manifest: Manifest | undefined): JsonObject {
  const block = manifest && getOwn(manifest.metadata, "graphql");
  if (!isJsonObject(block)) throw new Error("It has no block.");
  return block;
}

const input = (manifest: Manifest | undefined): string =>
  printType(manifest?.inputSchema ?? { kind: "primitive", name: "any" });

describe("importing a schema", () => {
  test("makes a capability of each query, mutation and subscription, under the host's name", async () => {
    const { capabilities, warnings, notImported } = await fromText(SHOP);
    expect(capabilities).toEqual([
      "graphql.shop-example.order",
      "graphql.shop-example.orders",
      "graphql.shop-example.search",
      "graphql.shop-example.old",
      "graphql.shop-example.boom",
      "graphql.shop-example.slow",
      "graphql.shop-example.place",
      "graphql.shop-example.order-2",
      "graphql.shop-example.count",
      "graphql.shop-example.ticks",
      "graphql.shop-example.broken",
    ]);
    expect(notImported).toEqual([]);
    expect(warnings).toEqual([
      '"order" would be "graphql.shop-example.order", which is taken; it became "graphql.shop-example.order-2".',
    ]);
    const read = await manifests();
    expect(blockOf(read.get("graphql.shop-example.order-2"))).toEqual({
      endpoint: "https://shop.example/graphql",
      requires_session: "true",
      operation:
        "mutation order($id: ID!, $state: State!) { order(id: $id, state: $state) { id state total customer { id name } secret } }",
      result_field: "order",
      introspection: "never",
    });
  });

  test("says of inputs what the schema says: enums, input objects, and what may be left out", async () => {
    await fromText(SHOP, { prefix: "s" });
    const read = await manifests();
    expect(input(read.get("s.order"))).toBe("[:map [:id :string]]");
    expect(input(read.get("s.orders"))).toBe(
      '[:map [:state [:optional [:enum "OPEN" "CLOSED"]]] [:tags [:optional [:vector :string]]]]',
    );
    expect(input(read.get("s.place"))).toMatch(
      /^\[:map \[:lines \[:vector \[:map \[:sku :string\] \[:amount :int \?\] \[:gift \[:optional \[:map \[:to :string\] \[:line /,
    );
    expect(read.get("s.order")?.description).toBe("One order.\n\nid: The id of the order.");
    expect(read.get("s.old")?.description).toBe("Deprecated: Use order.");
    expect(printType(read.get("s.orders")?.outputSchema ?? { kind: "primitive", name: "any" })).toContain("[:errors");
  });

  test("keeps inputs that contain themselves within bounds", async () => {
    const types = Array.from(
      { length: 12 },
      (_, index) =>
        `input I${index} { ${Array.from({ length: 12 }, (_each, inner) => `f${inner}: [I${inner}!]`).join(" ")} }`,
    );
    await fromText(`type Query { a(i: I0): Int } ${types.join("\n")}`, { prefix: "s" });
    const text = await readFile(join(out, "s.a.rtfs"), "utf8");
    expect(text.length).toBeLessThan(100_000);
    expect(await manifests()).toHaveProperty("size", 1);
  });

  test("of introspection JSON gives the same files", async () => {
    await fromText(SHOP, { prefix: "s", now: () => 0 });
    const files = await Promise.all((await readdir(out)).map((file) => readFile(join(out, file), "utf8")));
    await rm(out, { recursive: true });
    await fromText(
      JSON.stringify({ data: introspectionFromSchema(buildSchema(SHOP)) }),
      { prefix: "s", now: () => 0 },
      "shop.json",
    );
    const others = await Promise.all((await readdir(out)).map((file) => readFile(join(out, file), "utf8")));
    expect(others.map((text) => text.replace("shop.json", "shop.graphql"))).toEqual(files);
  });

  test("by name, by depth, with a variable for the token, and as one module", async () => {
    const rest = {
      prefix: "s",
      filter: "or*",
      depth: 1,
      authEnv: "SHOP_TOKEN",
      single: true,
      headers: { "X-Team": "a" },
    };
    const { capabilities, files } = await fromText(SHOP, rest);
    expect(capabilities).toEqual(["s.order", "s.orders", "s.order-2"]);
    expect(files).toHaveLength(1);
    const block = blockOf((await manifests()).get("s.order"));
    expect(block).toMatchObject({ auth_env_var: "SHOP_TOKEN", headers: { "X-Team": "a" } });
    expect(block["operation"]).toBe("query order($id: ID!) { order(id: $id) { id state total secret } }");
  });

  test("without an endpoint names a variable for it, and says so", async () => {
    const { warnings, capabilities } = await fromText("type Query { a: Int }", { endpoint: undefined });
    expect(warnings).toEqual([expect.stringContaining("--endpoint")]);
    expect(capabilities).toEqual(["graphql.shop.a"]);
    expect(blockOf((await manifests()).get("graphql.shop.a"))).toMatchObject({
      endpoint_override_env: "GRAPHQL_ENDPOINT",
    });
  });

  test("again replaces what has changed, and nothing else", async () => {
    await fromText("type Query { a: Int, b: Int }", { prefix: "s", now: () => 0 });
    const before = await readFile(join(out, "s.a.rtfs"), "utf8");
    await fromText("type Query { a: Int, b: String }", { prefix: "s", now: () => 1_000_000 });
    expect(await readFile(join(out, "s.a.rtfs"), "utf8")).toBe(before);
    expect(await readFile(join(out, "s.b.rtfs"), "utf8")).toContain("1970-01-01T00:16:40");
  });

  test("that is broken in part imports what is sound, and lists the rest with its place", async () => {
    const { capabilities, notImported, warnings } = await fromText(
      "type Query {\n  good: Thing\n  bad: Missing\n}\ntype Thing { id: ID, other: Missing }",
      { prefix: "s" },
    );
    expect(capabilities).toEqual(["s.good"]);
    expect(notImported).toEqual([
      { operation: "Query.bad", place: "shop.graphql:3:8", reason: "Its type Missing is not defined." },
    ]);
    expect(warnings).toEqual([expect.stringContaining("Thing.other (shop.graphql:5:")]);
  });

  test.each<[string, string, Rest]>([
    ["type Query {", "shop.graphql:1:13 cannot be read", {}],
    ["type Query { a: Int }", "whole number from 1 to 10", { depth: 11 }],
    ["type Query { a: Int }", "carries a secret", { headers: { "X-Api-Key": "x" } }],
    ["type Query { a: Int }", "holds credentials", { endpoint: "https://u:p@a.example/" }],
    ["type Query { a: Int }", "no http or https address", { endpoint: "ws://a.example/" }],
    ["type Query { a: Int }", "cannot begin an id", { prefix: "../x" }],
    ["type Query { a: Int }", "no such file", { source: "other.graphql" }],
  ])("refuses %j: %s", async (text, message, rest) => {
    await expect(fromText(text, rest)).rejects.toThrow(message);
    await expect(readdir(out)).rejects.toThrow("ENOENT");
  });

  test("writes names of a hostile schema nowhere but into the folder, and makes no code of its texts", async () => {
    const field = (name: string): object => ({
      name,
      description: '")\n(call "x")',
      type: { kind: "SCALAR", name: "Int" },
      args: [],
    });
    const names = ["ok", "__proto__", "../../evil", "con", "A", "a", "x".repeat(300)];
    const hostile = {
      __schema: {
        queryType: { name: "Query" },
        types: [
          { kind: "SCALAR", name: "Int" },
          { kind: "OBJECT", name: "Query", fields: names.map(field) },
        ],
      },
    };
    const { files, notImported } = await fromText(JSON.stringify(hostile), { prefix: "s" }, "evil.json");
    expect(notImported.map(({ operation }) => operation)).toEqual(["Query.../../evil"]);
    expect(files.every((file) => file.startsWith(`${out}/`))).toBe(true);
    expect((await readdir(folder)).toSorted()).toEqual(["evil.json", "out"]);
    expect(new Set((await readdir(out)).map((file) => file.toLowerCase())).size).toBe(6);
    expect((await manifests()).size).toBe(6);
  });
});

describe("importing from an endpoint", () => {
  test("asks for the schema, and what is written is called at once", async () => {
    const shop = createShop();
    await using server = await startYoga({ schema: shop.schema, token: "s3cret" });
    const env = { SHOP_TOKEN: "s3cret" };
    const source = server.url;
    await expect(importGraphql({ source, out })).rejects.toMatchObject({
      code: "unauthenticated",
      remedy: expect.stringContaining("--auth-env"),
    });
    const { capabilities } = await importGraphql({ source, out, authEnv: "SHOP_TOKEN", env, prefix: "s" });
    expect(capabilities).toHaveLength(11);
    const environment = await createEnvironment({ capabilities: [out], config: {}, env });
    expect(await environment.call("s.orders", { state: "CLOSED" })).toMatchObject({
      errors: [{ message: "Not for you." }],
    });
    expect(await environment.call("s.order-2", { id: "o1", state: "OPEN" })).toMatchObject({ data: { state: "OPEN" } });
    expect(await Array.fromAsync(environment.stream("s.count", { to: 2 }))).toHaveLength(2);
    await environment.close();
  });

  test("asks old servers for what they know", async () => {
    const introspection = introspectionFromSchema(buildSchema("type Query { a: Int }"));
    await using server = await startCannedServer(({ asked }) =>
      /isOneOf|specifiedByURL|includeDeprecated: true\) \{\s*\.\.\.InputValue/.test(asked.query ?? "")
        ? {
            status: 400,
            json: { errors: [{ message: "Cannot query field", extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }] },
          }
        : { json: { data: introspection } },
    );
    const { capabilities } = await importGraphql({ source: server.url, out, prefix: "s" });
    expect(capabilities).toEqual(["s.a"]);
    expect(server.requests.length).toBeGreaterThan(2);
  });

  test.each([
    [{ type: "text/html", body: "<html>" }, "protocol-error"],
    [{ status: 401, json: {} }, "unauthenticated"],
    [{ json: { errors: [{ message: "GraphQL introspection is not allowed" }] } }, "rejected"],
    [{ json: { data: { __schema: {} } } }, "protocol-error"],
  ] as const)("fails for %j with %s, and writes nothing", async (answer, code) => {
    await using server = await startCannedServer(answer);
    await expect(importGraphql({ source: server.url, out })).rejects.toMatchObject({ code });
    await expect(readdir(out)).rejects.toThrow("ENOENT");
  });

  test("that does not answer ends in time", async () => {
    await using server = await startCannedServer(() => new Promise(() => {}));
    await expect(importGraphql({ source: server.url, out, timeout: 200 })).rejects.toMatchObject({
      code: "deadline-exceeded",
    });
  });
});

describe.skipIf(!peersInstalled)("GitHub's whole schema (needs npm run peers)", () => {
  test(
    "is imported in seconds, every file passes the check, and every operation fits the schema",
    { timeout: 90_000 },
    async () => {
      const source = peerFile("@octokit/graphql-schema", "schema.graphql");
      const before = performance.now();
      const imported = await runCcos([
        "import",
        "graphql",
        source,
        "--out",
        out,
        "--endpoint",
        "https://api.github.com/graphql",
        "--prefix",
        "graphql.github",
        "--json",
      ]);
      const tookMs = performance.now() - before;
      expect(imported.code).toBe(0);
      expect(tookMs).toBeLessThan(20_000);
      const { capabilities, warnings, notImported } = JSON.parse(imported.stdout) as ImportResult;
      expect([warnings, notImported]).toEqual([[], []]);
      expect(capabilities.length).toBeGreaterThan(250);
      const checked = await runCcos(["check", out]);
      expect(checked.stdout + checked.stderr).toContain("0 errors, 0 warnings");
      expect(checked.code).toBe(0);
      const schema = buildSchema(await readFile(source, "utf8"), { assumeValid: true, assumeValidSDL: true });
      const invalid = [...(await manifests()).values()].filter(
        (manifest) => validate(schema, parse(String(blockOf(manifest)["operation"]))).length > 0,
      );
      expect(invalid).toEqual([]);
    },
  );
});
