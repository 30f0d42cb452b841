import type { McpTool } from "./mcp-dials.ts";

/** The result of a tool that says one thing. */
export const text = (value: string): object => ({ content: [{ type: "text", text: value }] });

/** What a scripted server offers unless a test says otherwise. */
export const DEFAULT_TOOLS: readonly McpTool[] = [
  {
    name: "echo",
    description: "Gives back its message.",
    inputSchema: { type: "object", properties: { message: { type: "string" } }, required: ["message"] },
    annotations: { readOnlyHint: true },
    run: (input) => text(`Echo: ${String(input["message"])}`),
  },
  {
    name: "count",
    description: "Counts the calls of its session.",
    inputSchema: { type: "object", properties: {} },
    run: (_input, call) => ({ content: [], structuredContent: { count: call.count } }),
  },
  {
    name: "fail",
    description: "Reports an error of its own.",
    inputSchema: { type: "object", properties: { message: { type: "string" } } },
    run: (input) => ({ ...text(String(input["message"] ?? "failed")), isError: true }),
  },
];
