import { expect, test } from "vitest";
import { startMcpServer } from "../../testing/mcp-server.ts";
import { createEnvironment, type RuntimeEvents } from "../../src/index.ts";

test("a refusal whose headers say when the limit begins anew is waited out, and no other call goes before that", async () => {
  await using server = await startMcpServer();
  await using env = await createEnvironment({ capabilities: [], env: {} });
  await env.capabilities.load(`(capability "acme.add" :description "D" :effects [:network]
    :metadata {:mcp {:server_url "${server.url}" :tool_name "echo" :requires_session "auto"}})`);
  const learned: RuntimeEvents["rateLearned"][] = [];
  env.on("rateLearned", (event) => void learned.push(event));
  await env.call("acme.add", { text: "warm" });
  server.dials.fault = {
    kind: "status",
    status: 429,
    headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "0.2" },
  };
  server.dials.faultTimes = 1;
  const startedAt = performance.now();
  const [first, second] = await Promise.all([
    env.callDetailed("acme.add", { text: "a" }),
    // Let the refusal arrive first, then join.
    new Promise((resolve) => void env.on("rateLearned", resolve)).then(() =>
      env.callDetailed("acme.add", { text: "b" }),
    ),
  ]);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(195);
  expect(learned).toMatchObject([{ remaining: 0, resetMs: 200 }]);
  expect([first.attempts, second.attempts]).toEqual([2, 1]);
});
