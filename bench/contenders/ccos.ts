import type { createEnvironment as CreateEnvironment } from "../../src/index.ts";
import type { Contender } from "./contender.ts";

/** The public interface of the build; `BENCH_CCOS` names another one to measure. */
export async function loadCcos(): Promise<{ readonly createEnvironment: typeof CreateEnvironment }> {
  return (await import(process.env["BENCH_CCOS"] ?? "../../dist/src/index.js")) as {
    createEnvironment: typeof CreateEnvironment;
  };
}

/** This package, by its public interface and with its defaults. */
export const ccos: Contender = {
  name: "ccos",
  packages: ["ccos"],
  async open(url) {
    const { createEnvironment } = await loadCcos();
    const env = await createEnvironment({ capabilities: [], config: {} });
    await env.capabilities.load(capability(url, "store") + capability(url, "read", ":idempotent true"));
    return {
      call: async (tool, input) => (await env.call(`mcp.bench.${tool}`, { ...input })) as string,
      close: () => env.close(),
    };
  },
};

export function capability(url: string, tool: string, more = ""): string {
  return `
    (capability "mcp.bench.${tool}"
      :description "A tool of the bench's server"
      :metadata {:mcp {:server_url "${url}" :tool_name "${tool}" :requires_session "auto" :auth_env_var "BENCH_TOKEN"} ${more}}
      :input-schema [:map [:key :string]]
      :effects [:network])`;
}
