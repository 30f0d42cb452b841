export { createMemoryStore } from "./memory.ts";
export { openStore } from "./open-store.ts";
export type { Store } from "./store.ts";
