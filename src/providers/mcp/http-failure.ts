import { TooLarge, waitAskedFor, type HttpResponse } from "../../http/index.ts";
import { QUOTED, readRpcError } from "./transport.ts";
import { WireError, type WireFailure, type WireState } from "./wire-error.ts";

/** An answer that is no success, with what its body says. */
export function httpFailure(response: HttpResponse, text: string, now: number): WireFailure {
  let rpc: ReturnType<typeof readRpcError>;
  try {
    rpc = readRpcError(JSON.parse(text));
  } catch {
    rpc = undefined;
  }
  return {
    kind: "http",
    status: response.status,
    body: text.slice(0, QUOTED),
    rpc,
    retryAfterMs: waitAskedFor((name) => response.header(name), now),
    location: response.header("location"),
  };
}

/** Errors of the HTTP client as ours. */
export function asWireError(error: unknown, state: WireState): WireError {
  if (error instanceof WireError) return error;
  if (error instanceof TooLarge) return new WireError({ kind: "oversize", limit: error.limit }, state, error);
  const { code, message } = rootOf(error);
  if (isNoHttp(error)) return new WireError({ kind: "broken", text: "The answer is not HTTP." }, state, error);
  return new WireError({ kind: "network", code, text: message }, state, error);
}

/** By name: two copies of a package may meet in one process. An end that comes too early is a cut, and no other protocol. */
function isNoHttp(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, code } = error as { name?: unknown; code?: unknown };
  return name === "HTTPParserError" ? code !== "HPE_INVALID_EOF_STATE" : isNoHttp(error.cause);
}

function rootOf(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: "UNKNOWN", message: String(error) };
  const { code } = error as { code?: unknown };
  if (typeof code === "string") return { code, message: error.message || code };
  if (error.cause !== undefined) return rootOf(error.cause);
  return { code: "UNKNOWN", message: error.message };
}
