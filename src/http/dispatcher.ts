import { createRequire } from "node:module";

import type { Agent } from "undici";

/**
 * One dispatcher for all sessions of a handler, so that warm connections are shared. Its own timers are off:
 * deadlines belong to calls, and a peer may be silent for as long as its caller allows. Loads the HTTP client, which
 * nothing before the first session needs. Close it with `destroy()`.
 */
export async function createDispatcher(): Promise<Agent> {
  // The door of the package loads all it has: caches, mocks, `fetch`. This one module is a sixth of the time of a
  // first call less, and the version of the package is pinned.
  const Connections = createRequire(import.meta.url)("undici/lib/dispatcher/agent.js") as typeof Agent;
  return new Connections({
    connections: 256,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: 10_000 },
  });
}
