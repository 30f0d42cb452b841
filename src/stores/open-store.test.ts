import { expect, test } from "vitest";
import { openStore } from "./index.ts";

test("memory is the default", () => {
  expect(openStore(undefined).name).toBe("memory");
  expect(openStore("memory").name).toBe("memory");
});

test("a store has one secret key, and no two stores in memory share it", async () => {
  const store = openStore("memory");
  const key = await store.fingerprintKey();
  expect(key).toHaveLength(32);
  expect(await store.fingerprintKey()).toEqual(key);
  expect(await openStore("memory").fingerprintKey()).not.toEqual(key);
});

test("an unknown kind is refused without repeating the address", () => {
  expect(() => openStore("keyvault://user:hunter22@example")).toThrow(
    expect.objectContaining({
      code: "unimplemented",
      message: expect.not.stringContaining("hunter22") as string,
    }) as Error,
  );
});
