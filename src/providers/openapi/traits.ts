import type { HandlerTraits } from "../../session/handler.ts";

/** The name of the metadata block. */
export const PROVIDER = "openapi";

/** Older spellings of the block's keys. */
export const ALIASES = {
  base_url: ["server_url", "url", "server", "endpoint_base_url"],
  base_url_override_env: ["server_url_override_env", "url_override_env"],
  path: ["endpoint_path"],
  method: ["http_method", "endpoint_method"],
  auth_env_var: ["token_env_var"],
} as const satisfies Record<string, readonly string[]>;

/** Every key of the block; `operation.ts` tells what each one holds. */
const KEYS = [
  "accept",
  "accept_as",
  "auth",
  "auth_env_var",
  "base_url",
  "base_url_override_env",
  "headers",
  "idempotency_key",
  "login",
  "max_response_bytes",
  "method",
  "operation_id",
  "pagination",
  "parameters",
  "path",
  "probe_path",
  "query",
  "request_body",
  "requires_session",
  "responses",
  "result",
  "security",
  "summary",
  "tags",
  "timeout_ms",
  "timeout_seconds",
  "title",
  "type",
] as const;

export const TRAITS: HandlerTraits = {
  metadataAliases: ALIASES,
  metadataKeys: [...KEYS, ...Object.values(ALIASES).flat()],
  neededKeys: [["base_url", "base_url_override_env"]],
  legacyKeys: {
    base_url: "base_url",
    endpoint_base_url: "base_url",
    endpoint_path: "path",
    endpoint_method: "method",
  },
  olderNames: { block: ["endpoint"], provider: ["http", "https", "rest"] },
  maxInFlight: 64,
  // https://opentelemetry.io/docs/specs/semconv/http/http-spans/: the method and the template of the path.
  spanName: (target) => target.operation,
  spanAttributes: (target) => {
    const [method = "", template = ""] = target.operation.split(" ", 2);
    return {
      "http.request.method": method,
      "url.template": template,
      "network.transport": "tcp",
      "network.protocol.name": "http",
    };
  },
};
