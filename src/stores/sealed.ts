import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { CcosError } from "../kernel/index.ts";
import { derivedKey, type KeyRing, type SealingKey } from "./keys.ts";
import type { AppendLog, Feed, Records, Store } from "./store.ts";

const FORMAT = 1;
const ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + ID_BYTES + NONCE_BYTES;

const CHECK = "check of the key";
const CHECK_TEXT = new TextEncoder().encode("this store is sealed");

/**
 * A store that holds nothing in plain text but names: values, messages and entries are sealed (AES-256-GCM), each
 * bound to where it stands, so that none can be put in the place of another. What an older key has sealed is opened with
 * that, and sealed anew when it is next written.
 *
 * Rejects with `store-error` where the store is sealed with a key that is not in the ring: nothing is overwritten then.
 */
export async function sealStore(store: Store, ring: KeyRing): Promise<Store> {
  const seal = new Seal(ring, store.name);
  await requireOurKey(store.records, seal);
  return {
    name: store.name,
    reach: store.reach,
    durable: store.durable,
    // Of the oldest key, so that identities stay what they are when another one is put before it.
    fingerprintKey: () => Promise.resolve(derivedKey(ring.all[ring.all.length - 1] ?? ring.current, "fingerprints")),
    records: sealedRecords(store.records, seal),
    locks: store.locks,
    slots: store.slots,
    feed: sealedFeed(store.feed, seal),
    log: sealedLog(store.log, seal),
    close: () => store.close(),
  };
}

/** Whoever comes first says which key it is; all others must have it. */
async function requireOurKey(records: Records, seal: Seal): Promise<void> {
  await records.put(CHECK, seal.close(CHECK, CHECK_TEXT), { ifVersion: 0 });
  const found = await records.get(CHECK);
  if (found === undefined) return;
  seal.open(CHECK, found.value);
  if (!seal.isCurrent(found.value))
    await records.put(CHECK, seal.close(CHECK, CHECK_TEXT), { ifVersion: found.version });
}

function sealedRecords(records: Records, seal: Seal): Records {
  const place = (name: string): string => `record ${name}`;
  return {
    async get(name) {
      const found = await records.get(name);
      return found && { version: found.version, value: seal.open(place(name), found.value) };
    },
    put: (name, value, options) => records.put(name, seal.close(place(name), value), options),
    remove: (name, options) => records.remove(name, options),
    list: async (prefix, options) => (await records.list(prefix, options)).filter((name) => name !== CHECK),
  };
}

function sealedFeed(feed: Feed, seal: Seal): Feed {
  const place = (topic: string): string => `topic ${topic}`;
  return {
    publish: (topic, message) => feed.publish(topic, seal.close(place(topic), message)),
    subscribe: (topic, listener) =>
      feed.subscribe(topic, (message) => {
        let opened: Uint8Array;
        try {
          opened = seal.open(place(topic), message);
        } catch {
          // Of somebody who has another key, or none: no news for us.
          return;
        }
        listener(opened);
      }),
  };
}

function sealedLog(log: AppendLog, seal: Seal): AppendLog {
  const place = (name: string): string => `log ${name}`;
  return {
    append: (name, entries) =>
      log.append(
        name,
        entries.map((entry) => seal.close(place(name), entry)),
      ),
    async read(name, after, limit) {
      const found = await log.read(name, after, limit);
      return found.map(({ number, entry }) => ({ number, entry: seal.open(place(name), entry) }));
    },
    list: () => log.list(),
    drop: (name, upTo) => log.drop(name, upTo),
  };
}

/** Format, id of the key, nonce, sealed bytes, tag. */
class Seal {
  readonly #ring: KeyRing;
  readonly #store: string;

  constructor(ring: KeyRing, store: string) {
    this.#ring = ring;
    this.#store = store;
  }

  close(place: string, plain: Uint8Array): Uint8Array {
    const { id, key } = this.#ring.current;
    const nonce = randomBytes(NONCE_BYTES);
    const head = Buffer.concat([Uint8Array.of(FORMAT), id, nonce]);
    const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(boundTo(head, place));
    return new Uint8Array(Buffer.concat([head, cipher.update(plain), cipher.final(), cipher.getAuthTag()]));
  }

  open(place: string, sealed: Uint8Array): Uint8Array {
    if (sealed.length < HEAD_BYTES + TAG_BYTES || sealed[0] !== FORMAT)
      throw this.#unreadable("is not in a form known here");
    const head = sealed.subarray(0, HEAD_BYTES);
    const key = this.#keyOf(sealed);
    if (key === undefined) {
      throw new CcosError("store-error", `${this.#store} is sealed with a key that is not there.`, {
        remedy:
          "Set CCOS_STORE_KEY to the key it was written with (after a newer one, if there is one), or use another store.",
        details: { retryable: false },
      });
    }
    const end = sealed.length - TAG_BYTES;
    try {
      const decipher = createDecipheriv("aes-256-gcm", key.key, head.subarray(1 + ID_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(boundTo(head, place));
      decipher.setAuthTag(sealed.subarray(end));
      return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(HEAD_BYTES, end)), decipher.final()]));
    } catch {
      throw this.#unreadable("was changed by somebody else");
    }
  }

  isCurrent(sealed: Uint8Array): boolean {
    return this.#keyOf(sealed) === this.#ring.current;
  }

  #keyOf(sealed: Uint8Array): SealingKey | undefined {
    const id = Buffer.from(sealed.subarray(1, 1 + ID_BYTES));
    return this.#ring.all.find((candidate) => id.equals(candidate.id));
  }

  #unreadable(why: string): CcosError {
    return new CcosError("store-error", `What ${this.#store} holds in this place ${why}.`, {
      details: { retryable: false },
    });
  }
}

function boundTo(head: Uint8Array, place: string): Uint8Array {
  return Buffer.concat([head, Buffer.from(place, "utf8")]);
}
