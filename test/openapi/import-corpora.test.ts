import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { globSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { checkCapabilities } from "../../src/environment.ts";
import { importOpenApi, type ImportResult } from "../../src/importers/index.ts";
import { githubDescription, peerFile, peersInstalled } from "../peers/peers.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-corpora-"));
});
afterAll(() => rm(folder, { recursive: true }));

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** Counted without the importer: what a description of one file has below its paths. */
function countOperations(text: string): number {
  const description = (text.trimStart().startsWith("{") ? JSON.parse(text) : parse(text)) as {
    paths?: Record<string, object>;
  };
  const paths: Record<string, { $ref?: string }> = description.paths ?? {};
  const items = Object.values(paths).map((item) =>
    item.$ref === undefined ? item : (paths[item.$ref.replace("#/paths/", "").replaceAll("~1", "/")] ?? {}),
  );
  return items.flatMap((item) => Object.keys(item).filter((key) => METHODS.includes(key))).length;
}

async function importAll(source: string, name: string): Promise<ImportResult> {
  const out = join(folder, name);
  const result = await importOpenApi({ source, out, prefix: "it", server: "https://service.example/v1" });
  const { errors, warnings, manifests } = await checkCapabilities([out]);
  expect({ source, errors, warnings }).toEqual({ source, errors: [], warnings: [] });
  expect(manifests.map(({ id }) => id).toSorted()).toEqual(result.capabilities.toSorted());
  return result;
}

describe.skipIf(!peersInstalled)("descriptions of real services (needs npm run peers)", () => {
  test(
    "GitHub: every operation within 20 seconds, in files that are small and that check",
    { timeout: 60_000 },
    async () => {
      const text = githubDescription();
      const source = join(folder, "github.json");
      await writeFile(source, text);
      const started = performance.now();
      const out = join(folder, "github");
      const { capabilities, files, notImported } = await importOpenApi({ source, out });
      const seconds = (performance.now() - started) / 1_000;
      const sizes = await Promise.all(files.map(async (file) => (await readFile(file)).length));
      const whole = Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1024);
      console.log(`GitHub: ${capabilities.length} capabilities, ${whole} kB, in ${seconds.toFixed(1)} s`);
      expect(notImported).toEqual([]);
      expect(capabilities).toHaveLength(countOperations(text));
      expect(capabilities.length).toBeGreaterThan(1_000);
      expect(seconds).toBeLessThan(20);
      expect(Math.max(...sizes)).toBeLessThan(64 * 1024);
      const { errors, warnings, manifests } = await checkCapabilities([out]);
      expect({ errors, warnings }).toEqual({ errors: [], warnings: [] });
      expect(manifests).toHaveLength(capabilities.length);
    },
  );

  test("GitHub a second time: no file is written", { timeout: 60_000 }, async () => {
    const out = join(folder, "github");
    const names = await readdir(out);
    const contents = (): Promise<string[]> => Promise.all(names.map((name) => readFile(join(out, name), "utf8")));
    const before = await contents();
    await importOpenApi({ source: join(folder, "github.json"), out, now: () => 1 });
    expect(await contents()).toEqual(before);
    expect(await readdir(out)).toEqual(names);
  });

  test(
    "the examples of ReadMe, in Swagger 2.0, OpenAPI 3.0 and 3.1, JSON and YAML: every operation",
    { timeout: 60_000 },
    async () => {
      const root = peerFile("@readme/oas-examples");
      const sources = globSync(join(root, "{2.0,3.0,3.1}/{json,yaml}/*.{json,yaml}")).toSorted();
      expect(sources.length).toBeGreaterThan(110);
      let operations = 0;
      const told = new Map<string, string>();
      for (const [index, source] of sources.entries()) {
        const { capabilities, notImported } = await importAll(source, `readme-${index}`);
        expect({ source, notImported }).toEqual({ source, notImported: [] });
        expect({ source, count: capabilities.length }).toEqual({
          source,
          count: countOperations(readFileSync(source, "utf8")),
        });
        operations += capabilities.length;
        told.set(relative(root, source), [...capabilities].join());
      }
      console.log(`ReadMe: ${operations} operations in ${sources.length} descriptions`);
      // What the two notations of one description say is the same.
      for (const [name, ids] of told) {
        if (name.includes("/json/"))
          expect([name, told.get(name.replaceAll("json", "yaml")) ?? ids]).toEqual([name, ids]);
      }
    },
  );

  test.each([
    ["Netlify", peerFile("@netlify/open-api", "dist", "swagger.json")],
    ["Figma", peerFile("@figma/rest-api-spec", "openapi", "openapi.yaml")],
  ])("%s: every operation", { timeout: 60_000 }, async (name, source) => {
    const { capabilities, notImported } = await importAll(source, name);
    console.log(`${name}: ${capabilities.length} operations of ${basename(source)}`);
    expect(notImported).toEqual([]);
    expect(capabilities).toHaveLength(countOperations(readFileSync(source, "utf8")));
  });
});
