import type { HandlerTraits, Target } from "../../session/handler.ts";
import type { McpOperation } from "./operation.ts";
import type { CallSettings, McpSettings } from "./target.ts";

/** The name of the metadata block. */
export const PROVIDER = "mcp";

/** Older spellings of the block's keys; blocks `{:type "mcp" …}` use some of them. */
export const ALIASES = {
  server_url: ["url", "server_endpoint", "endpoint"],
  server_url_override_env: ["url_override_env", "server_endpoint_override_env"],
  tool_name: ["tool"],
  server_name: ["server"],
  auth_env_var: ["token_env_var", "auth_token_env_var"],
  auth_token: ["token"],
} as const satisfies Record<string, readonly string[]>;

const KEYS = [
  "args",
  "auth",
  "auth_env_var",
  "auth_token",
  "capability_type",
  "command",
  "complete",
  "cwd",
  "destructive_hint",
  "discovery_method",
  "env",
  "headers",
  "idempotent_hint",
  "input_schema_json",
  "log_level",
  "max_buffered_events",
  "max_response_bytes",
  "open_world_hint",
  "output_schema_json",
  "prompt",
  "protocol_version",
  "read_only_hint",
  "requires_session",
  "resource",
  "resource_template",
  "server_name",
  "server_url",
  "server_url_override_env",
  "server_version",
  "timeout_ms",
  "timeout_seconds",
  "title",
  "tool_name",
  "transport",
  "type",
] as const;

const METHODS = {
  tool: "tools/call",
  resource: "resources/read",
  "resource-template": "resources/read",
  prompt: "prompts/get",
  completion: "completion/complete",
} as const satisfies Record<McpOperation["kind"], string>;

export type McpMethod = (typeof METHODS)[keyof typeof METHODS];

/** The method of the protocol that does it. */
export function methodOf(operation: McpOperation): McpMethod {
  return METHODS[operation.kind];
}

export const TRAITS: HandlerTraits = {
  metadataAliases: ALIASES,
  metadataKeys: [...KEYS, ...Object.values(ALIASES).flat()],
  neededKeys: [
    ["tool_name", "resource", "resource_template", "prompt", "complete_prompt", "complete_resource_template"],
    ["server_url", "command", "server_url_override_env"],
  ],
  legacyKeys: {
    server_url: "server_url",
    url: "server_url",
    server_endpoint: "server_url",
    tool_name: "tool_name",
    server_name: "server_name",
    auth_env_var: "auth_env_var",
    auth_token: "auth_token",
    protocol_version: "protocol_version",
  },
  maxInFlight: 64,
  // https://opentelemetry.io/docs/specs/semconv/gen-ai/mcp/; the session id of its list is a secret, and left out.
  spanName: (target) => {
    const { operation } = settingsOf(target);
    const named = operation.kind === "tool" || operation.kind === "prompt";
    return named ? `${methodOf(operation)} ${operation.name}` : methodOf(operation);
  },
  spanAttributes: (target) => {
    const { operation } = settingsOf(target);
    return {
      "mcp.method.name": methodOf(operation),
      ...(operation.kind === "tool" && { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": operation.name }),
      ...(operation.kind === "prompt" && { "gen_ai.prompt.name": operation.name }),
      ...(operation.kind === "resource" && { "mcp.resource.uri": operation.uri }),
      ...((target.settings as McpSettings).kind === "stdio"
        ? { "network.transport": "pipe" }
        : { "network.transport": "tcp", "network.protocol.name": "http" }),
    };
  },
};

function settingsOf(target: Target): CallSettings {
  return (target.settings as McpSettings).call as CallSettings;
}
