import { MAY_HAVE_RUN, networkFailure } from "../../http/index.ts";
import { CcosError, isCcosError, oneLine, type ErrorCode, type ErrorOptions } from "../../kernel/index.ts";
import type { FailureContext, Target } from "../../session/handler.ts";
import { credentialRemedy } from "./credential-remedy.ts";
import { isSessionLoss } from "./session-loss.ts";
import { readChallenge } from "./sign-in-plan.ts";
import type { McpSettings } from "./target.ts";
import { WireError, type RpcError, type WireFailure, type WireState } from "./wire-error.ts";

/** A foreign error as one of ours: the only place where what a server did is given a meaning. */
export function classify(error: unknown, context: FailureContext): CcosError {
  if (isCcosError(error)) return error;
  const wire = findWireError(error);
  if (wire !== undefined) return classifyWire(wire.failure, wire.state, context, error);
  return classifyForeign(error, context);
}

function findWireError(error: unknown): WireError | undefined {
  for (let seen = error, depth = 0; seen !== undefined && seen !== null && depth < 8; depth++) {
    if (seen instanceof WireError) return seen;
    seen = (seen as { cause?: unknown }).cause;
  }
  return undefined;
}

function classifyWire(failure: WireFailure, state: WireState, context: FailureContext, cause: unknown): CcosError {
  const opening = context.phase !== "execute";
  const make = (code: ErrorCode, message: string, options: ErrorOptions = {}): CcosError =>
    new CcosError(code, message, { ...options, cause });
  const where = place(context);

  if (!opening && isSessionLoss(failure, state)) {
    const how = failure.kind === "closed" ? failure.text : quote(failure);
    return make(
      "session-lost",
      `${context.target.endpoint} no longer knows the session${how === "" ? "." : `: ${how}`}`,
    );
  }
  switch (failure.kind) {
    case "http":
      return classifyStatus(failure, context, make);
    case "rpc":
      return classifyRpc(failure.error, context, make);
    case "network":
      return networkFailure(failure.code, failure.text, { ...context, where: place(context) }, { cause });
    case "cut":
    case "closed":
      return opening
        ? make("unavailable", `${where} failed: ${failure.text}`, {
            remedy: "Find out why the server ends; its own log may say.",
          })
        : make("outcome-unknown", `${where} failed after it had been sent: ${failure.text}`, {
            remedy: MAY_HAVE_RUN,
          });
    case "broken":
      return make("protocol-error", `${where} failed: ${oneLine(failure.text)}`, {
        remedy: opening ? SPEAKS_NO_MCP : "This is a fault of the server.",
        ...(!opening && { details: { executed: true } }),
      });
    case "oversize":
      return make("protocol-error", `${where} failed: the answer has more than ${failure.limit} bytes.`, {
        remedy: "Ask for less, or raise :max_response_bytes.",
        details: { limit: failure.limit, ...(!opening && { executed: true }) },
      });
    case "silent":
      return make("unavailable", `${where} failed: no answer to the handshake within ${failure.afterMs} ms.`, {
        remedy: "Check that the address is right and that the server is well.",
      });
    case "spawn":
      return failure.code === "ENOENT"
        ? make("not-found", `${where} failed: its command was not found.`, {
            remedy: "Install it, or correct :command (and :cwd).",
          })
        : make("unavailable", `${where} failed: ${oneLine(failure.text)} (${failure.code})`, {
            remedy: "Check :command and its permissions.",
          });
  }
}

const WHO_ANSWERS = "Give createEnvironment an `interaction` that answers, or call it at a terminal.";
const SPEAKS_NO_MCP = "Check :server_url: what answers there does not speak MCP.";

type Make = (code: ErrorCode, message: string, options?: ErrorOptions) => CcosError;

function classifyStatus(failure: WireFailure & { kind: "http" }, context: FailureContext, make: Make): CcosError {
  const { status, rpc, retryAfterMs } = failure;
  const opening = context.phase !== "execute";
  const where = place(context);
  const words = quote(failure);
  const said = `${where} failed: HTTP ${status}${words === "" ? "." : `: ${words}`}`;
  const details = { status };
  if (status === 401 || status === 403) {
    const challenge = readChallenge(failure.challenge);
    const missing = challenge?.error === "insufficient_scope" ? challenge.scope : undefined;
    return make("unauthenticated", said, {
      remedy: credentialRemedy(context.target, status, challenge),
      details: { ...details, ...(missing !== undefined && { requiredScope: oneLine(missing) }) },
    });
  }
  if (status === 429) {
    const wait = retryAfterMs === undefined ? "Wait" : `Wait ${Math.ceil(retryAfterMs / 1000)} s`;
    return make("rate-limited", said, {
      retryAfterMs,
      details,
      remedy: `${wait}, or set :rate_limit to stay below the server's limit.`,
    });
  }
  if (status === 503) {
    return make("unavailable", said, { retryAfterMs, details, remedy: "The server is busy or down; try again later." });
  }
  if (status >= 500 || status === 408) {
    return opening
      ? make("unavailable", said, { retryAfterMs, details, remedy: "The server fails; its own log may say why." })
      : make("outcome-unknown", said, {
          retryAfterMs,
          details,
          remedy: MAY_HAVE_RUN,
        });
  }
  if (status >= 300 && status < 400) {
    const to = originOf(failure.location);
    return make(
      "protocol-error",
      `${where} failed: it redirects${to === "" ? "" : ` to ${to}`}, and credentials do not follow.`,
      {
        remedy: "Set :server_url to where the server really is.",
        details,
      },
    );
  }
  if (opening) return make("protocol-error", said, { remedy: SPEAKS_NO_MCP, details });
  if (rpc !== undefined) return classifyRpc(rpc, context, make);
  return make("rejected", said, { details });
}

function classifyRpc(error: RpcError, context: FailureContext, make: Make): CcosError {
  const words = oneLine(error.message, 1000);
  const said = `${place(context)} failed: ${words === "" ? `error ${error.code}` : words}`;
  const details = { rpcCode: error.code };
  switch (error.code) {
    case -32700:
    case -32020:
      return make("protocol-error", said, { details });
    case -32601:
      return make("rejected", said, {
        details,
        remedy: "The server does not offer this; check what it is, and its version.",
      });
    case -32022:
      return make("protocol-error", said, {
        details,
        remedy: "The server speaks only revisions of MCP that are newer than this client.",
      });
    case -32021:
    case -32042:
      return make("rejected", said, {
        details,
        remedy: `It wants to ask its caller something first. ${WHO_ANSWERS}`,
      });
    default:
      return make("rejected", said, { details, remedy: missingRemedy(error.code, words, context.target) });
  }
}

const KEYS = {
  tool: ":tool_name",
  resource: ":resource",
  "resource-template": ":resource_template and its input",
  prompt: ":prompt",
  completion: ":complete",
} as const;

/** A remedy for what servers say of something they do not have. */
function missingRemedy(code: number, words: string, target: Target): string | undefined {
  const kind = (target.settings as Partial<McpSettings> | undefined)?.call?.operation.kind ?? "tool";
  const isMissing = code === RESOURCE_NOT_FOUND || MISSING.test(words);
  if (!isMissing) return undefined;
  return `Check ${KEYS[kind]} (${JSON.stringify(target.operation)}); ccos import lists what the server offers.`;
}

const RESOURCE_NOT_FOUND = -32002;
const MISSING = /\b(?:(?:unknown|no such) (?:tool|resource|prompt)|(?:tool|resource|prompt)\b.*\bnot found)\b/i;

/** What is no error of ours, and of nobody that we know. */
function classifyForeign(error: unknown, context: FailureContext): CcosError {
  const { message } = (typeof error === "object" && error !== null ? error : {}) as Partial<Error>;
  const words = oneLine(message ?? String(error), 500);
  const said = `${place(context)} failed: ${words}`;
  if (context.phase === "open") {
    return new CcosError("protocol-error", said, { remedy: SPEAKS_NO_MCP, cause: error });
  }
  return new CcosError(context.sent ? "outcome-unknown" : "unavailable", said, { cause: error });
}

function place({ phase, target }: FailureContext): string {
  if (phase === "open") return `Opening a session at ${target.endpoint}`;
  if (phase === "terminate") return `Closing the session at ${target.endpoint}`;
  return `Calling ${target.operation} at ${target.endpoint}`;
}

function quote(failure: WireFailure): string {
  if (failure.kind === "rpc") return oneLine(failure.error.message);
  if (failure.kind !== "http") return "";
  // An error page says nothing that its status does not.
  return oneLine(failure.rpc?.message ?? (/^\s*</.test(failure.body) ? "" : failure.body));
}

function originOf(location: string | undefined): string {
  return location !== undefined && URL.canParse(location) ? new URL(location).origin : "";
}
