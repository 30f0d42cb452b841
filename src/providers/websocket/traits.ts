import type { HandlerTraits } from "../../session/handler.ts";
import type { WebSocketSettings } from "./target.ts";

/** The name of the metadata block. */
export const PROVIDER = "websocket";

/** Other spellings of the block's keys. */
export const ALIASES = {
  url: ["server_url", "endpoint", "server_endpoint"],
  url_override_env: ["server_url_override_env", "endpoint_override_env"],
  auth_env_var: ["token_env_var", "auth_token_env_var"],
  auth_token: ["token"],
  subprotocols: ["protocols"],
} as const satisfies Record<string, readonly string[]>;

const KEYS = [
  "answer",
  "auth",
  "auth_env_var",
  "auth_token",
  "cancel",
  "close_codes",
  "close_timeout_ms",
  "compression",
  "correlate",
  "error_code_path",
  "error_codes",
  "error_message_path",
  "error_path",
  "format",
  "headers",
  "heartbeat",
  "hello",
  "ignore",
  "login",
  "max_buffered_events",
  "max_response_bytes",
  "max_send_buffer_bytes",
  "message",
  "method",
  "method_path",
  "params",
  "params_path",
  "replies",
  "requires_session",
  "result_path",
  "retry_after_path",
  "retry_after_unit",
  "subprotocols",
  "subscribe",
  "type",
  "url",
  "url_override_env",
] as const;

export const TRAITS: HandlerTraits = {
  metadataAliases: ALIASES,
  metadataKeys: [...KEYS, ...Object.values(ALIASES).flat()],
  neededKeys: [["url", "url_override_env"]],
  maxInFlight: 64,
  // https://opentelemetry.io/docs/specs/semconv/rpc/json-rpc/, which names a span by its method.
  spanName: (target) => (target.settings as WebSocketSettings).operation.name,
  spanAttributes: (target) => {
    const { wire, operation } = target.settings as WebSocketSettings;
    return {
      "network.protocol.name": "websocket",
      "network.transport": "tcp",
      "websocket.correlation": wire.correlation.kind,
      ...(wire.correlation.kind === "json-rpc" && {
        "rpc.system": "jsonrpc",
        "rpc.jsonrpc.version": "2.0",
        "rpc.method": operation.name,
      }),
    };
  },
};
