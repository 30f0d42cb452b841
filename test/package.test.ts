import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sourceFiles } from "./architecture/imports.ts";
import { ccosBin, repository, runProcess, type Finished } from "./run-process.ts";

const npmSettings = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^npm_config_(cache|userconfig|registry|cafile)$/i.test(name)),
) as Record<string, string>;

let folder = "";
let packed: { path: string }[] = [];

const run = (file: string, args: readonly string[]): Promise<Finished> =>
  runProcess(file, args, { cwd: folder, env: npmSettings, timeoutMs: 180_000 });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-package-"));
  await expectFreshBuild();
  // The build is fresh; running it again here would pull `dist` away under the tests beside this one.
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const pack = await runProcess("npm", args, { cwd: repository, env: npmSettings });
  expect(pack).toMatchObject({ code: 0 });
  const listing = JSON.parse(pack.stdout) as unknown;
  // npm gives a list, or since version 12 an object by name.
  const [info] = Object.values(listing as object) as { filename: string; files: { path: string }[] }[];
  packed = info?.files ?? [];
  await writeFile(join(folder, "package.json"), '{ "name": "empty", "private": true, "type": "module" }\n');
  const install = await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", `./${info?.filename}`]);
  expect(install).toMatchObject({ code: 0 });
}, 240_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

async function expectFreshBuild(): Promise<void> {
  const built = await stat(ccosBin).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  const files = ["src", "testing"].flatMap((root) =>
    sourceFiles(join(repository, root)).map((file) => join(root, file)),
  );
  const sources = files.filter((file) => !file.endsWith(".test.ts"));
  const changed = await Promise.all(sources.map(async (file) => (await stat(join(repository, file))).mtimeMs));
  const newer = sources.filter((_, index) => (changed[index] as number) > built);
  expect(newer, "dist is older than these files: run `npm run build`").toEqual([]);
}

describe("the package, installed from its tarball into an empty project", () => {
  test("holds the program, its examples and its licence, and no test and no source", () => {
    const paths = packed.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        "LICENSE",
        "README.md",
        "package.json",
        "dist/bin/ccos.js",
        "dist/src/index.js",
        "dist/src/index.d.ts",
        "dist/testing/index.js",
        "examples/tour.rtfs",
        "capabilities/github/get_me.rtfs",
        "schema/ccos.config.json",
      ]),
    );
    expect(paths.filter((path) => /\.test\.|^(src|test|bench|scripts|\.ci)\/|\.map$/.test(path))).toEqual([]);
  });

  test("brings no tool of its development", async () => {
    const { stdout } = await run("npm", ["ls", "--all", "--parseable"]);
    const installed = stdout.split("\n").map((path) => path.replace(/^.*node_modules\//, ""));
    expect(installed).toContain("ccos");
    expect(installed.filter((name) => /^(node|vitest|typescript|oxlint|oxfmt|fast-check)$/.test(name))).toEqual([]);
  });

  test("calls a capability from the library", async () => {
    await writeFile(
      join(folder, "call.mjs"),
      `import { createEnvironment, isCcosError } from "ccos";
       await using env = await createEnvironment({ capabilities: [] });
       await env.capabilities.load('(capability "mine.double" :description "Twice the number" :input-schema [:map [:n :int]] :implementation (fn [input] (* 2 (:n input))))');
       const refused = await env.call("mine.double", { n: "x" }).catch((error) => isCcosError(error) && error.code);
       console.log(JSON.stringify([await env.call("mine.double", { n: 21 }), await env.run("(+ 1 2)"), refused]));`,
    );
    expect(await run("node", ["call.mjs"])).toEqual({ code: 0, stdout: '[42,3,"invalid-argument"]\n', stderr: "" });
  });

  test("opens every door that its exports name", async () => {
    const { exports } = JSON.parse(await readFile(join(repository, "package.json"), "utf8")) as { exports: object };
    const doors = Object.keys(exports).map((door) => `ccos${door.slice(1)}`);
    const script = doors.map((door) => {
      const attributes = door.endsWith(".json") ? ', { with: { type: "json" } }' : "";
      return `if (Object.keys(await import(${JSON.stringify(door)}${attributes})).length === 0) throw new Error(${JSON.stringify(door)});`;
    });
    await writeFile(join(folder, "doors.mjs"), script.join("\n"));
    expect(await run("node", ["doors.mjs"])).toMatchObject({ code: 0, stderr: "" });
    expect(doors).toEqual(expect.arrayContaining(["ccos", "ccos/rtfs", "ccos/session", "ccos/testing"]));
  });

  test("has types that a strict program compiles against, and that catch its mistakes", async () => {
    const program = (timeout: string): string =>
      `import { createEnvironment, type CCOSEnvironment, type SessionHandler } from "ccos";
       import { createFakeClock } from "ccos/testing";
       export const handlers: SessionHandler[] = [];
       const env: CCOSEnvironment = await createEnvironment({ clock: createFakeClock() });
       await env.call("a.b", { n: 1 }, { timeoutMs: ${timeout} });`;
    await writeFile(join(folder, "good.mts"), program("1000"));
    await writeFile(join(folder, "bad.mts"), program('"soon"'));
    const types = ["--skipLibCheck", "--typeRoots", join(repository, "node_modules", "@types"), "--types", "node"];
    const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "esnext", ...types];
    const tsc = [join(repository, "node_modules", "typescript", "bin", "tsc"), ...flags];
    expect(await run("node", [...tsc, "good.mts"])).toMatchObject({ code: 0, stdout: "" });
    const bad = await run("node", [...tsc, "bad.mts"]);
    expect(bad.stdout).toMatch(/bad\.mts\(5,\d+\): error TS2322/);
  });

  test("answers on the command line", async () => {
    expect(await run("npx", ["ccos", "eval", "(+ 1 2)"])).toMatchObject({ code: 0, stdout: "3\n" });
  });

  test("runs its tour away from the clone", async () => {
    const demo = await run("npx", ["ccos", "demo"]);
    expect(demo).toMatchObject({ code: 0 });
  });
});
