import {
  getOwn,
  isJsonObject,
  oneLine,
  setOwn,
  stringifyJson,
  stripControls,
  type JsonObject,
  type JsonValue,
} from "../kernel/index.ts";
import { isAny, jsonSchemaToType, type Type } from "../rtfs/index.ts";

/** A tool as a server lists it; nothing of it has been checked. */
export interface ListedTool {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly inputSchema?: JsonValue | undefined;
  readonly outputSchema?: JsonValue | undefined;
  readonly annotations?: JsonObject | undefined;
}

/** What a capability file says of a tool. */
export interface ToolDeclaration {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly effects: readonly string[];
  readonly inputSchema: Type | undefined;
  readonly outputSchema: Type | undefined;
  readonly metadata: JsonObject;
}

/** What every tool of one server has in common. */
export interface ToolSource {
  /** The keys of the provider block that lead to the server: an address, or a command and its arguments. */
  readonly connection: JsonObject;
  readonly serverName: string;
  /** For `:discovery`: where the tool was found. */
  readonly sourceUrl: string;
  readonly createdAt: string;
  readonly warn: (message: string) => void;
}

const LONGEST_DESCRIPTION = 10_000;
const LONGEST_SCHEMA = 512 * 1024;
const HINTS: readonly (readonly [annotation: string, key: string])[] = [
  ["readOnlyHint", "read_only_hint"],
  ["destructiveHint", "destructive_hint"],
  ["idempotentHint", "idempotent_hint"],
  ["openWorldHint", "open_world_hint"],
];

/** Says of a tool what its server says, in the terms of a capability file. */
export function declareTool(id: string, tool: ListedTool, source: ToolSource): ToolDeclaration {
  const warn = (message: string): void => source.warn(`${id}: ${message}`);
  const block: JsonObject = {
    ...source.connection,
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
    id,
    name: label(typeof title === "string" ? title : "") || label(tool.name) || id,
    description: prose(tool.description ?? ""),
    version: "1.0.0",
    effects: [":network"],
    inputSchema: typeOf(tool.inputSchema, warn),
    outputSchema: typeOf(tool.outputSchema, warn),
    metadata: {
      mcp: block,
      // The server's name for itself stays out of the provider block: there it would choose which variable
      // (NAMESPACE_MCP_TOKEN) is sent to it.
      discovery: {
        method: "mcp_introspection",
        source_url: source.sourceUrl,
        server_name: source.serverName,
        created_at: source.createdAt,
      },
    },
  };
}

function typeOf(schema: JsonValue | undefined, warn: (message: string) => void): Type | undefined {
  if (!isJsonObject(schema)) return undefined;
  const type = jsonSchemaToType(schema, warn);
  return isAny(type) ? undefined : type;
}

const label = (text: string): string => oneLine(text.toWellFormed(), 200);

/** Text for people, over several lines, without what would move a terminal's cursor. */
function prose(text: string): string {
  const clean = stripControls(text.toWellFormed()).trim();
  return clean.length <= LONGEST_DESCRIPTION ? clean : `${clean.slice(0, LONGEST_DESCRIPTION - 1).toWellFormed()}…`;
}

// Outside of plain letters and the like: escaped, so that the file shows what it holds. JSON reads them back as they were.
const INVISIBLE = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

function schemaText(schema: JsonValue): string {
  return stringifyJson(schema).replace(
    INVISIBLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
