import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPlace, type Place } from "./ccos-process.ts";

let place: Place;
const operation = (operationId: string, rest: object = {}): object => ({
  operationId,
  responses: { 204: { description: "" } },
  ...rest,
});
const description = (paths: object): string =>
  JSON.stringify(
    { openapi: "3.1.0", info: { title: "Shop" }, servers: [{ url: "https://shop.example" }], paths },
    null,
    1,
  );

beforeAll(async () => {
  place = await createPlace();
  await place.write({
    "sound.json": description({ "/a": { get: operation("a"), put: operation("b") } }),
    "partly.json": description({
      "/a": { get: operation("a") },
      "/b\u001b[31m": { get: operation("evil\u001b[31m"), put: 3 },
    }),
    "broken.json": description({ "/a": { get: operation("a", { parameters: 1 }) } }),
    "cut.yaml": "openapi: 3.0.0\npaths: {\n",
    "page.html": "<!doctype html>",
  });
});
afterAll(() => place.remove());

test("prints the files on stdout and what came of it on stderr", async () => {
  expect(await place.ccos(["import", "openapi", "sound.json", "--out", "caps/shop", "--prefix", "shop"])).toEqual({
    code: 0,
    stdout: "caps/shop/shop.a.rtfs\ncaps/shop/shop.b.rtfs\n",
    stderr: "2 capabilities in 2 files.\n",
  });
  expect(await place.ccos(["check", "caps/shop"])).toMatchObject({ code: 0 });
  expect((await place.ccos(["describe", "shop.a", "--capabilities", "caps/shop"])).stdout).toContain(
    "https://shop.example",
  );
});

test("prints JSON where that is asked for", async () => {
  const { code, stdout, stderr } = await place.ccos([
    "import",
    "openapi",
    "partly.json",
    "--out",
    "json",
    "--json",
    "--server",
    "http://127.0.0.1:1",
  ]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout)).toEqual({
    files: [join(place.folder, "json/openapi.Shop.a.rtfs")],
    capabilities: ["openapi.Shop.a"],
    warnings: [],
    notImported: [
      { operation: "PUT /b", place: expect.stringMatching(/^partly\.json:\d+:\d+ #/), reason: "It is no object." },
      {
        operation: "evil",
        place: expect.stringMatching(/^partly\.json:\d+:\d+ #/),
        reason: expect.stringContaining("no template"),
      },
    ],
    stale: [],
  });
});

test("lists what could not be imported, safe to read, and fails where nothing could be", async () => {
  const partly = await place.ccos(["import", "openapi", "partly.json", "--out", "partly"]);
  expect(partly.code).toBe(0);
  expect(partly.stderr).toMatch(
    /^not imported: PUT \/b \(partly\.json:\d+:\d+ #\/paths\/~1b\/put\): It is no object\.\n/,
  );
  expect(partly.stderr).toMatch(/1 capability in 1 file; 2 not imported\.\n$/);
  expect(partly.stderr).not.toContain("\u001b");
  const broken = await place.ccos(["import", "openapi", "broken.json", "--out", "broken"]);
  expect(broken).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining("0 capabilities in 0 files; 1 not imported."),
  });
});

test.each([
  [["cut.yaml"], 1, /cut\.yaml:\d+:\d+ is no YAML or JSON/],
  [["page.html"], 1, /page in HTML/],
  [["missing.json"], 1, /there is no such file/],
  [["sound.json", "--server", "shop.example"], 1, /no http\(s\) address|no whole address/],
  [["sound.json", "--prefix", "../x"], 1, /cannot begin an id/],
  [["sound.json", "--auth-env", "not a name"], 1, /is not the name of a variable/],
  [["sound.json", "--timeout", "never"], 2, /whole number/],
  [[], 2, /missing required argument/],
])("refuses %j and writes nothing", async (args, code, message) => {
  const before = await readdir(place.folder);
  const ended = await place.ccos(["import", "openapi", ...args, "--out", "never"]);
  expect(ended).toMatchObject({ stdout: "", stderr: expect.stringMatching(message) });
  expect(ended.code).toBe(code);
  expect(await readdir(place.folder)).toEqual(before);
});

test("wants a folder, and tells of every kind", async () => {
  expect(await place.ccos(["import", "openapi", "sound.json"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--out"),
  });
  const { stdout } = await place.ccos(["import", "--help"]);
  for (const kind of ["mcp", "openapi", "graphql", "grpc"]) expect(stdout).toContain(`  ${kind} [options] <source>`);
});
