import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readSource, type Source } from "./read-source.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-source-"));
  await mkdir(join(folder, "api", "parts"), { recursive: true });
  await writeFile(join(folder, "api", "main.yaml"), "\ufeffmain");
  await writeFile(join(folder, "api", "parts", "a.yaml"), "part");
  await writeFile(join(folder, "secret.txt"), "secret");
});
afterEach(() => rm(folder, { recursive: true }));

const open = (source: string, rest: object = {}): Promise<Source> =>
  readSource({ source, out: "", cwd: folder, ...rest }, { accept: "*/*", noun: "description" });
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "read",
    (error: { code: string }) => error.code,
  );

describe("the source of an import", () => {
  it("is a path, or the address of a file; a mark at its beginning is no part of it", async () => {
    for (const given of [
      "api/main.yaml",
      join(folder, "api/main.yaml"),
      pathToFileURL(join(folder, "api/main.yaml")).href,
    ]) {
      expect(await open(given)).toMatchObject({ text: "main", shown: given });
    }
  });

  it.each([
    "",
    "  ",
    "api/missing.yaml",
    "api",
    "ftp://127.0.0.1/x",
    "file://host/x",
    "file:///a%2Fb",
    "http://",
    "a\0b",
  ])("is refused as %j", async (given) => {
    expect(await codeOf(open(given))).toBe("invalid-argument");
  });

  it("is refused where it may not end, or is too long", async () => {
    execFileSync("mkfifo", [join(folder, "pipe")]);
    await symlink("/dev/zero", join(folder, "zero"));
    await writeFile(join(folder, "long"), "");
    await truncate(join(folder, "long"), 65 * 1024 * 1024);
    for (const name of ["pipe", "zero", "long"]) expect(await codeOf(open(name))).toBe("invalid-argument");
  });

  it("is refused with credentials in its address, which are not repeated", async () => {
    const error: unknown = await open("https://user:hunter22@api.example/x").catch((thrown: unknown) => thrown);
    expect(String(error)).toContain("api.example");
    expect(String(error)).not.toContain("hunter22");
  });

  it("takes the name of a variable, and no token in its place", async () => {
    const error: unknown = await open("api/main.yaml", { authEnv: "ghp_0123-x y" }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "invalid-argument" });
    expect(String(error)).not.toContain("ghp_0123");
  });
});

describe("what a file refers to", () => {
  it("is read where it is below the folder of the file", async () => {
    const source = await open("api/main.yaml");
    const part = await source.readBeside("parts/a.yaml", source.url);
    expect(part).toMatchObject({ text: "part", shown: "api/parts/a.yaml" });
    expect(await source.readBeside("../main.yaml", part.url)).toMatchObject({ text: "main" });
  });

  it("is not read elsewhere, by whatever name", async () => {
    const source = await open("api/main.yaml");
    await symlink(join(folder, "secret.txt"), join(folder, "api", "link.yaml"));
    await symlink(folder, join(folder, "api", "up"));
    for (const reference of [
      "../secret.txt",
      "parts/../../secret.txt",
      "%2e%2e/secret.txt",
      join(folder, "secret.txt"),
      pathToFileURL(join(folder, "secret.txt")).href,
      "/etc/passwd",
      "link.yaml",
      "up/secret.txt",
      "http://127.0.0.1:1/x",
      "https://example.com/x",
      "//example.com/x",
    ]) {
      expect([reference, await codeOf(source.readBeside(reference, source.url))]).toEqual([
        reference,
        "permission-denied",
      ]);
    }
    expect(await codeOf(source.readBeside("missing.yaml", source.url))).toBe("invalid-argument");
  });

  it("is bounded in number", async () => {
    const source = await open("api/main.yaml");
    let read = 0;
    const more = async (): Promise<void> => {
      for (; read < 600; read++) await source.readBeside("parts/a.yaml", source.url);
    };
    await expect(more()).rejects.toMatchObject({ code: "invalid-argument" });
    expect(read).toBe(499);
  });
});
