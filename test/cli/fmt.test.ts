import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { format } from "../../src/rtfs/index.ts";
import { repository } from "../run-process.ts";
import { createPlace, type Place } from "./ccos-process.ts";

const places: Place[] = [];
let place: Place;
beforeEach(async () => {
  place = await createPlace();
  places.push(place);
  await place.write({
    "a/good.rtfs": "(def x 1)\n",
    "a/wide.rtfs": "(def   x  1) ; why\n",
    "a/b/deep.rtfs": "{:a 1,:b 2}",
    "a/node_modules/other.rtfs": "(  )",
    "a/notes.txt": "(  )",
  });
});
afterAll(() => Promise.all(places.map((each) => each.remove())));

const text = (path: string): Promise<string> => readFile(join(place.folder, path), "utf8");

describe("fmt", () => {
  test("formats the files of folders, and changes only what is not formatted", async () => {
    const before = await stat(join(place.folder, "a/good.rtfs"));
    expect(await place.ccos(["fmt", "a"])).toEqual({ code: 0, stdout: "", stderr: "3 files, 2 changed\n" });
    expect(await text("a/wide.rtfs")).toBe("(def x 1) ; why\n");
    expect(await text("a/b/deep.rtfs")).toBe("{:a 1 :b 2}\n");
    expect(await text("a/node_modules/other.rtfs")).toBe("(  )");
    expect(await text("a/notes.txt")).toBe("(  )");
    expect((await stat(join(place.folder, "a/good.rtfs"))).ino).toBe(before.ino);
    expect(await readdir(join(place.folder, "a"))).toHaveLength(5);
  });

  test("with --check changes nothing, lists what is not formatted, and ends with 1", async () => {
    expect(await place.ccos(["fmt", "--check", "a"])).toEqual({
      code: 1,
      stdout: "a/b/deep.rtfs\na/wide.rtfs\n",
      stderr: "3 files, 2 not formatted\n",
    });
    expect(await text("a/wide.rtfs")).toBe("(def   x  1) ; why\n");
    expect(await place.ccos(["fmt", "--check", "a/good.rtfs"])).toMatchObject({ code: 0, stdout: "" });
  });

  test("leaves a file that cannot be read as it is, formats the others, and ends with 3", async () => {
    await place.write({ "a/broken.rtfs": "(def   x 1\n", "a/latin.rtfs": "" });
    const latin = join(place.folder, "a/latin.rtfs");
    await writeFile(latin, Buffer.from([0x22, 0xe9, 0x22]));
    const { code, stdout, stderr } = await place.ccos(["fmt", "a", "missing"]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toMatch(/error\[read-error\]: This \( is not closed\.\n {2}at a\/broken\.rtfs:1:1/);
    expect(stderr).toContain("a/latin.rtfs is not UTF-8 text");
    expect(stderr).toContain("missing does not exist");
    expect(await text("a/broken.rtfs")).toBe("(def   x 1\n");
    expect([...(await readFile(latin))]).toEqual([0x22, 0xe9, 0x22]);
    expect(await text("a/wide.rtfs")).toBe("(def x 1) ; why\n");
  });

  test("keeps permissions, writes through links, and respects write protection", async () => {
    const file = join(place.folder, "a/wide.rtfs");
    await chmod(file, 0o640);
    await mkdir(join(place.folder, "links"));
    await symlink(file, join(place.folder, "links/wide.rtfs"));
    expect(await place.ccos(["fmt", "links/wide.rtfs"])).toMatchObject({ code: 0 });
    expect(await text("a/wide.rtfs")).toBe("(def x 1) ; why\n");
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect((await lstat(join(place.folder, "links/wide.rtfs"))).isSymbolicLink()).toBe(true);
    if (process.getuid?.() === 0) return;
    await chmod(join(place.folder, "a/b/deep.rtfs"), 0o440);
    expect(await place.ccos(["fmt", "a/b"])).toMatchObject({ code: 3 });
    expect(await text("a/b/deep.rtfs")).toBe("{:a 1,:b 2}");
  });

  test("formats stdin to stdout", async () => {
    expect(await place.ccos(["fmt", "-"], { stdin: "(def  x\n1)" })).toEqual({
      code: 0,
      stdout: "(def x\n  1)\n",
      stderr: "",
    });
    expect(await place.ccos(["fmt", "-"], { stdin: "" })).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await place.ccos(["fmt", "-", "--check"], { stdin: "(def  x 1)" })).toMatchObject({
      code: 1,
      stdout: "-\n",
    });
    const broken = await place.ccos(["fmt", "-"], { stdin: "(def x" });
    expect(broken).toMatchObject({ code: 3, stdout: "" });
    expect(broken.stderr).toContain("1 | (def x");
    expect(await place.ccos(["fmt", "-", "a"])).toMatchObject({ code: 2, stdout: "" });
  });

  test("with --json reports for programs", async () => {
    await place.write({ "a/broken.rtfs": ")" });
    const { code, stdout } = await place.ccos(["fmt", "a", "--check", "--json"]);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toEqual({
      files: 4,
      changed: ["a/b/deep.rtfs", "a/wide.rtfs"],
      errors: [
        {
          file: "a/broken.rtfs",
          line: 1,
          column: 1,
          code: "read-error",
          message: expect.stringContaining(")") as string,
        },
      ],
    });
  });
});

test.each(["examples", "capabilities"])("everything in %s is formatted", async (folder) => {
  const files = (await readdir(join(repository, folder), { recursive: true })).filter((file) => file.endsWith(".rtfs"));
  expect(files.length).toBeGreaterThan(2);
  for (const file of files) {
    const written = await readFile(join(repository, folder, file), "utf8");
    expect(format(written), `${folder}/${file}: npx ccos fmt ${folder}`).toEqual({ text: written, errors: [] });
  }
});
