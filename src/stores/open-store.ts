import { join, resolve } from "node:path";
import { fail } from "../kernel/index.ts";
import { keyFile, parseKeys, type KeyRing } from "./keys.ts";
import { createMemoryStore } from "./memory.ts";
import { sealStore } from "./sealed.ts";
import type { Store } from "./store.ts";

export interface OpenStoreOptions {
  /** Where relative paths start. Default: the folder of the process. */
  readonly cwd?: string | undefined;
  /** The keys that seal what is stored, where `CCOS_STORE_KEY` says so. */
  readonly keys?: string | undefined;
  /** The user's own folder, where a key is kept for stores that are not files. */
  readonly userFolder?: string | undefined;
  /** Told of what people should know: a damaged file, a server that is away. Default: nobody is told. */
  readonly warn?: ((message: string) => void) | undefined;
}

/**
 * The store that an address names: `memory`, which is also the default, `sqlite:PATH`, or `redis://…` and `rediss://…`.
 * Everything but memory is sealed: with the keys given, else with a key that is made on first use, beside a file, or in
 * the user's own folder.
 *
 * Throws `unimplemented` for a kind that does not exist, without repeating what may be a password, `store-error` where
 * the store cannot be opened or was sealed with another key, and `invalid-argument` for keys that are none.
 */
export async function openStore(address: string | undefined, options: OpenStoreOptions = {}): Promise<Store> {
  if (address === undefined || address === "memory") return createMemoryStore();
  const { cwd = process.cwd(), warn } = options;
  const kind = /^[a-z][a-z0-9+-]*(?=:)/i.exec(address)?.[0].toLowerCase() ?? "";
  switch (kind) {
    case "sqlite": {
      const given = address.slice("sqlite:".length);
      if (given === "")
        fail("invalid-argument", "The address of the store names no file.", { remedy: "Write sqlite:PATH." });
      const path = resolve(cwd, given);
      const ring = await keysFor(options, () => `${path}.key`);
      const { openSqliteStore } = await import("./sqlite/index.ts");
      return sealed(await openSqliteStore({ path, warn }), ring);
    }
    case "redis":
    case "rediss": {
      if (!URL.canParse(address))
        fail("invalid-argument", "The address of the store is no URL.", { remedy: "Write redis://HOST:PORT." });
      const ring = await keysFor(options, (folder) => join(folder, "store.key"));
      const { openRedisStore } = await import("./redis/index.ts");
      return sealed(await openRedisStore({ url: address, warn }), ring);
    }
    default:
      return fail("unimplemented", `There is no store of the kind ${JSON.stringify(kind || address.slice(0, 20))}.`, {
        remedy: "Use memory, sqlite:PATH, or redis://HOST:PORT.",
      });
  }
}

async function keysFor({ keys, userFolder }: OpenStoreOptions, pathIn: (folder: string) => string): Promise<KeyRing> {
  if (keys !== undefined && keys !== "") return parseKeys(keys, "CCOS_STORE_KEY");
  return keyFile(pathIn(userFolder ?? "."));
}

/** One that refuses our key is closed again. */
async function sealed(store: Store, ring: KeyRing): Promise<Store> {
  try {
    return await sealStore(store, ring);
  } catch (error) {
    await store.close();
    throw error;
  }
}
