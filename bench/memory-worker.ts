/** What idle sessions hold, in a process of its own: opened, called once each, and left alone. */
import { capability, loadCcos } from "./contenders/ccos.ts";
import { contender, type Client } from "./contenders/index.ts";
import { load, median } from "./load.ts";

export interface MemoryOrder {
  readonly name: string;
  readonly url: string;
  readonly sessions: number;
}

export interface MemoryResult {
  /** Bytes of the heap for each session, after a collection. */
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly openMs: number;
  readonly closeMs: number;
  /** Sequential calls, each on the session of another caller. */
  readonly p50Ms: number;
}

process.on("message", (order: MemoryOrder) => {
  measure(order).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

interface Fleet {
  call(index: number): Promise<unknown>;
  close(): Promise<unknown>;
}

async function measure({ name, url, sessions }: MemoryOrder): Promise<MemoryResult> {
  const open = name === "ccos" ? openCallers : openClients;
  // One first, so that what every session shares is no part of what each of them holds.
  const first = await open(name, url, 1);
  await first.call(0);
  const before = settled();
  const startedAt = performance.now();
  const fleet = await open(name, url, sessions);
  await load(sessions, 16, async (index) => void (await fleet.call(index)));
  const openMs = performance.now() - startedAt;
  const after = settled();
  const took = await load(2000, 1, async (index) => void (await fleet.call((index * 7919) % sessions)));
  const closingAt = performance.now();
  await fleet.close();
  await first.close();
  return {
    heapBytes: (after.heapUsed - before.heapUsed) / sessions,
    rssBytes: (after.rss - before.rss) / sessions,
    openMs,
    closeMs: performance.now() - closingAt,
    p50Ms: median(took),
  };
}

/** One environment; each caller has a pool and a session of its own. */
async function openCallers(_name: string, url: string, sessions: number): Promise<Fleet> {
  const { createEnvironment } = await loadCcos();
  const session = { scope: "caller", max_sessions_per_endpoint: sessions, max_sessions_total: sessions };
  const env = await createEnvironment({ capabilities: [], config: { session } });
  await env.capabilities.load(capability(url, "store"));
  return {
    call: (index) => env.call("mcp.bench.store", { key: "k" }, { caller: { id: `caller-${index}` } }),
    close: () => env.close({ deadlineMs: 60_000 }),
  };
}

async function openClients(name: string, url: string, sessions: number): Promise<Fleet> {
  const clients: Client[] = [];
  for (let index = 0; index < sessions; index++) clients.push(await contender(name).open(url));
  return {
    call: (index) => (clients[index] as Client).call("store", { key: "k" }),
    close: () => Promise.all(clients.map((client) => client.close())),
  };
}

function settled(): NodeJS.MemoryUsage {
  for (let round = 0; round < 3; round++) global.gc?.();
  return process.memoryUsage();
}
