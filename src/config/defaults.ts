import type { JsonObject } from "../kernel/index.ts";

/** What applies where nobody says otherwise, in the vocabulary of metadata and configuration. For people: each policy has its own. */
export const DEFAULT_SETTINGS: JsonObject = {
  session: {
    scope: "identity",
    max_sessions: 1,
    max_sessions_per_endpoint: 64,
    max_sessions_total: 1000,
    min_idle: 0,
    max_waiters: 1000,
    open_timeout_ms: 30_000,
    acquire_timeout_ms: 10_000,
    idle_timeout_ms: 300_000,
    max_lifetime_ms: 0,
    validate_after_idle_ms: 0,
    lease_timeout_ms: 3_600_000,
    stateful: false,
    max_replays: 2,
  },
  timeout_ms: 30_000,
};
