import type { createEnvironment as CreateEnvironment } from "../../src/index.ts";
import type { Contender } from "./contender.ts";

/** The public interface of the build; `BENCH_CCOS` names another one to measure. */
export async function loadCcos(): Promise<{ readonly createEnvironment: typeof CreateEnvironment }> {
  return (await import(process.env["BENCH_CCOS"] ?? "../../dist/src/index.js")) as {
    createEnvironment: typeof CreateEnvironment;
  };
}

/** As long as a caller of the bench waits for the end, and a little less. */
const CLOSE_MS = 4000;

/** This package, by its public interface. Its capabilities say that a call is tried until its peer is back. */
export const ccos: Contender = contender("ccos", ":retry {:max_attempts 10}");

/** The same with nothing said: three attempts a call. */
export const ccosDefaults: Contender = contender("ccos, defaults", "");

function contender(name: string, settings: string): Contender {
  return {
    name,
    packages: ["ccos"],
    async open(url) {
      const { createEnvironment } = await loadCcos();
      const env = await createEnvironment({ capabilities: [], config: {} });
      const read = capability(url, "read", `${settings} :idempotent true`);
      await env.capabilities.load(capability(url, "store", settings) + read);
      return {
        call: async (tool, input) => (await env.call(`mcp.bench.${tool}`, { ...input })) as string,
        close: () => env.close({ deadlineMs: CLOSE_MS }),
      };
    },
  };
}

export function capability(url: string, tool: string, more = ""): string {
  return `
    (capability "mcp.bench.${tool}"
      :description "A tool of the bench's server"
      :metadata {:mcp {:server_url "${url}" :tool_name "${tool}" :requires_session "auto" :auth_env_var "BENCH_TOKEN"} ${more}}
      :input-schema [:map [:key :string]]
      :effects [:network])`;
}
