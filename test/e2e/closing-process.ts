// A program that uses everything that could keep a process alive, closes, and says what is left. It never calls `process.exit`.
import { createEnvironment } from "../../src/environment.ts";

const [legacy = "", modern = "", child = "", pids = ""] = process.argv.slice(2);
// Whatever the streams of this process hold is there before and after.
process.stdout.write("begin\n");
process.stderr.write("");
await new Promise((resolve) => setImmediate(resolve));
const before = process.getActiveResourcesInfo();

const env = await createEnvironment({ capabilities: [], config: {}, env: { TOKEN: "token-of-the-test" } });
const declare = (id: string, block: string, more = ""): string =>
  `(capability "${id}" :description "d" :metadata {:mcp {${block} :requires_session "auto"} ${more}})`;
const http = (url: string, tool: string): string => `:server_url "${url}" :tool_name "${tool}" :auth_env_var "TOKEN"`;
const stdio = (tool: string, manner: string): string =>
  `:command "${process.execPath}" :args ["${child}" "${pids}" "${manner}"] :tool_name "${tool}"`;
await env.capabilities.load(
  [
    declare(
      "a.echo",
      http(legacy, "echo"),
      ":session {:max_sessions 3 :max_in_flight 1 :min_idle 2 :max_lifetime_ms 3600000 :idle_timeout_ms 1800000}",
    ),
    declare("a.modern", http(modern, "echo")),
    declare("a.once", `${http(legacy, "echo")}`.replace(":tool_name", ':title "x" :tool_name')),
    declare(
      "a.kept",
      http(legacy, "echo"),
      ":idempotent true :cache {:ttl_ms 60000 :stale_while_revalidate_ms 60000} :single_flight true",
    ),
    declare(
      "a.limited",
      http(legacy, "echo"),
      ":rate_limit {:limit 1 :interval_ms 20000} :bulkhead {:max_concurrent 4}",
    ),
    declare(
      "a.retried",
      http("http://127.0.0.1:9/mcp", "echo"),
      ":retry {:max_attempts 9 :initial_delay_ms 600000 :max_delay_ms 600000} :circuit_breaker {:failures 50 :reset_ms 600000} :timeout_ms 3600000",
    ),
    declare("a.slow", http(legacy, "hang"), ":timeout_ms 3600000"),
    declare("a.child", stdio("echo", "gentle")),
    declare("a.child-slow", stdio("hang", "gentle"), ":timeout_ms 3600000"),
  ].join("\n"),
);
await Promise.all(Array.from({ length: 6 }, (_, n) => env.call("a.echo", { n })));
await Promise.all([
  env.call("a.modern", {}),
  env.call("a.once", {}),
  env.call("a.kept", {}),
  env.call("a.limited", {}),
  env.call("a.child", {}),
]);
// Under way when it closes: waiting for a turn, for a retry, for an answer.
const underWay = ["a.limited", "a.retried", "a.slow", "a.child-slow"].map((id) =>
  env.call(id, {}).then(
    () => "answered",
    (error: { code: string }) => error.code,
  ),
);
await new Promise((resolve) => setTimeout(resolve, 300));
const ends = Promise.all(underWay);
await env.close({ deadlineMs: 500 });
const after = process.getActiveResourcesInfo();
process.stdout.write(`${JSON.stringify({ before, after, ends: await ends, sessions: env.sessions.list() })}\n`);
