import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { SignInStore, type SignInRecord } from "./sign-in-store.ts";

let folder: string;
let store: SignInStore;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "ccos-store-")), "deep", "sign-ins");
  store = new SignInStore(folder);
});
afterEach(() => rm(join(folder, "..", ".."), { recursive: true, force: true }));

const record = (endpoint: string, accessToken = "a-token"): SignInRecord => ({
  id: `id of ${accessToken}`,
  endpoint,
  issuer: "https://id.example",
  accessToken,
  tokenType: "Bearer",
  obtainedAt: 1,
  details: {},
});

const ONE = "https://one.example/mcp";

async function fileOf(): Promise<string> {
  const [name = ""] = await readdir(folder);
  return join(folder, name);
}

describe("kept sign-ins", () => {
  test("are read back by endpoint, and each write replaces the last", async () => {
    expect(store.read(ONE)).toBeUndefined();
    await store.write(record(ONE));
    await store.write(record(ONE, "another"));
    await store.write(record("https://two.example/mcp"));
    expect(store.read(ONE)).toEqual(record(ONE, "another"));
    expect((await store.list()).map(({ endpoint }) => endpoint)).toEqual([ONE, "https://two.example/mcp"]);
    expect(await readdir(folder)).toHaveLength(2);
  });

  test("are the user's alone", async () => {
    await store.write(record(ONE));
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(await fileOf())).mode & 0o777).toBe(0o600);
  });

  test("are seen when another process has written them", async () => {
    await store.write(record(ONE));
    expect(store.read(ONE)?.accessToken).toBe("a-token");
    await new SignInStore(folder).write(record(ONE, "from elsewhere"));
    expect(store.read(ONE)?.accessToken).toBe("from elsewhere");
    await new SignInStore(folder).remove(ONE);
    expect(store.read(ONE)).toBeUndefined();
    expect(await store.remove(ONE)).toBe(false);
  });

  test.each([0o644, 0o660, 0o606])("that others may read or write (mode %o) are not believed", async (mode) => {
    await store.write(record(ONE));
    await chmod(await fileOf(), mode);
    expect(() => store.read(ONE)).toThrow(expect.objectContaining({ code: "store-error" }));
  });

  test.each(["", "{", "[]", "null", '{"version":1,"endpoint":"https://one.example/mcp"}'])(
    "that hold %j are none",
    async (text) => {
      await store.write(record(ONE));
      await writeFile(await fileOf(), text);
      expect(store.read(ONE)).toBeUndefined();
      expect(await store.list()).toEqual([]);
    },
  );

  test("that stand in the place of another server's are none for that", async () => {
    await store.write(record(ONE));
    const other = await fileOf();
    await store.write(record("https://two.example/mcp"));
    const [target = ""] = (await readdir(folder)).filter((name) => !other.endsWith(name));
    await rename(other, join(folder, target));
    expect(store.read("https://two.example/mcp")).toBeUndefined();
  });

  test("are whole or not there: nothing half-written is left", async () => {
    await Promise.all(Array.from({ length: 20 }, (_, at) => store.write(record(ONE, `token ${at}`))));
    expect(await readdir(folder)).toHaveLength(1);
    expect(JSON.parse(await readFile(await fileOf(), "utf8"))).toMatchObject({ endpoint: ONE });
  });
});
