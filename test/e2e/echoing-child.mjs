// A stdio server that says everything it was given: its name, its errors, its stderr, its last words.
import { createInterface } from "node:readline";

const said = JSON.stringify({ argv: process.argv.slice(2), env: process.env });
process.stderr.write(`${said}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const answer = (content) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...content })}\n`);
  if (method === "initialize") {
    answer({
      result: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: said, version: said } },
    });
  } else if (method !== "tools/call") answer({ error: { code: -32601, message: `Method not found: ${said}` } });
  else if (params.name === "die") {
    process.stderr.write(`${said}\n`, () => process.exit(3));
  } else answer({ result: { content: [{ type: "text", text: said }], isError: true } });
}
