import { fail } from "../kernel/index.ts";
import { createMemoryStore } from "./memory.ts";
import type { Store } from "./store.ts";

/**
 * The store that an address names: `memory`, which is also the default.
 * Throws `unimplemented` for a kind that does not exist, without repeating what may be a password.
 */
export function openStore(address: string | undefined): Store {
  if (address === undefined || address === "memory") return createMemoryStore();
  const kind = /^[a-z][a-z0-9+-]*/i.exec(address)?.[0] ?? "";
  return fail("unimplemented", `There is no store of the kind ${JSON.stringify(kind)}; sessions live in memory.`, {
    remedy: 'Leave the store out, or say "memory".',
  });
}
