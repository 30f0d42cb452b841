import { fork } from "node:child_process";
import { once } from "node:events";

import { capability, loadCcos } from "../contenders/ccos.ts";
import { floor } from "../contenders/floor.ts";
import type { ProviderPair } from "./pair.ts";

/** A tool's call over Streamable HTTP, beside one POST of the same JSON-RPC. */
export async function openMcp(): Promise<ProviderPair> {
  const server = fork(new URL("../canned-server.ts", import.meta.url));
  const [{ url }] = (await once(server, "message")) as [{ url: string }];
  process.env["BENCH_TOKEN"] ??= "bench-token";
  const { createEnvironment } = await loadCcos();
  const env = await createEnvironment({ capabilities: [], config: {} });
  await env.capabilities.load(capability(url, "store"));
  const direct = await floor.open(url);
  return {
    provider: "mcp",
    library: "undici",
    ours: (key) => env.call("mcp.bench.store", { key }),
    direct: (key) => direct.call("store", { key }),
    async close() {
      await env.close();
      await direct.close();
      server.disconnect();
    },
  };
}
