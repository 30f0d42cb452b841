export { createMemoryStore } from "./memory.ts";
export { openStore, type OpenStoreOptions } from "./open-store.ts";
export type {
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
