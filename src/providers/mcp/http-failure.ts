import { isNoHttp, rootOf, TooLarge, waitAskedFor, type HttpResponse } from "../../http/index.ts";
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
    challenge: response.header("www-authenticate"),
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
