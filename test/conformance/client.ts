/**
 * The program under test for the conformance suite: it does what a user of ours would do (ask a server what it
 * offers, then call every tool of it in one session), and every byte goes through our handler.
 *
 * The suite gives the server's URL as the last argument, and the scenario in variables.
 */
import type { JsonObject } from "../../src/kernel/index.ts";
import { createMcpHandler, describeServer, type ToolDescription } from "../../src/providers/mcp/index.ts";
import type { SessionCapability } from "../../src/session/handler.ts";
import { capabilityOf, driveHandler } from "../../testing/drive-handler.ts";

interface ToolCall {
  readonly name: string;
  readonly arguments?: JsonObject;
}

/** The tool whose schema a scenario wants given back, and not called. */
const SCHEMA_TOOL = "json_schema_2020_12_tool";

const url = process.argv.at(-1) ?? "";
const context = JSON.parse(process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}") as {
  readonly toolCalls?: readonly ToolCall[];
};

const description = await describeServer({ url, warn: (message) => console.error(message) });
const calls = context.toolCalls ?? description.tools.filter((tool) => tool.name !== SCHEMA_TOOL).map(defaultCall);

// A person who agrees to everything and fills in nothing: what is left out gets its default.
const driver = driveHandler(createMcpHandler(), {
  interaction: { elicit: () => Promise.resolve({ action: "accept", content: {} }) },
});
if (calls.length > 0) {
  const session = await driver.open(capabilityFor(calls[0] as ToolCall));
  for (const call of calls) {
    try {
      console.log(
        call.name,
        await driver.call(session, capabilityFor(call), call.arguments ?? {}, { timeoutMs: 5000 }),
      );
    } catch (error) {
      // A tool may be made to fail; the scenario judges what went over the wire.
      console.error(call.name, error instanceof Error ? error.message : error);
    }
  }
}
await driver.close();

function capabilityFor(call: ToolCall): SessionCapability {
  const tool = description.tools.find((known) => known.name === call.name);
  return capabilityOf("mcp", {
    server_url: url,
    tool_name: call.name,
    ...(tool && { input_schema_json: JSON.stringify(tool.inputSchema) }),
  });
}

function defaultCall(tool: ToolDescription): ToolCall {
  switch (tool.name) {
    case "add_numbers":
      return { name: tool.name, arguments: { a: 5, b: 3 } };
    case "valid_tool":
      return { name: tool.name, arguments: { region: "us-west1" } };
    case "json_schema_echo": {
      const schema = description.tools.find((known) => known.name === SCHEMA_TOOL)?.inputSchema;
      return { name: tool.name, arguments: schema === undefined ? {} : { schema } };
    }
    default:
      return { name: tool.name };
  }
}
