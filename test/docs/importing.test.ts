import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPlace, type Place } from "../cli/ccos-process.ts";
import { importOpenApi } from "../../src/importers/index.ts";
import { repository } from "../run-process.ts";

let page: string;
let place: Place;
let folder: string;
beforeAll(async () => {
  page = await readFile(join(repository, "docs", "importing.md"), "utf8");
  place = await createPlace();
  folder = await mkdtemp(join(tmpdir(), "ccos-importing-"));
});
afterAll(async () => {
  await place.remove();
  await rm(folder, { recursive: true });
});

test("docs/importing.md tells of every kind of import and of every option they share", async () => {
  const help = await place.ccos(["import", "--help"]);
  const kinds = [...help.stdout.matchAll(/^ {2}(\w+) \[options\] <source>/gm)].map(([, kind]) => kind as string);
  const [table = ""] = page.split("| option");
  const stated = [...table.matchAll(/^\| `(\w+)` +\| /gm)].map(([, kind]) => kind as string);
  expect(stated.toSorted((a, b) => a.localeCompare(b))).toEqual(kinds.toSorted((a, b) => a.localeCompare(b)));
  const shared = new Map<string, number>();
  for (const kind of kinds) {
    const { stdout } = await place.ccos(["import", kind, "--help"]);
    const own = stdout.slice(stdout.indexOf("Options:"), stdout.indexOf("Global Options:"));
    for (const [, option = ""] of own.matchAll(/^ {2}(--[\w-]+)/gm)) shared.set(option, (shared.get(option) ?? 0) + 1);
  }
  const documented = new Set([...page.matchAll(/^\| `(--[\w-]+)/gm)].map(([, option]) => option as string));
  for (const [option, count] of shared) if (count === kinds.length) expect([...documented]).toContain(option);
  for (const option of documented) expect([...shared.keys()]).toContain(option);
});

test("docs/importing.md shows what is told of an operation that is broken", async () => {
  const [, expected = ""] = /^not imported: (GET \/orders\/\{id\} .*)$/m.exec(page) ?? [];
  const lines = ["openapi: 3.1.0", "info: {title: Orders}", "servers: [{url: https://orders.example}]", "paths:"];
  lines.push("  /orders:", "    get:", "      operationId: list", "      responses: {200: {description: All}}");
  // The line of the page, so that what it shows is what comes out.
  while (lines.length < 38) lines.push("");
  lines.push("  /orders/{id}:", "    get:", "      parameters: [{$ref: '#/components/parameters/Id'}]");
  lines.push("      responses: {200: {description: One}}");
  await writeFile(join(folder, "api.yaml"), lines.join("\n"));
  const { notImported, capabilities } = await importOpenApi({
    source: "api.yaml",
    out: "capabilities/api",
    cwd: folder,
  });
  expect(notImported.map(({ operation, place: at, reason }) => `${operation} (${at}): ${reason}`)).toEqual([expected]);
  expect(capabilities).toEqual(["openapi.Orders.list"]);
});
