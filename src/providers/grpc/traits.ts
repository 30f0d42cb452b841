import type { HandlerTraits } from "../../session/handler.ts";
import type { GrpcSettings } from "./target.ts";

/** The name of the metadata block. */
export const PROVIDER = "grpc";

/** Other spellings of the block's keys. */
export const ALIASES = {
  target: ["address", "server", "server_url", "endpoint", "url", "host"],
  target_override_env: ["address_override_env", "server_url_override_env", "endpoint_override_env"],
  service: ["service_name"],
  method: ["method_name", "rpc"],
  proto: ["proto_file"],
  proto_path: ["proto_paths", "include_paths", "import_paths"],
  descriptor_set: ["protoset", "descriptor_set_file"],
  auth_env_var: ["token_env_var", "auth_token_env_var"],
  auth_token: ["token"],
} as const satisfies Record<string, readonly string[]>;

const KEYS = [
  "auth",
  "auth_env_var",
  "auth_token",
  "authority",
  "ca_file",
  "cert_file",
  "descriptor_set",
  "emit_defaults",
  "half_close",
  "headers",
  "idempotency_level",
  "keepalive",
  "key_file",
  "max_messages",
  "max_response_bytes",
  "metadata",
  "method",
  "proto",
  "proto_path",
  "reflection",
  "requires_session",
  "service",
  "target",
  "target_override_env",

  "tls",
  "type",
] as const;

export const TRAITS: HandlerTraits = {
  metadataAliases: ALIASES,
  metadataKeys: [...KEYS, ...Object.values(ALIASES).flat()],
  neededKeys: [["target", "target_override_env"], ["service"], ["method"]],
  // As many streams as an HTTP/2 connection should allow at least (RFC 9113, section 6.5.2).
  maxInFlight: 100,
  // https://opentelemetry.io/docs/specs/semconv/rpc/
  spanName: (target) => target.operation,
  spanAttributes: (target) => {
    const { service, method, host, port } = target.settings as GrpcSettings;
    return {
      "rpc.system": "grpc",
      "rpc.service": service,
      "rpc.method": method,
      "server.address": host,
      ...(port !== undefined && { "server.port": port }),
    };
  },
};
