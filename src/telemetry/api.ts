import { createRequire } from "node:module";
import type * as OpenTelemetry from "@opentelemetry/api";

/** The OpenTelemetry API; it does nothing until an SDK has registered itself with it. */
export type Api = typeof OpenTelemetry;

interface Registered {
  readonly trace?: unknown;
  readonly metrics?: unknown;
}

// Where every copy of the API, of version 1, keeps what was registered. Looked at directly so that a process
// without an SDK never loads the API: that would cost more than evaluating a small program.
const GLOBAL = Symbol.for("opentelemetry.js.api.1");

/** What an SDK has registered in this process so far. */
export function registered(): Registered {
  return (globalThis as { [GLOBAL]?: Registered })[GLOBAL] ?? {};
}

let api: Api | undefined;

/** Loads the API at once: a span begins at the very event that made it necessary. */
export function loadApi(): Api {
  api ??= createRequire(import.meta.url)("@opentelemetry/api") as Api;
  return api;
}
