import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { packageRoot } from "./package-root.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-root-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("finds the package above the source and above dist alike, past other packages", async () => {
  const deep = join(folder, "found", "dist", "src", "demo");
  await mkdir(deep, { recursive: true });
  await writeFile(join(folder, "found", "package.json"), '{"name":"ccos"}');
  await writeFile(join(folder, "found", "dist", "package.json"), "not json");
  await writeFile(join(deep, "package.json"), '{"name":"other"}');
  expect(packageRoot(pathToFileURL(join(deep, "demo.js")).href)).toBe(join(folder, "found"));
});

it("says what it looked for where there is none", () => {
  expect(() => packageRoot(pathToFileURL(join(folder, "demo.js")).href)).toThrow('No package.json of "ccos"');
});
