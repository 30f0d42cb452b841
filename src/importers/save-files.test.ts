import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { saveFiles, type GeneratedFile } from "./save-files.ts";

let folder: string;
let warnings: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-save-"));
  warnings = [];
});
afterEach(() => rm(folder, { recursive: true }));

const FIRST = "2026-01-01T00:00:00.000Z";
const LATER = "2026-02-02T00:00:00.000Z";
const file = (body: string): GeneratedFile => ({
  fileName: "a.rtfs",
  render: (createdAt) => `; import\n{:at "${createdAt}" :body "${body}" :again "${createdAt}"}\n`,
});
const save = async (files: GeneratedFile[], createdAt = FIRST, out = folder) => {
  const isOurs = (text: string): boolean => text.startsWith("; import");
  return (await saveFiles(files, { out, createdAt, isOurs, warn: (m) => warnings.push(m) })).map(({ path }) => path);
};

describe("generated files", () => {
  it("are written into a folder that is made for them", async () => {
    const out = join(folder, "new", "deep");
    expect(await save([file("x")], FIRST, out)).toEqual([join(out, "a.rtfs")]);
    expect(await readFile(join(out, "a.rtfs"), "utf8")).toBe(file("x").render(FIRST));
    expect(await readdir(out)).toEqual(["a.rtfs"]);
  });

  it("stay untouched when only the instant would change", async () => {
    const [path = ""] = await save([file("x")]);
    await utimes(path, 1, 1);
    expect(await save([file("x")], LATER)).toEqual([path]);
    expect((await stat(path)).mtimeMs).toBe(1000);
    expect(await readFile(path, "utf8")).toContain(FIRST);
  });

  it("are replaced, with the new instant, when anything else changed", async () => {
    await save([file("x")]);
    const [path = ""] = await save([file("y")], LATER);
    expect(await readFile(path, "utf8")).toBe(file("y").render(LATER));
  });

  it("are replaced when the two instants of a file disagree or are none", async () => {
    const path = join(folder, "a.rtfs");
    for (const damaged of [
      `; import\n{:at "${FIRST}" :body "x" :again "${LATER}"}\n`,
      file("x").render("yesterday"),
      "; import",
    ]) {
      await writeFile(path, damaged);
      await save([file("x")], LATER);
      expect(await readFile(path, "utf8")).toBe(file("x").render(LATER));
    }
  });

  it("never replace a file that somebody else wrote", async () => {
    const path = join(folder, "a.rtfs");
    await writeFile(path, "mine");
    expect(await save([file("x")])).toEqual([]);
    expect(await readFile(path, "utf8")).toBe("mine");
    expect(warnings).toEqual([`${path} was not written by an import; it was left alone.`]);
  });

  it("replace a link and do not write through it", async () => {
    const target = join(folder, "target");
    await writeFile(target, "; import, elsewhere");
    await symlink(target, join(folder, "a.rtfs"));
    await save([file("x")]);
    expect(await readFile(target, "utf8")).toBe("; import, elsewhere");
  });

  it("replace a link to nothing, and leave alone what is no file", async () => {
    await symlink(join(folder, "missing"), join(folder, "a.rtfs"));
    await mkdir(join(folder, "b.rtfs"));
    await symlink("/dev/zero", join(folder, "c.rtfs"));
    const named = (fileName: string): GeneratedFile => ({ ...file("x"), fileName });
    expect(await save(["a.rtfs", "b.rtfs", "c.rtfs"].map(named))).toEqual([join(folder, "a.rtfs")]);
    expect((await readdir(folder)).toSorted()).toEqual(["a.rtfs", "b.rtfs", "c.rtfs"]);
    expect((await lstat(join(folder, "a.rtfs"))).isFile()).toBe(true);
    expect(warnings.toSorted()).toEqual([
      `${join(folder, "b.rtfs")} was not written by an import; it was left alone.`,
      `${join(folder, "c.rtfs")} was not written by an import; it was left alone.`,
    ]);
  });

  it.each(["../a.rtfs", "/a.rtfs", "x/a.rtfs", "x\\a.rtfs", "..", ".", "", "a\0b"])(
    "are not written at all where one has %j for a name",
    async (fileName) => {
      const out = join(folder, "out");
      const files = [file("x"), { ...file("x"), fileName }];
      await expect(save(files, FIRST, out)).rejects.toMatchObject({ code: "internal" });
      expect(await readdir(folder)).toEqual([]);
    },
  );

  it("come back in the order given, however many there are", async () => {
    const names = Array.from({ length: 300 }, (_, index) => `${(index * 7919) % 300}.rtfs`);
    const paths = await save(names.map((fileName) => ({ ...file("x"), fileName })));
    expect(paths).toEqual(names.map((name) => join(folder, name)));
    expect(await readdir(folder)).toHaveLength(300);
  });

  it("stop between two files when the caller has enough", async () => {
    const caller = new AbortController();
    const names = Array.from({ length: 300 }, (_, index) => `${index}.rtfs`);
    const files = names.map((fileName, index) => ({
      fileName,
      render: (createdAt: string) => {
        if (index === 20) caller.abort();
        return file("x").render(createdAt);
      },
    }));
    const options = { out: folder, createdAt: FIRST, isOurs: () => true, warn: () => {}, signal: caller.signal };
    await expect(saveFiles(files, options)).rejects.toMatchObject({ code: "canceled" });
    const written = await readdir(folder);
    expect(written.length).toBeLessThan(60);
    expect(written.filter((name) => !name.endsWith(".rtfs"))).toEqual([]);
  });

  it("fail with the path and leave nothing behind where they cannot be written", async () => {
    await writeFile(join(folder, "plain"), "");
    await expect(save([file("x")], FIRST, join(folder, "plain"))).rejects.toMatchObject({ code: "invalid-argument" });
    expect(await readdir(folder)).toEqual(["plain"]);
  });
});
