import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keyFile, parseKeys } from "./keys.ts";
import { createMemoryStore } from "./memory.ts";
import { sealStore } from "./sealed.ts";
import type { Store } from "./store.ts";

const OLD = "0a".repeat(32);
const NEW = Buffer.alloc(32, 7).toString("base64");
const ring = (text: string) => parseKeys(text, "CCOS_STORE_KEY");
const secret = new TextEncoder().encode("the id of a session: 0123456789");

describe("a sealed store", () => {
  let plain: Store;
  beforeEach(() => {
    plain = createMemoryStore();
  });

  test("holds nothing that can be read", async () => {
    const store = await sealStore(plain, ring(OLD));
    await store.records.put("a", secret);
    await store.log.append("log", [secret]);
    for (const held of [(await plain.records.get("a"))?.value, (await plain.log.read("log", 0))[0]?.entry]) {
      expect(Buffer.from(held ?? []).includes(Buffer.from(secret))).toBe(false);
      expect(held?.length).toBeGreaterThan(secret.length);
    }
    expect((await store.records.get("a"))?.value).toEqual(secret);
  });

  test("writes the same value differently each time", async () => {
    const store = await sealStore(plain, ring(OLD));
    await store.records.put("a", secret);
    const first = (await plain.records.get("a"))?.value;
    await store.records.put("a", secret);
    expect((await plain.records.get("a"))?.value).not.toEqual(first);
  });

  test("refuses whoever has another key, and is not overwritten by them", async () => {
    const store = await sealStore(plain, ring(OLD));
    await store.records.put("a", secret);
    await expect(sealStore(plain, ring(NEW))).rejects.toMatchObject({
      code: "store-error",
      message: expect.stringContaining("a key that is not there") as string,
    });
    expect((await store.records.get("a"))?.value).toEqual(secret);
  });

  test("opens what an older key sealed, and seals with the newer one", async () => {
    const before = await sealStore(plain, ring(OLD));
    await before.records.put("a", secret);
    const both = await sealStore(plain, ring(`${NEW},${OLD}`));
    expect((await both.records.get("a"))?.value).toEqual(secret);
    expect(await both.fingerprintKey()).toEqual(await before.fingerprintKey());
    await both.records.put("a", secret);
    const after = await sealStore(plain, ring(NEW));
    expect((await after.records.get("a"))?.value).toEqual(secret);
  });

  test("notices a record that was changed, or put in the place of another", async () => {
    const store = await sealStore(plain, ring(OLD));
    await store.records.put("a", secret);
    const held = (await plain.records.get("a"))?.value as Uint8Array;
    await plain.records.put("b", held);
    await expect(store.records.get("b")).rejects.toMatchObject({ code: "store-error" });
    held[held.length - 1] = (held[held.length - 1] as number) ^ 1;
    await plain.records.put("a", held);
    await expect(store.records.get("a")).rejects.toMatchObject({ code: "store-error" });
    await plain.records.put("a", Uint8Array.of(1, 2, 3));
    await expect(store.records.get("a")).rejects.toMatchObject({ code: "store-error" });
  });

  test("hears no news from whoever has another key", async () => {
    const store = await sealStore(plain, ring(OLD));
    const heard: Uint8Array[] = [];
    await store.feed.subscribe("news", (message) => void heard.push(message));
    await plain.feed.publish("news", secret);
    await store.feed.publish("news", secret);
    await Promise.resolve();
    expect(heard).toEqual([secret]);
  });
});

describe("keys", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ccos-keys-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test.each(["", " , ", "short", OLD.slice(2), `${OLD},nonsense-${"x".repeat(40)}`])(
    "that are none are refused without being repeated: %j",
    (text) => {
      expect(() => ring(text)).toThrow(
        expect.objectContaining({
          code: "invalid-argument",
          message: expect.not.stringMatching(/nonsense|0a0a/) as string,
        }) as Error,
      );
    },
  );

  test("of a file are made on first use, for their owner alone, and stay the same", async () => {
    const path = join(folder, "below", "store.key");
    const rings = await Promise.all([keyFile(path), keyFile(path), keyFile(path)]);
    const again = await keyFile(path);
    for (const { current } of rings) expect(current.key).toEqual(again.current.key);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
  });

  test("of a file that others may read are refused", async () => {
    const path = join(folder, "store.key");
    writeFileSync(path, OLD);
    chmodSync(path, 0o644);
    await expect(keyFile(path)).rejects.toMatchObject({
      code: "store-error",
      remedy: expect.stringContaining("chmod 600") as string,
    });
  });
});
