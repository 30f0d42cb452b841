/** One of a fleet: makes calls, each with a number of its own, and tells at the end which failed. */
import { createEnvironment } from "../../src/index.ts";

const [url = "", store = "", name = "", calls = "0"] = process.argv.slice(2);
const env = await createEnvironment({ capabilities: [], config: {}, store });
await env.capabilities.load(
  `(capability "t.count" :description "d" :metadata {:mcp {:server_url "${url}" :tool_name "count" :requires_session "auto"}})`,
);
const errors: string[] = [];
let next = 0;
const caller = async (): Promise<void> => {
  while (next < Number(calls)) {
    const key = `${name}-${next++}`;
    try {
      await env.call("t.count", { key });
    } catch (error) {
      errors.push(String((error as Error).message));
    }
  }
};
await Promise.all(Array.from({ length: 8 }, caller));
await env.close();
console.log(JSON.stringify(errors));
