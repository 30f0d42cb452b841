import type { RpcError, WireFailure, WireState } from "./wire-error.ts";

/**
 * The ways in which servers say that they do not know a session; a call that meets one was not executed.
 * Only these count. A text that merely mentions a session (a tool's own error, say) must not cause a replay.
 */

/** What servers write beside a status or code that alone would not say enough. */
const SESSION_TEXT =
  /\b(?:no valid session|invalid (?:or (?:missing|expired) )?session|unknown session|session (?:id )?(?:not found|is not found|does not exist|expired|has expired|(?:is )?invalid|(?:was |has been )?terminated)|(?:expired|missing) session)\b/i;
const UNINITIALIZED_TEXT = /\b(?:server |session )?(?:is |has )?not (?:been )?initiali[sz]ed\b/i;

const METHOD_NOT_FOUND = -32601;
const UNSUPPORTED_VERSION = -32022;
/** Codes that servers use for anything of their own: these need the text to be understood. */
const VAGUE_CODES = new Set([-32000, -32001, -32600]);

/** Whether this answer means that the session is gone. */
export function isSessionLoss(failure: WireFailure, state: WireState): boolean {
  switch (failure.kind) {
    case "http":
      return state.era === "modern" ? isEraMistaken(failure) : isLossByStatus(failure, state);
    case "rpc":
      return state.era === "modern"
        ? failure.error.code === UNSUPPORTED_VERSION
        : state.hasSessionId && isLossByCode(failure.error);
    case "closed":
      return !failure.sent;
    default:
      return false;
  }
}

function isLossByStatus(failure: WireFailure & { kind: "http" }, state: WireState): boolean {
  const { status, rpc, body } = failure;
  if (status === 404) return state.hasSessionId && rpc?.code !== METHOD_NOT_FOUND;
  if (status !== 400) return false;
  if (rpc !== undefined && !VAGUE_CODES.has(rpc.code)) return false;
  const text = rpc?.message ?? body;
  return UNINITIALIZED_TEXT.test(text) || (state.hasSessionId && SESSION_TEXT.test(text));
}

function isLossByCode(error: RpcError): boolean {
  return VAGUE_CODES.has(error.code) && (SESSION_TEXT.test(error.message) || UNINITIALIZED_TEXT.test(error.message));
}

/** A server believed modern that asks for a session: it is another one than it was, and has executed nothing. */
function isEraMistaken(failure: WireFailure & { kind: "http" }): boolean {
  const { status, rpc, body } = failure;
  if (rpc?.code === UNSUPPORTED_VERSION) return true;
  if (status !== 400 && status !== 404) return false;
  if (rpc !== undefined && !VAGUE_CODES.has(rpc.code)) return false;
  const text = rpc?.message ?? body;
  return (
    SESSION_TEXT.test(text) ||
    UNINITIALIZED_TEXT.test(text) ||
    /\bsession id (?:is )?(?:required|missing)\b/i.test(text)
  );
}
