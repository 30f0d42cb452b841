/**
 * Where that lives which outlives a process, or is shared by several. A store carries bytes and decides nothing:
 * what is valid, and for how long, is the core's to say. This file imports no implementation.
 *
 * Times to live are durations, measured by the store's own clock, so that the clocks of those who share it need
 * not agree. Names of records, locks, slots and logs are texts of 1 to 512 characters; they may be seen by whoever
 * sees the store, so they hold no secret.
 *
 * Every method rejects with `store-error` where the store fails: retryable where it may be back soon, not where
 * what it holds cannot be read.
 */
export interface Store {
  /** Names it for people, without credentials. */
  readonly name: string;
  /** Who sees what is stored: this process, every process of this machine, or a fleet. */
  readonly reach: "process" | "machine" | "fleet";
  /** Whether what is stored is there after the process has ended. */
  readonly durable: boolean;
  /**
   * 32 secret bytes that key the fingerprints of identities. All who share the store get the same, so that
   * one identity has one fingerprint wherever it is met.
   */
  fingerprintKey(): Promise<Uint8Array>;
  readonly records: Records;
  readonly locks: Locks;
  readonly slots: Slots;
  readonly feed: Feed;
  readonly log: AppendLog;
  /** Frees what it holds. Nothing else may be called after; calling it again does nothing. */
  close(): Promise<void>;
}

/** Values by name, each with a version that grows at every change, also across its removal. */
export interface Records {
  get(name: string): Promise<StoredRecord | undefined>;
  /**
   * Writes a value. With `ifVersion` only where the record still has that version (0: where there is none);
   * undefined where it has not, and then nothing was written. Resolves to the new version.
   */
  put(name: string, value: Uint8Array, options?: PutOptions): Promise<number | undefined>;
  /** False where there is no such record, or it has another version than `ifVersion`. */
  remove(name: string, options?: { readonly ifVersion?: number | undefined }): Promise<boolean>;
  /** The names with a prefix, in order, those after `after` only; at most `limit`, default 1,000. */
  list(prefix: string, options?: ListOptions): Promise<string[]>;
}

export interface StoredRecord {
  readonly value: Uint8Array;
  readonly version: number;
}

export interface PutOptions {
  readonly ifVersion?: number | undefined;
  /** After this time the record is gone, in milliseconds. Default: it stays. */
  readonly ttlMs?: number | undefined;
}

export interface ListOptions {
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

/**
 * Locks that are lost when their holder does not renew them in time. A lock therefore proves nothing by itself:
 * what is done under it carries its token, which grows with every holder, and whoever has seen a greater token
 * refuses it.
 */
export interface Locks {
  /** The lock with its fencing token; undefined where somebody else holds it. Does not wait. */
  take(name: string, ttlMs: number): Promise<LockToken | undefined>;
  /** False where the lock has been lost: it must be taken anew. */
  renew(name: string, token: LockToken, ttlMs: number): Promise<boolean>;
  /** False where it had been lost before. */
  release(name: string, token: LockToken): Promise<boolean>;
}

/** Greater than that of every earlier holder of the same lock. */
export type LockToken = number;

/** Counted permits: so many holders share a number of slots, and those who die give theirs back by and by. */
export interface Slots {
  /**
   * Sets how many slots a holder has, as far as those of the others leave room: at most `wanted`, together at most
   * `capacity`. Resolves to how many it has now. They are its own until `ttlMs` has passed since it asked last.
   */
  hold(name: string, holder: string, wanted: number, limits: SlotLimits): Promise<number>;
  /** How many slots all holders have. */
  held(name: string): Promise<number>;
}

export interface SlotLimits {
  readonly capacity: number;
  readonly ttlMs: number;
}

/** News among those who share the store. Delivered at most once, and not to those who were not listening. */
export interface Feed {
  publish(topic: string, message: Uint8Array): Promise<void>;
  /** What is published after this resolves is heard, in the order of each publisher. */
  subscribe(topic: string, listener: (message: Uint8Array) => void): Promise<() => Promise<void>>;
}

/** Logs that only grow. */
export interface AppendLog {
  /** Appends entries, all or none, and resolves when they are as safe as the store can make them, to the number of the last. */
  append(log: string, entries: readonly Uint8Array[]): Promise<number>;
  /** The entries after a number, in order; at most `limit`, default 1,000. The first entry has the number 1. */
  read(log: string, after: number, limit?: number): Promise<LogEntry[]>;
  /** The names of all logs, in order. */
  list(): Promise<string[]>;
  /** Drops the entries up to and including a number, and says how many were dropped. Later numbers stay as they are. */
  drop(log: string, upTo: number): Promise<number>;
}

export interface LogEntry {
  readonly number: number;
  readonly entry: Uint8Array;
}
