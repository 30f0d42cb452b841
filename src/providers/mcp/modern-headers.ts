import type { JsonObject } from "../../kernel/index.ts";
import { encodeHeaderValue } from "./param-headers.ts";

const PROTOCOL_VERSION_KEY = "io.modelcontextprotocol/protocolVersion";

/** Whether a request says of itself that it is of the modern era. */
export function isModern(params: JsonObject | undefined): boolean {
  return typeof (params?.["_meta"] as JsonObject | undefined)?.[PROTOCOL_VERSION_KEY] === "string";
}

/** What the modern era wants said in headers too, so that servers and proxies route by it. */
export function addModernHeaders(
  headers: Record<string, string>,
  method: string,
  params: JsonObject | undefined,
): void {
  const version = (params?.["_meta"] as JsonObject | undefined)?.[PROTOCOL_VERSION_KEY];
  if (typeof version === "string") headers["mcp-protocol-version"] = version;
  headers["mcp-method"] = method;
  const named = method === "tools/call" || method === "prompts/get" ? "name" : method === "resources/read" ? "uri" : "";
  const name = named === "" ? undefined : params?.[named];
  if (typeof name === "string") headers["mcp-name"] = encodeHeaderValue(name);
}
