import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isCcosError } from "../kernel/index.ts";
import { evaluate, print } from "../rtfs/index.ts";
import { moduleFiles } from "./module-files.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "module-files-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(path: string, text: string): Promise<void> {
  await mkdir(join(root, path, ".."), { recursive: true });
  await writeFile(join(root, path), text);
}

/** Evaluates a program as if it stood in `app/main.rtfs`. */
async function run(program: string): Promise<string> {
  await put("app/main.rtfs", program);
  try {
    return print(await evaluate(program, { file: "app/main.rtfs", loadModule: moduleFiles("app/main.rtfs", root) }));
  } catch (error) {
    if (!isCcosError(error)) throw error;
    return `${error.code} ${error.message} ${error.place?.file ?? ""}:${error.place?.line ?? ""}`;
  }
}

describe("modules of a program's folder", () => {
  it("are read from beside the importing file; dots are folders", async () => {
    await put("app/geo.rtfs", "(module geo (import shapes.square :as s) (defn area [x] (s/area x)))");
    await put(
      "app/shapes/square.rtfs",
      "(module shapes.square (import sides :only [two]) (defn area [x] (* x x two)))",
    );
    await put("app/shapes/sides.rtfs", "(module sides (def two 2))");
    expect(await run("(module main (import geo :as g) (def x (g/area 3))) main/x")).toBe("18");
  });

  it("are missing where there is no file of their name", async () => {
    await put("geo.rtfs", "(module geo (def x 1))");
    await put("app/geo", "");
    expect(await run("(module main (import geo :as g) (def x 1))")).toMatch(
      /^eval-error Module not found: geo app\/main\.rtfs:1/,
    );
    for (const name of ["..geo", ".geo", "a..b", "geo/x", "resource:ref"]) {
      expect(await run(`(module main (import ${name} :as g) (def x 1))`)).toMatch(
        /^(?:eval-error Module not found|read-error)/,
      );
    }
  });

  it("are refused in a circle, with its path and the file where it closes", async () => {
    await put("app/a.rtfs", "(module a\n (import b :as b))");
    await put("app/b.rtfs", "(module b (import a :as a))");
    expect(await run("(module main (import a :as a))")).toBe(
      "read-error The modules import each other in a circle: a → b → a. app/b.rtfs:1",
    );
  });

  it("are not read from elsewhere, by a link either", async () => {
    await put("secret.rtfs", "(module secret (def x 1))");
    await symlink(join(root, "secret.rtfs"), join(root, "secret-link"));
    await mkdir(join(root, "app"), { recursive: true });
    await symlink(join(root, "secret.rtfs"), join(root, "app", "secret.rtfs"));
    expect(await run("(module main (import secret :as s))")).toMatch(
      /^permission-denied The module secret lies outside/,
    );
  });

  it("tell of mistakes in their own files", async () => {
    await put("app/bad.rtfs", "\n(module bad (def x");
    expect(await run("(module main (import bad :as b))")).toMatch(/^read-error .*app\/bad\.rtfs:2$/);
    await put("app/fails.rtfs", "\n\n(module fails (def x (inc nil)))");
    expect(await run("(module main (import fails :as f) (def y 1)) main/y")).toMatch(
      /^eval-error .*app\/fails\.rtfs:3$/,
    );
  });
});
