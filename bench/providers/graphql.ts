import { fork } from "node:child_process";
import { once } from "node:events";

import { Agent, request } from "undici";

import { loadCcos } from "../contenders/ccos.ts";
import type { ProviderPair } from "./pair.ts";

const TOKEN = "bench-token";
const QUERY = "query user($key: String!) { user(login: $key) { key: login id name bio followers { totalCount } } }";

/** A query with one variable and a bearer token, answered with 220 bytes, beside a POST of the same by the HTTP client. */
export async function openGraphql(): Promise<ProviderPair> {
  const server = fork(new URL("./graphql-server.ts", import.meta.url));
  const [url] = (await once(server, "message")) as [string];
  const { createEnvironment } = await loadCcos();
  const env = await createEnvironment({ capabilities: [], config: {}, env: { BENCH_TOKEN: TOKEN } });
  await env.capabilities.load(`
    (capability "bench.user"
      :description "A user of the bench's service"
      :input-schema [:map [:key :string]]
      :effects [:network]
      :metadata {:graphql {:endpoint "${url}" :requires_session "true" :auth_env_var "BENCH_TOKEN"
                           :operation "${QUERY}" :result_field "user"}})`);
  const dispatcher = new Agent({ connections: 256, pipelining: 1 });
  const headers = {
    authorization: `Bearer ${TOKEN}`,
    accept: "application/graphql-response+json, application/json;q=0.9",
    "content-type": "application/json",
  };
  return {
    provider: "graphql",
    library: "undici",
    ours: (key) => env.call("bench.user", { key }),
    async direct(key) {
      const body = JSON.stringify({ query: QUERY, operationName: "user", variables: { key } });
      const answer = await request(url, { dispatcher, method: "POST", headers, body });
      return ((await answer.body.json()) as { data: { user: unknown } }).data.user;
    },
    async close() {
      await env.close();
      await dispatcher.close();
      server.disconnect();
    },
  };
}
