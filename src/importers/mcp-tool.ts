import { getOwn, isJsonObject, setOwn, type JsonObject, type JsonValue } from "../kernel/index.ts";
import { isAny, jsonSchemaToType, type Type } from "../rtfs/index.ts";
import { label, schemaText } from "./clean-text.ts";
import type { Declaration, Warn } from "./declaration.ts";

/** A tool as a server lists it; nothing of it has been checked. */
export interface ListedTool {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly inputSchema?: JsonValue | undefined;
  readonly outputSchema?: JsonValue | undefined;
  readonly annotations?: JsonObject | undefined;
}

const LONGEST_SCHEMA = 512 * 1024;
const HINTS: readonly (readonly [annotation: string, key: string])[] = [
  ["readOnlyHint", "read_only_hint"],
  ["destructiveHint", "destructive_hint"],
  ["idempotentHint", "idempotent_hint"],
  ["openWorldHint", "open_world_hint"],
];

/**
 * Says of a tool what its server says, in the terms of a capability file.
 *
 * @param connection the keys of the provider block that lead to the server: an address, or a command and its arguments
 */
export function declareTool(tool: ListedTool, connection: JsonObject, warn: Warn): Declaration {
  // The server's name for itself stays out of the block: there it would choose which variable
  // (NAMESPACE_MCP_TOKEN) is sent to it.
  const block: JsonObject = {
    ...connection,
    tool_name: tool.name.toWellFormed(),
    requires_session: "auto",
  };
  const annotations = tool.annotations ?? {};
  for (const [annotation, key] of HINTS) {
    const hint = getOwn(annotations, annotation);
    if (typeof hint === "boolean") setOwn(block, key, hint);
  }
  for (const [key, schema] of [
    ["input_schema_json", tool.inputSchema],
    ["output_schema_json", tool.outputSchema],
  ] as const) {
    if (schema === undefined) continue;
    const text = schemaText(schema);
    if (text.length <= LONGEST_SCHEMA) setOwn(block, key, text);
    else warn(`its schema of ${text.length} characters is too long to keep; only its type was written.`);
  }
  const title = tool.title ?? getOwn(annotations, "title");
  return {
    title: label(typeof title === "string" ? title : "") || undefined,
    description: tool.description,
    inputSchema: typeOf(tool.inputSchema, warn),
    outputSchema: typeOf(tool.outputSchema, warn),
    metadata: { mcp: block },
  };
}

function typeOf(schema: JsonValue | undefined, warn: Warn): Type | undefined {
  if (!isJsonObject(schema)) return undefined;
  const type = jsonSchemaToType(schema, warn);
  return isAny(type) ? undefined : type;
}
