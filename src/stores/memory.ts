import { randomBytes } from "node:crypto";
import { systemClock, type Clock } from "../kernel/index.ts";
import { requireName, requireTtl } from "./names.ts";
import type {
  AppendLog,
  Feed,
  ListOptions,
  Locks,
  LockToken,
  LogEntry,
  PutOptions,
  Records,
  SlotLimits,
  Slots,
  Store,
  StoredRecord,
} from "./store.ts";

export interface MemoryStoreOptions {
  readonly clock?: Clock | undefined;
  /** Entries kept of each log; older ones are dropped. Default 10,000. */
  readonly maxLogEntries?: number | undefined;
}

/** Lives and ends with the process. */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  const now = (): number => (options.clock ?? systemClock).monotonic();
  const key = randomBytes(32);
  return {
    name: "memory",
    reach: "process",
    durable: false,
    fingerprintKey: () => Promise.resolve(key),
    records: new MemoryRecords(now),
    locks: new MemoryLocks(now),
    slots: new MemorySlots(now),
    feed: new MemoryFeed(),
    log: new MemoryLog(options.maxLogEntries ?? 10_000),
    close: () => Promise.resolve(),
  };
}

type Now = () => number;

interface Kept extends StoredRecord {
  readonly expiresAt: number;
}

/** Changes after which records that nobody asks for any more are looked for. */
const SWEEP_EVERY = 1_000;

class MemoryRecords implements Records {
  readonly #now: Now;
  readonly #kept = new Map<string, Kept>();
  /** One count for all: so a version grows also across the removal of its record. */
  #version = 0;

  constructor(now: Now) {
    this.#now = now;
  }

  async get(name: string): Promise<StoredRecord | undefined> {
    const found = this.#find(requireName(name));
    return found && { value: Uint8Array.from(found.value), version: found.version };
  }

  async put(name: string, value: Uint8Array, options: PutOptions = {}): Promise<number | undefined> {
    const { ifVersion, ttlMs } = options;
    const found = this.#find(requireName(name));
    if (ifVersion !== undefined && (found?.version ?? 0) !== ifVersion) return undefined;
    const expiresAt = ttlMs === undefined ? Infinity : this.#now() + requireTtl(ttlMs);
    const version = ++this.#version;
    this.#kept.set(name, { value: Uint8Array.from(value), version, expiresAt });
    if (version % SWEEP_EVERY === 0) for (const one of this.#kept.keys()) this.#find(one);
    return version;
  }

  async remove(name: string, options: { readonly ifVersion?: number | undefined } = {}): Promise<boolean> {
    const found = this.#find(requireName(name));
    if (found === undefined || (options.ifVersion !== undefined && found.version !== options.ifVersion)) return false;
    return this.#kept.delete(name);
  }

  async list(prefix: string, { after = "", limit = 1_000 }: ListOptions = {}): Promise<string[]> {
    return [...this.#kept.keys()]
      .filter((name) => name.startsWith(prefix) && name > after && this.#find(name) !== undefined)
      .toSorted()
      .slice(0, limit);
  }

  #find(name: string): Kept | undefined {
    const found = this.#kept.get(name);
    if (found === undefined || this.#now() < found.expiresAt) return found;
    this.#kept.delete(name);
    return undefined;
  }
}

class MemoryLocks implements Locks {
  readonly #now: Now;
  readonly #held = new Map<string, { readonly token: LockToken; readonly expiresAt: number }>();
  #token = 0;

  constructor(now: Now) {
    this.#now = now;
  }

  async take(name: string, ttlMs: number): Promise<LockToken | undefined> {
    const held = this.#held.get(requireName(name));
    if (held !== undefined && this.#now() < held.expiresAt) return undefined;
    const token = ++this.#token;
    this.#held.set(name, { token, expiresAt: this.#now() + requireTtl(ttlMs) });
    return token;
  }

  async renew(name: string, token: LockToken, ttlMs: number): Promise<boolean> {
    if (!this.#holds(name, token)) return false;
    this.#held.set(name, { token, expiresAt: this.#now() + requireTtl(ttlMs) });
    return true;
  }

  async release(name: string, token: LockToken): Promise<boolean> {
    return this.#holds(name, token) && this.#held.delete(name);
  }

  #holds(name: string, token: LockToken): boolean {
    const held = this.#held.get(requireName(name));
    return held?.token === token && this.#now() < held.expiresAt;
  }
}

class MemorySlots implements Slots {
  readonly #now: Now;
  readonly #holders = new Map<string, Map<string, { readonly count: number; readonly expiresAt: number }>>();

  constructor(now: Now) {
    this.#now = now;
  }

  async hold(name: string, holder: string, wanted: number, { capacity, ttlMs }: SlotLimits): Promise<number> {
    const holders = this.#alive(requireName(name));
    holders.delete(requireName(holder));
    const others = sum(holders);
    const count = Math.max(0, Math.min(wanted, capacity - others));
    if (count > 0) holders.set(holder, { count, expiresAt: this.#now() + requireTtl(ttlMs) });
    if (holders.size > 0) this.#holders.set(name, holders);
    else this.#holders.delete(name);
    return count;
  }

  async held(name: string): Promise<number> {
    return sum(this.#alive(requireName(name)));
  }

  #alive(name: string): Map<string, { readonly count: number; readonly expiresAt: number }> {
    const holders = this.#holders.get(name) ?? new Map<string, { count: number; expiresAt: number }>();
    for (const [holder, { expiresAt }] of holders) if (this.#now() >= expiresAt) holders.delete(holder);
    return holders;
  }
}

function sum(holders: ReadonlyMap<string, { readonly count: number }>): number {
  let total = 0;
  for (const { count } of holders.values()) total += count;
  return total;
}

class MemoryFeed implements Feed {
  readonly #listeners = new Map<string, Set<(message: Uint8Array) => void>>();

  async publish(topic: string, message: Uint8Array): Promise<void> {
    const copy = Uint8Array.from(message);
    // Whoever publishes is not made to wait for those who listen, nor to fail with them.
    for (const listener of this.#listeners.get(requireName(topic)) ?? []) queueMicrotask(() => listener(copy));
  }

  async subscribe(topic: string, listener: (message: Uint8Array) => void): Promise<() => Promise<void>> {
    const listeners = this.#listeners.get(requireName(topic)) ?? new Set();
    this.#listeners.set(topic, listeners);
    // A function of its own for each subscription: one listener may listen twice.
    const own = (message: Uint8Array): void => listener(message);
    listeners.add(own);
    return async () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic);
    };
  }
}

class MemoryLog implements AppendLog {
  readonly #most: number;
  readonly #logs = new Map<string, { first: number; readonly entries: Uint8Array[] }>();

  constructor(most: number) {
    this.#most = most;
  }

  async append(log: string, entries: readonly Uint8Array[]): Promise<number> {
    const own = this.#logs.get(requireName(log)) ?? { first: 1, entries: [] };
    this.#logs.set(log, own);
    for (const entry of entries) own.entries.push(Uint8Array.from(entry));
    const surplus = own.entries.length - this.#most;
    if (surplus > 0) {
      own.entries.splice(0, surplus);
      own.first += surplus;
    }
    return own.first + own.entries.length - 1;
  }

  async read(log: string, after: number, limit = 1_000): Promise<LogEntry[]> {
    const own = this.#logs.get(requireName(log));
    if (own === undefined) return [];
    const start = Math.max(0, after + 1 - own.first);
    return own.entries
      .slice(start, start + limit)
      .map((entry, index) => ({ number: own.first + start + index, entry: Uint8Array.from(entry) }));
  }

  async list(): Promise<string[]> {
    return [...this.#logs.keys()].toSorted();
  }

  async drop(log: string, upTo: number): Promise<number> {
    const own = this.#logs.get(requireName(log));
    if (own === undefined) return 0;
    const count = Math.min(own.entries.length, Math.max(0, upTo - own.first + 1));
    own.entries.splice(0, count);
    own.first += count;
    return count;
  }
}
