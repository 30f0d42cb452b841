import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ccosBin, repository, runProcess } from "./run-process.ts";

let folder = "";
let hook = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-startup-"));
  hook = join(folder, "hook.mjs");
  await writeFile(
    hook,
    `import { appendFileSync } from "node:fs";
     import { registerHooks } from "node:module";
     registerHooks({ load(url, context, next) { appendFileSync(process.env.LOADED, url + "\\n"); return next(url, context); } });`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The files of the source that a file of the bundle was made of. */
async function sourcesOf(chunk: string): Promise<string[]> {
  // A file that only passes names on has no map.
  const map = await readFile(`${chunk}.map`, "utf8").catch(() => '{"sources":[]}');
  const { sources } = JSON.parse(map) as { sources: string[] };
  return sources.map((source) => relative(repository, resolve(dirname(chunk), source)));
}

/** The modules that a command loads, packages and files alike. */
async function loadedBy(...args: string[]): Promise<{ packages: string[]; files: string[]; stdout: string }> {
  const log = join(folder, `${args[0]}.txt`);
  const command = ["--import", pathToFileURL(hook).href, ccosBin, ...args];
  const { code, stdout } = await runProcess(process.execPath, command, { cwd: folder, env: { LOADED: log } });
  expect(code).toBe(0);
  const urls = (await readFile(log, "utf8")).trim().split("\n");
  const packages = urls.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []);
  const chunks = urls
    .filter((url) => url.startsWith(pathToFileURL(dirname(ccosBin)).href))
    .map((url) => fileURLToPath(url));
  const files = (await Promise.all(chunks.map(sourcesOf))).flat();
  return { packages: [...new Set(packages)], files, stdout };
}

describe("starting up", () => {
  test("--help loads the parser of its options and nothing of the runtime", async () => {
    const { packages, files, stdout } = await loadedBy("--help");
    expect(stdout).toContain("Usage: ccos");
    expect(packages).toEqual(["commander"]);
    expect(files).toContain("src/cli/program.ts");
    expect(files.filter((file) => /^src\/(providers|session|importers|rtfs|gateway|demo)\//.test(file))).toEqual([]);
  });

  test("an expression that calls nothing loads no protocol's library, and nothing that would talk to a peer", async () => {
    const { packages, files, stdout } = await loadedBy("eval", "(+ 1 2)");
    expect(stdout).toBe("3\n");
    expect(files.length).toBeGreaterThan(20);
    expect(files.filter((file) => /^src\/(importers|gateway|demo)\/|\/(connect|transport)/.test(file))).toEqual([]);
    expect(packages.toSorted()).toEqual(["commander", "re2js"]);
  });

  // Both programs are timed in turn, so that whatever else the machine does weighs on both; the bound is on medians.
  test("takes at most 1.5 times an empty program plus 60 ms", { retry: 3, timeout: 60_000 }, async () => {
    const time = async (args: readonly string[]): Promise<number> => {
      const start = performance.now();
      const { code } = await runProcess(process.execPath, args, { cwd: folder });
      expect(code).toBe(0);
      return performance.now() - start;
    };
    const empty: number[] = [];
    const ours: number[] = [];
    for (let round = 0; round < 11; round++) {
      empty.push(await time(["-e", "0"]));
      ours.push(await time([ccosBin, "eval", "(+ 1 2)"]));
    }
    const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[5] as number;
    expect(median(ours)).toBeLessThanOrEqual(1.5 * median(empty) + 60);
  });
});
