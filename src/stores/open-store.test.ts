import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore } from "./index.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ccos-store-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("memory is the default", async () => {
  expect((await openStore(undefined)).name).toBe("memory");
  expect((await openStore("memory")).name).toBe("memory");
});

test("a store has one secret key, and no two stores in memory share it", async () => {
  const store = await openStore("memory");
  const key = await store.fingerprintKey();
  expect(key).toHaveLength(32);
  expect(await store.fingerprintKey()).toEqual(key);
  expect(await (await openStore("memory")).fingerprintKey()).not.toEqual(key);
});

test("a file is sealed with a key of its own beside it", async () => {
  const secret = "the session id of a peer";
  const store = await openStore("sqlite:below.db", { cwd: folder });
  await store.records.put("a", new TextEncoder().encode(secret));
  const key = await store.fingerprintKey();
  await store.close();
  expect(existsSync(join(folder, "below.db.key"))).toBe(true);
  for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name)).includes(secret)).toBe(false);
  const again = await openStore("sqlite:below.db", { cwd: folder });
  expect(new TextDecoder().decode((await again.records.get("a"))?.value)).toBe(secret);
  expect(await again.fingerprintKey()).toEqual(key);
  await again.close();
});

test("a file that was sealed with another key is refused, and not overwritten", async () => {
  const first = await openStore("sqlite:s.db", { cwd: folder, keys: "aa".repeat(32) });
  await first.records.put("a", Uint8Array.of(1));
  await first.close();
  await expect(openStore("sqlite:s.db", { cwd: folder, keys: "bb".repeat(32) })).rejects.toMatchObject({
    code: "store-error",
  });
  const again = await openStore("sqlite:s.db", { cwd: folder, keys: `${"bb".repeat(32)},${"aa".repeat(32)}` });
  expect((await again.records.get("a"))?.value).toEqual(Uint8Array.of(1));
  await again.close();
});

test.each(["keyvault://user:hunter22@example", "sqlite:", "redis://user:hunter22@[", "nonsense"])(
  "%s is refused without repeating what may be a password",
  async (address) => {
    await expect(openStore(address, { cwd: folder, userFolder: folder })).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:unimplemented|invalid-argument)$/) as string,
      message: expect.not.stringContaining("hunter22") as string,
    });
  },
);
