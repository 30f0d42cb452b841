import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { storeChecks } from "../../../testing/store-suite.ts";
import { parseKeys } from "../keys.ts";
import { sealStore } from "../sealed.ts";
import type { Store } from "../store.ts";
import { openSqliteStore } from "./index.ts";

const rig = (wrap: (store: Store) => Promise<Store>) => ({
  shared: true,
  async createPlace() {
    const folder = mkdtempSync(join(tmpdir(), "ccos-sqlite-"));
    let now = 1_700_000_000_000;
    return {
      open: async () => wrap(await openSqliteStore({ path: join(folder, "store.db"), now: () => now })),
      async advance(ms: number) {
        now += ms;
      },
      async [Symbol.asyncDispose]() {
        rmSync(folder, { recursive: true });
      },
    };
  },
});

test.each(storeChecks(rig(async (store) => store)))("$name", ({ run }) => run());

const ring = parseKeys("ab".repeat(32), "the test");
test.each(storeChecks(rig((store) => sealStore(store, ring))))("sealed, $name", ({ run }) => run());

describe("a file", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ccos-sqlite-"));
    path = join(folder, "store.db");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test("is for its owner alone", async () => {
    const store = await openSqliteStore({ path });
    for (const name of readdirSync(folder))
      expect([name, statSync(join(folder, name)).mode & 0o077]).toEqual([name, 0]);
    await store.close();
  });

  test("holds what was stored when it is opened again", async () => {
    const first = await openSqliteStore({ path });
    await first.records.put("a", Uint8Array.of(1));
    const key = await first.fingerprintKey();
    await first.close();
    const second = await openSqliteStore({ path });
    expect((await second.records.get("a"))?.value).toEqual(Uint8Array.of(1));
    expect(await second.fingerprintKey()).toEqual(key);
    await second.close();
  });

  test("that is damaged is set aside, and the service goes on with a new one", async () => {
    writeFileSync(path, "this is no database, but quite long enough to be looked at as one ".repeat(100));
    const warnings: string[] = [];
    const store = await openSqliteStore({ path, warn: (message) => void warnings.push(message) });
    expect(await store.records.put("a", Uint8Array.of(1))).toBeDefined();
    await store.close();
    const aside = readdirSync(folder).find((name) => name.includes(".damaged-"));
    expect(readFileSync(join(folder, aside ?? ""), "utf8")).toMatch(/^this is no database/);
    expect(warnings).toEqual([expect.stringContaining(`${path} is damaged. It was set aside as`)]);
  });

  test("of a newer version is refused and left as it is", async () => {
    const newer = new DatabaseSync(path);
    newer.exec("PRAGMA user_version = 999");
    newer.close();
    await expect(openSqliteStore({ path })).rejects.toMatchObject({
      code: "store-error",
      message: expect.stringContaining("newer version") as string,
    });
    expect(readdirSync(folder).some((name) => name.includes("damaged"))).toBe(false);
  });

  test("in a folder that does not exist is an error that says what to do", async () => {
    await expect(openSqliteStore({ path: join(folder, "no", "store.db") })).rejects.toMatchObject({
      code: "store-error",
      remedy: expect.stringContaining("--store sqlite:PATH") as string,
    });
  });

  test("that is full fails the write and keeps what it has", async () => {
    const store = await openSqliteStore({ path });
    await store.records.put("a", Uint8Array.of(1));
    const limited = new DatabaseSync(path);
    limited.close();
    await store.close();
    const full = await openSqliteStore({ path, maxPages: 20 });
    const write = async (): Promise<void> => {
      for (let n = 0; n < 100; n++) await full.records.put(`n${n}`, new Uint8Array(10_000));
    };
    await expect(write()).rejects.toMatchObject({ code: "store-error", details: { retryable: true } });
    expect((await full.records.get("a"))?.value).toEqual(Uint8Array.of(1));
    expect(await full.records.remove("n0")).toBe(true);
    expect(await full.records.put("small", Uint8Array.of(2))).toBeDefined();
    await full.close();
  });

  test("that another process holds for long fails the write as one that may succeed later", async () => {
    const store = await openSqliteStore({ path, busyTimeoutMs: 150 });
    const holder = new DatabaseSync(path);
    holder.exec("BEGIN IMMEDIATE");
    await expect(store.records.put("a", Uint8Array.of(1))).rejects.toMatchObject({
      code: "store-error",
      details: { retryable: true },
    });
    expect(await store.records.get("a")).toBeUndefined();
    holder.exec("COMMIT");
    holder.close();
    expect(await store.records.put("a", Uint8Array.of(1))).toBeDefined();
    await store.close();
  });
});
