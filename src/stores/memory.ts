import { randomBytes } from "node:crypto";
import type { Store } from "./store.ts";

/** Lives and ends with the process. */
export function createMemoryStore(): Store {
  const key = randomBytes(32);
  return {
    name: "memory",
    fingerprintKey: () => Promise.resolve(key),
    close: () => Promise.resolve(),
  };
}
