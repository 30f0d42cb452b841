import { fork } from "node:child_process";
import { once } from "node:events";

import { Agent, request } from "undici";

import { loadCcos } from "../contenders/ccos.ts";
import type { ProviderPair } from "./pair.ts";

export type { ProviderPair } from "./pair.ts";

const TOKEN = "bench-token";

/** A GET with a parameter in its path and a bearer token, answered with 230 bytes of JSON. */
export async function openOpenApi(): Promise<ProviderPair> {
  const server = fork(new URL("./openapi-server.ts", import.meta.url));
  const [url] = (await once(server, "message")) as [string];
  const { createEnvironment } = await loadCcos();
  const env = await createEnvironment({ capabilities: [], config: {}, env: { BENCH_TOKEN: TOKEN } });
  await env.capabilities.load(`
    (capability "bench.read"
      :description "A thing of the bench's service"
      :input-schema [:map [:key :string]]
      :effects [:network]
      :metadata {:openapi {:base_url "${url}" :path "/things/{key}" :method "GET"
                           :requires_session "auto" :auth_env_var "BENCH_TOKEN"
                           :parameters [{:name "key" :in "path"}]
                           :responses {"200" {:content ["application/json"]}}}})`);
  const dispatcher = new Agent({ connections: 256, pipelining: 1 });
  return {
    provider: "openapi",
    library: "undici",
    ours: (key) => env.call("bench.read", { key }),
    async direct(key) {
      const headers = { authorization: `Bearer ${TOKEN}`, accept: "application/json" };
      const { body } = await request(`${url}/things/${encodeURIComponent(key)}`, { dispatcher, headers });
      return body.json();
    },
    async close() {
      await env.close();
      await dispatcher.close();
      server.disconnect();
    },
  };
}
