import type { HandlerTraits } from "../../session/handler.ts";
import type { GraphqlSettings } from "./target.ts";

/** The name of the metadata block. */
export const PROVIDER = "graphql";

/** Other spellings of the block's keys; blocks `{:type "graphql" …}` use some of them. */
export const ALIASES = {
  endpoint: ["url", "server_url", "server_endpoint"],
  endpoint_override_env: ["url_override_env", "server_url_override_env"],
  operation: ["query", "document"],
  auth_env_var: ["token_env_var", "auth_token_env_var"],
  auth_token: ["token"],
  subscription_url: ["subscriptions_url", "ws_url"],
} as const satisfies Record<string, readonly string[]>;

const KEYS = [
  "auth",
  "auth_env_var",
  "auth_token",
  "connection_init",
  "depth",
  "endpoint",
  "endpoint_override_env",
  "field",
  "handshake",
  "headers",
  "introspection",
  "kind",
  "login",
  "max_buffered_events",
  "max_response_bytes",
  "method",
  "on_error",
  "operation",
  "operation_name",
  "persisted_queries",
  "requires_session",
  "result_field",
  "selection",
  "subscription_transport",
  "subscription_url",
  "timeout_seconds",
  "transport",
  "type",
] as const;

export const TRAITS: HandlerTraits = {
  metadataAliases: ALIASES,
  metadataKeys: [...KEYS, ...Object.values(ALIASES).flat()],
  neededKeys: [["endpoint", "endpoint_override_env"]],
  maxInFlight: 64,
  // https://opentelemetry.io/docs/specs/semconv/graphql/graphql-spans/
  spanName: (target) => (target.settings as GraphqlSettings).operation.kind,
  spanAttributes: (target) => {
    const { operation, transport } = target.settings as GraphqlSettings;
    return {
      "graphql.operation.type": operation.kind,
      "graphql.operation.name": target.operation,
      "network.transport": "tcp",
      "network.protocol.name": transport === "ws" ? "websocket" : "http",
    };
  },
};
