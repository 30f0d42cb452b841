// A stdio server that writes down its process id. It ends when its input does, unless it is told to be stubborn; then
// only what cannot be refused ends it. A tool named "hang" never answers.
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [file, manner] = process.argv.slice(2);
appendFileSync(file, `${process.pid}\n`);
if (manner === "stubborn") {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
  setInterval(() => {}, 1_000);
}
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined || manner === "mute") continue;
  const answer = (content) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...content })}\n`);
  if (method === "initialize") {
    answer({
      result: {
        protocolVersion: "2025-06-18",
        capabilities: { tools: {} },
        serverInfo: { name: "stubborn", version: "1" },
      },
    });
  } else if (method !== "tools/call") answer({ error: { code: -32601, message: "Method not found" } });
  else if (params.name !== "hang") answer({ result: { content: [{ type: "text", text: "done" }] } });
}
