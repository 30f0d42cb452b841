import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadCapabilities } from "./load-capabilities.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "load-capabilities-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const capability = (id: string) => `(capability "${id}" :description "d" :implementation (fn [x] x))`;
async function put(path: string, text: string): Promise<string> {
  const file = join(root, path);
  await mkdir(join(file, ".."), { recursive: true });
  await writeFile(file, text);
  return file;
}
const idsOf = (loaded: Awaited<ReturnType<typeof loadCapabilities>>) => loaded.manifests.map((each) => each.id);

describe("loading capability files", () => {
  it("searches folders for .rtfs files, sorted, and takes a named file whatever it is called", async () => {
    await put("b.rtfs", capability("b"));
    await put("a/deep/x.rtfs", capability("x"));
    await put("a/a.rtfs", capability("a"));
    await put("notes.txt", capability("no"));
    await put(".git/hook.rtfs", capability("no"));
    await put("node_modules/p/p.rtfs", capability("no"));
    const other = await put("other/named.txt", capability("named"));
    const loaded = await loadCapabilities([root, other], { trusted: true });
    expect(idsOf(loaded)).toEqual(["a", "x", "b", "named"]);
    expect(loaded.files.map((file) => relative(root, file))).toEqual([
      "a/a.rtfs",
      "a/deep/x.rtfs",
      "b.rtfs",
      "other/named.txt",
    ]);
    expect(loaded.errors).toEqual([]);
  });

  it("refuses a path that is neither file nor folder, and passes over what of that kind a folder holds", async () => {
    const pipe = join(root, "pipe.rtfs");
    execFileSync("mkfifo", [pipe]);
    const { errors, files } = await loadCapabilities([root, pipe], { trusted: true });
    expect(files).toEqual([]);
    expect(errors.map(({ message }) => message)).toEqual([`${pipe} is neither a file nor a folder.`]);
  });

  it("goes on after a broken file, and tells the place of each mistake", async () => {
    await put("a.rtfs", `${capability("a")}\n(capability "broken`);
    await put("b.rtfs", '(capability "b" :name 3 :description 4)');
    await put("c.rtfs", capability("c"));
    const { manifests, errors } = await loadCapabilities([root], { trusted: true });
    expect(manifests.map((each) => each.id)).toEqual(["a", "c"]);
    expect(errors.map(({ place }) => `${relative(root, place?.file ?? "")}:${place?.line}:${place?.column}`)).toEqual([
      "a.rtfs:2:13",
      "b.rtfs:1:23",
      "b.rtfs:1:38",
    ]);
  });

  it("asks about trust with the text that it reads", async () => {
    const file = await put("a.rtfs", capability("a"));
    const asked: unknown[] = [];
    const { manifests } = await loadCapabilities([root], { trusted: (...question) => asked.push(question) > 0 });
    expect(asked).toEqual([[file, capability("a")]]);
    expect(manifests[0]?.origin.trusted).toBe(true);
  });

  it("never lets what is not trusted take the id of what is", async () => {
    await put("a.rtfs", capability("same"));
    await put("b.rtfs", capability("same"));
    const { manifests, errors } = await loadCapabilities([root], { trusted: (file) => file.endsWith("b.rtfs") });
    expect(manifests.map(({ id, origin }) => [id, origin.trusted])).toEqual([["same", true]]);
    expect(errors[0]?.message).toMatch(/a\.rtfs:1 is declared in .*b\.rtfs:1 too/);
  });

  it("spends a few seconds at most on data that is computed, all files together", async () => {
    const costly = "(reduce (fn [sum n] (+ sum n)) 0 (range 0 20000))";
    const text = Array.from(
      { length: 200 },
      (_, n) => `(capability "c.${n}" :description "d" :metadata {:n ${costly}})`,
    ).join("\n");
    for (let file = 0; file < 20; file++) await put(`${file}.rtfs`, text.replaceAll('"c.', `"c${file}.`));
    const start = performance.now();
    const { errors } = await loadCapabilities([root], { trusted: false });
    expect(performance.now() - start).toBeLessThan(15_000);
    expect(errors.at(-1)?.message).toContain("takes more than 3000 ms");
  });

  it("reports one id in two files, naming both, and keeps the first", async () => {
    const first = await put("a.rtfs", capability("same"));
    const second = await put("b.rtfs", `\n${capability("same")}`);
    const { manifests, errors } = await loadCapabilities([root], { trusted: true });
    expect(manifests.map((each) => each.origin.file)).toEqual([first]);
    expect(errors.map((error) => error.message)).toEqual([
      `The capability "same" of ${second}:2 is declared in ${first}:1 too.`,
    ]);
  });

  it("reads a file once, however often it is named or linked", async () => {
    const file = await put("a/a.rtfs", capability("a"));
    await symlink(join(root, "a"), join(root, "a", "loop"));
    await symlink(join(root, "missing"), join(root, "dangling"));
    const { manifests, errors, files } = await loadCapabilities([root, file, join(root, "a")], { trusted: true });
    expect([manifests.length, errors.length, files.length]).toEqual([1, 0, 1]);
  });

  it("asks for each file whether it is trusted", async () => {
    await put("a.rtfs", capability("a"));
    await put("b.rtfs", capability("b"));
    const { manifests } = await loadCapabilities([root], { trusted: async (file) => file.endsWith("a.rtfs") });
    expect(manifests.map((each) => each.origin.trusted)).toEqual([true, false]);
  });

  it("bounds the size of a file and their number", async () => {
    await put("a.rtfs", capability("a"));
    await put("b.rtfs", `${capability("b")}${" ".repeat(2_000)}`);
    const sized = await loadCapabilities([root], { trusted: true, maxFileBytes: 1_000 });
    expect([idsOf(sized), sized.errors.map((error) => error.message)]).toEqual([
      ["a"],
      [expect.stringMatching(/b\.rtfs has \d+ bytes/)],
    ]);
    const counted = await loadCapabilities([root], { trusted: true, maxFiles: 1 });
    expect([idsOf(counted), counted.errors.length]).toEqual([["a"], 1]);
  });

  it("reads a large file whole, whatever characters stand where its reading is cut", async () => {
    for (const [index, padding] of ["", "x", "xx"].entries()) {
      const text = `${padding}${"€".repeat(80_000)}`;
      await put(
        `large-${index}.rtfs`,
        `(capability "large.${index}" :description "${text}" :implementation (fn [x] x))`,
      );
    }
    const { manifests, errors } = await loadCapabilities([root], { trusted: true });
    expect(errors).toEqual([]);
    expect(manifests.map(({ description }) => description.length)).toEqual([80_000, 80_001, 80_002]);
    expect(manifests.every(({ description }) => /^x*€+$/.test(description))).toBe(true);
  });

  it("lets others run while it reads many files", async () => {
    const text = `(def big [${"1 ".repeat(400_000)}])`;
    for (let index = 0; index < 4; index++) await put(`${index}.rtfs`, `${capability(`c${index}`)} ${text}`);
    let turns = 0;
    const count = (): void => {
      turns++;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    const { manifests } = await loadCapabilities([root], { trusted: true });
    clearImmediate(timer);
    expect(manifests).toHaveLength(4);
    expect(turns).toBeGreaterThan(2);
  });

  it("says so where a path does not exist", async () => {
    const { errors } = await loadCapabilities([join(root, "nowhere")], { trusted: true });
    expect(errors.map((error) => error.code)).toEqual(["not-found"]);
  });
});
