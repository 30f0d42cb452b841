import type { Agent } from "undici";

/**
 * One dispatcher for all sessions of a handler, so that warm connections are shared. Its own timers are off:
 * deadlines belong to calls, and a peer may be silent for as long as its caller allows. Loads the HTTP client, which
 * nothing before the first session needs. Close it with `destroy()`.
 */
export async function createDispatcher(): Promise<Agent> {
  const { Agent: Connections } = await import("undici");
  return new Connections({
    connections: 256,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: 10_000 },
  });
}
