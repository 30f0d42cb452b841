import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, realpath, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTrustStore, type TrustStore } from "./trust.ts";

let root: string;
let state: string;
let caps: string;
let store: TrustStore;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "ccos-trust-")));
  state = await mkdtemp(join(tmpdir(), "ccos-state-"));
  caps = join(root, "capabilities");
  await mkdir(join(caps, "sub"), { recursive: true });
  await writeFile(join(caps, "a.rtfs"), "(a)");
  await writeFile(join(caps, "sub", "b.rtfs"), "(b)");
  await writeFile(join(caps, "notes.md"), "hello");
  store = createTrustStore({ env: { CCOS_TRUST_FILE: join(state, "ccos", "trust.json") }, cwd: root });
});
afterEach(() => Promise.all([root, state].map((folder) => rm(folder, { recursive: true }))));

describe("trust", () => {
  it("is not there until it is recorded, and then covers the folder and the files in it", async () => {
    expect(await store.isTrusted("capabilities")).toBe(false);
    expect(await store.trust("capabilities")).toMatchObject({ kind: "folder", files: 2 });
    expect(await store.isTrusted("capabilities")).toBe(true);
    expect(await store.isTrusted(caps)).toBe(true);
    expect(await store.isTrusted("capabilities/sub/b.rtfs")).toBe(true);
  });

  it.each<[string, () => Promise<void>]>([
    ["a file changes", () => writeFile(join(caps, "a.rtfs"), "(A)")],
    ["a file appears", () => writeFile(join(caps, "sub", "c.rtfs"), "")],
    ["a file goes", () => rm(join(caps, "sub", "b.rtfs"))],
    ["a file is renamed", () => rename(join(caps, "a.rtfs"), join(caps, "z.rtfs"))],
    ["a description of a service appears", () => writeFile(join(caps, "api.json"), "{}")],
  ])("ends when %s", async (_what, change) => {
    await store.trust("capabilities");
    await change();
    expect(await store.isTrusted("capabilities")).toBe(false);
    expect(await store.isTrusted("capabilities/a.rtfs")).toBe(false);
  });

  it("survives a change of a file that no capability reads, and comes back with the old content", async () => {
    await store.trust("capabilities");
    await writeFile(join(caps, "notes.md"), "other");
    expect(await store.isTrusted("capabilities")).toBe(true);
    await writeFile(join(caps, "a.rtfs"), "(A)");
    await writeFile(join(caps, "a.rtfs"), "(a)");
    expect(await store.isTrusted("capabilities")).toBe(true);
  });

  it("does not pass from one path to another with the same content", async () => {
    await store.trust("capabilities");
    await mkdir(join(root, "other", "sub"), { recursive: true });
    await writeFile(join(root, "other", "a.rtfs"), "(a)");
    await writeFile(join(root, "other", "sub", "b.rtfs"), "(b)");
    expect(await store.isTrusted("other")).toBe(false);
  });

  it("follows links, so that what they point to is covered, and ends on a circle of them", async () => {
    await writeFile(join(root, "outside.rtfs"), "(x)");
    await symlink(join(root, "outside.rtfs"), join(caps, "link.rtfs"));
    await symlink(caps, join(caps, "sub", "again"));
    await store.trust("capabilities");
    expect(await store.isTrusted("capabilities")).toBe(true);
    expect(await store.isTrusted("capabilities/link.rtfs")).toBe(true);
    expect(await store.isTrusted("outside.rtfs")).toBe(false);
    await writeFile(join(root, "outside.rtfs"), "(evil)");
    expect(await store.isTrusted("capabilities")).toBe(false);
    expect(await store.isTrusted("capabilities/link.rtfs")).toBe(false);
  });

  it("of a configuration covers the modules it names", async () => {
    const config = join(root, "ccos.config.json");
    await writeFile(config, '{"providers": {"line": "./handler.ts"}}');
    await writeFile(join(root, "handler.ts"), "export default 1");
    await store.trust("ccos.config.json");
    expect(await store.isTrusted(config)).toBe(true);
    await writeFile(join(root, "handler.ts"), "export default 2");
    expect(await store.isTrusted(config)).toBe(false);
  });

  it("of a configuration covers what its modules import beside them, and a package that it names", async () => {
    const put = async (path: string, text: string): Promise<void> => {
      await mkdir(join(root, path, ".."), { recursive: true });
      await writeFile(join(root, path), text);
    };
    // As editors of some systems write it, with a mark in front that JSON does not know.
    await put(
      "ccos.config.json",
      '\ufeff{"providers": {"line": "./handler.mjs", "acme": "acme-handler", "gone": "no-such-package"}}',
    );
    await put("handler.mjs", 'import { x } from "./lib/x.mjs"; export default x;');
    await put("lib/x.mjs", 'export * from "./y.mjs"; const later = () => import("./z.mjs");');
    await put("lib/y.mjs", "1");
    await put("lib/z.mjs", "1");
    await put("node_modules/acme-handler/index.js", "1");
    for (const path of ["handler.mjs", "lib/x.mjs", "lib/y.mjs", "lib/z.mjs", "node_modules/acme-handler/index.js"]) {
      await store.trust("ccos.config.json");
      expect(await store.isTrusted("ccos.config.json")).toBe(true);
      await writeFile(join(root, path), "changed", { flag: "a" });
      expect([path, await store.isTrusted("ccos.config.json")]).toEqual([path, false]);
    }
  });

  it("of a configuration that is a link covers the modules beside the link, where they are loaded from", async () => {
    await mkdir(join(root, "shared"));
    await writeFile(join(root, "shared", "settings.json"), '{"providers": {"line": "./handler.mjs"}}');
    await writeFile(join(root, "shared", "handler.mjs"), "1");
    await writeFile(join(root, "handler.mjs"), "1");
    await symlink(join(root, "shared", "settings.json"), join(root, "ccos.config.json"));
    await store.trust("shared/settings.json");
    expect(await store.isTrusted("ccos.config.json")).toBe(false);
    await store.trust(".");
    expect(await store.isTrusted("ccos.config.json")).toBe(false);
    await store.trust("ccos.config.json");
    expect(await store.isTrusted("ccos.config.json")).toBe(true);
    await writeFile(join(root, "handler.mjs"), "2");
    expect(await store.isTrusted("ccos.config.json")).toBe(false);
  });

  it("is of a text that was read, whatever the file holds by now", async () => {
    await store.trust("capabilities");
    const snapshot = store.snapshot();
    expect(await snapshot.isTrusted("capabilities/a.rtfs", "(a)")).toBe(true);
    expect(await snapshot.isTrusted("capabilities/a.rtfs", "(evil)")).toBe(false);
    await store.trust("capabilities/a.rtfs");
    expect(await store.isTrusted("capabilities/a.rtfs", "(a)")).toBe(true);
    expect(await store.isTrusted("capabilities/a.rtfs", "(evil)")).toBe(false);
  });

  it("of the folder around it is not enough for a configuration", async () => {
    await writeFile(join(root, "ccos.config.json"), '{"providers": {"line": "./handler.ts"}}');
    await store.trust(".");
    expect(await store.isTrusted("capabilities/a.rtfs")).toBe(true);
    expect(await store.isTrusted("ccos.config.json")).toBe(false);
  });

  it("is kept in a file that only its owner can read, whole at any time", async () => {
    await store.trust("capabilities");
    await store.trust("capabilities/a.rtfs");
    expect((await stat(store.file)).mode & 0o777).toBe(0o600);
    const kept = JSON.parse(await readFile(store.file, "utf8")) as { trusted: object };
    expect(Object.keys(kept.trusted)).toHaveLength(2);
  });

  it("is refused where the records cannot be read, and those are not overwritten", async () => {
    await mkdir(join(state, "ccos"));
    await writeFile(store.file, "{broken");
    expect(await store.isTrusted("capabilities")).toBe(false);
    await expect(store.trust("capabilities")).rejects.toMatchObject({ code: "store-error" });
    expect(await readFile(store.file, "utf8")).toBe("{broken");
  });

  it("is not believed where others can write the records, and the remedy says so", async () => {
    await store.trust("capabilities");
    await chmod(store.file, 0o666);
    expect(await store.isTrusted("capabilities")).toBe(false);
    await expect(store.trust("capabilities")).rejects.toMatchObject({
      code: "store-error",
      remedy: expect.stringContaining("chmod 600"),
    });
    await chmod(store.file, 0o600);
    expect(await store.isTrusted("capabilities")).toBe(true);
  });

  it("does not reach what its hash leaves out", async () => {
    await mkdir(join(caps, "node_modules", "x"), { recursive: true });
    await writeFile(join(caps, "node_modules", "x", "c.rtfs"), "(c)");
    await store.trust("capabilities");
    expect(await store.isTrusted("capabilities")).toBe(true);
    expect(await store.isTrusted("capabilities/node_modules/x/c.rtfs")).toBe(false);
    expect(await store.isTrusted("capabilities/notes.md")).toBe(false);
  });

  it("of many files is judged from one reading of their folder", async () => {
    await store.trust("capabilities");
    const snapshot = store.snapshot();
    expect(await snapshot.isTrusted("capabilities/a.rtfs")).toBe(true);
    await writeFile(join(caps, "a.rtfs"), "(A)");
    expect(await snapshot.isTrusted("capabilities/sub/b.rtfs")).toBe(true);
    expect(await store.snapshot().isTrusted("capabilities/sub/b.rtfs")).toBe(false);
  });

  it("of something that does not exist is an error when recorded and no when asked", async () => {
    expect(await store.isTrusted("nowhere")).toBe(false);
    await expect(store.trust("nowhere")).rejects.toMatchObject({ code: "not-found" });
  });

  it("is refused for a pipe, whose content nobody can record", async () => {
    execFileSync("mkfifo", [join(root, "pipe")]);
    await expect(store.trust("pipe")).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("neither a file nor a folder"),
    });
  });

  it("that cannot be recorded is an error that names the record", async () => {
    const nowhere = createTrustStore({ env: { CCOS_TRUST_FILE: join(caps, "a.rtfs", "trust.json") }, cwd: root });
    await expect(nowhere.trust("capabilities")).rejects.toMatchObject({
      code: "store-error",
      message: expect.stringContaining("cannot be written (EEXIST)"),
    });
  });

  it("is kept below XDG_STATE_HOME, else below the home folder", () => {
    expect(createTrustStore({ env: { XDG_STATE_HOME: "/state", HOME: "/home/ann" } }).file).toBe(
      "/state/ccos/trust.json",
    );
    expect(createTrustStore({ env: { HOME: "/home/ann" } }).file).toBe("/home/ann/.local/state/ccos/trust.json");
    // Relative ones would lead into whatever folder ccos is started in.
    const fallback = createTrustStore({ env: {} }).file;
    for (const env of [{ XDG_STATE_HOME: "state" }, { HOME: "" }, { HOME: "." }]) {
      expect(createTrustStore({ env, cwd: root }).file).toBe(fallback);
    }
  });
});
