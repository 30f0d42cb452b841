import {
  credentialRemedy,
  exchangeFailure,
  MAY_HAVE_RUN,
  networkFailure,
  placeOf,
  statusFailure,
} from "../../http/index.ts";
import { CcosError, isCcosError, oneLine, type ErrorCode, type ErrorOptions } from "../../kernel/index.ts";
import type { FailureContext } from "../../session/handler.ts";
import { WireError, type Refusal, type WireFailure } from "./wire-error.ts";

/** A foreign error as one of ours: the only place where what a peer did is given a meaning. */
export function classify(error: unknown, context: FailureContext, now: number): CcosError {
  if (isCcosError(error)) return error;
  if (!(error instanceof WireError)) return exchangeFailure(error, context);
  const { failure } = error;
  const make: Make = (code, message, options = {}) => new CcosError(code, message, { ...options, cause: error });
  const where = placeOf(context);
  const executed = context.phase === "execute" && { details: { executed: true } };
  switch (failure.kind) {
    case "http":
      return classifyHandshake(failure, context, now);
    case "network":
      return networkFailure(failure.code, failure.text, { ...context, sent: false }, { cause: error });
    case "refused":
      return classifyRefusal(failure.refusal, context, make);
    case "closed":
      return classifyClose(failure, context, make);
    case "broken":
      return make("protocol-error", `${where} failed: ${oneLine(failure.text)}`, {
        remedy:
          failure.remedy ??
          (context.phase === "open"
            ? SPEAKS_NO_WEBSOCKET
            : "This is a fault of the peer, or :correlate and :format do not say what it speaks."),
        ...executed,
      });
    case "oversize":
      return make("protocol-error", `${where} failed: a message has more than ${failure.limit} bytes.`, {
        remedy: "Ask for less, or raise :max_response_bytes.",
        details: { limit: failure.limit, ...(executed && executed.details) },
      });
    case "silent":
      return make("unavailable", `${where} failed: no answer to the handshake within ${failure.afterMs} ms.`, {
        remedy: "Check that the address is right and that the peer is well, and what :hello and :login wait for.",
      });
  }
}

type Make = (code: ErrorCode, message: string, options?: ErrorOptions) => CcosError;

const SPEAKS_NO_WEBSOCKET = "Check :url: what answers there does not speak WebSocket.";

/** By the rules of HTTP; what is no failure there is one here. */
function classifyHandshake(failure: WireFailure & { kind: "http" }, context: FailureContext, now: number): CcosError {
  const { status, body } = failure;
  if (status < 300) {
    return new CcosError(
      "protocol-error",
      `${placeOf(context)} failed: HTTP ${status} instead of a switch of protocols.`,
      {
        remedy: SPEAKS_NO_WEBSOCKET,
        details: { status },
      },
    );
  }
  const error = statusFailure(failure, body, context, now);
  return error.remedy === undefined ? error.with({ remedy: SPEAKS_NO_WEBSOCKET }) : error;
}

function classifyRefusal(refusal: Refusal, context: FailureContext, make: Make): CcosError {
  const { code, retryAfterMs, login } = refusal;
  const words = oneLine(refusal.message, 1000);
  const said = `${placeOf(context)} failed: ${login ? "the login was refused: " : ""}${words === "" ? `error ${code ?? ""}` : words}`;
  const meaning = refusal.declared ?? meaningOf(code) ?? (login ? "unauthenticated" : "rejected");
  return make(meaning, said, {
    details: code === undefined ? undefined : { code },
    retryAfterMs: meaning === "rate-limited" || meaning === "unavailable" ? retryAfterMs : undefined,
    remedy: remedyFor(meaning, code, context, retryAfterMs),
  });
}

/** Codes with a meaning of their own: those of HTTP, which many protocols borrow, and of JSON-RPC. */
function meaningOf(code: string | undefined): ErrorCode | undefined {
  switch (code) {
    case "401":
      return "unauthenticated";
    case "429":
      return "rate-limited";
    case "503":
      return "unavailable";
    case "-32700":
      return "protocol-error";
    default:
      return undefined;
  }
}

function remedyFor(
  meaning: ErrorCode,
  code: string | undefined,
  context: FailureContext,
  retryAfterMs: number | undefined,
): string | undefined {
  switch (meaning) {
    case "unauthenticated":
      return credentialRemedy(context.target, 401);
    case "rate-limited": {
      const wait = retryAfterMs === undefined ? "Wait" : `Wait ${Math.ceil(retryAfterMs / 1000)} s`;
      return `${wait}, or set :rate_limit to stay below the peer's limit.`;
    }
    case "unavailable":
      return "The peer is busy or down; try again later.";
    case "outcome-unknown":
      return MAY_HAVE_RUN;
    default:
      if (code === "-32601") return "The peer does not know this method: check :method, and the peer's version.";
      return code === "-32602" ? "Check the parameters against what the peer's method takes." : undefined;
  }
}

/** Close codes that refuse who one is: of the IANA registry, and those that are built like the statuses of HTTP. */
const REFUSE_IDENTITY: ReadonlySet<number> = new Set([1008, 3000, 3003, 4401, 4403]);
/** Close codes that say that we broke the protocol, or sent what the peer cannot take (RFC 6455, section 7.4.1). */
const REFUSE_MESSAGE: ReadonlySet<number> = new Set([1002, 1003, 1007, 1009, 1010]);

const CLOSE_NAMES: Readonly<Record<number, string>> = {
  1000: "a normal end",
  1001: "the peer is going away",
  1002: "the peer says that we broke the protocol",
  1003: "the peer takes no such data",
  1005: "no reason given",
  1006: "without a word",
  1007: "the peer could not read a message",
  1008: "the peer's policy",
  1009: "a message was too big for the peer",
  1010: "the peer lacks an extension",
  1011: "the peer met an error",
  1012: "the peer restarts",
  1013: "the peer is too busy",
  1014: "a bad gateway",
  3000: "unauthorized",
  3003: "forbidden",
  3008: "the peer waited too long",
};

function classifyClose(failure: WireFailure & { kind: "closed" }, context: FailureContext, make: Make): CcosError {
  const { code, reason, sent, fresh, declared } = failure;
  const opening = context.phase === "open";
  const words = [CLOSE_NAMES[code], reason].filter((word) => word !== undefined && word !== "").join(": ");
  const how = failure.text ?? `the socket was closed with ${code}${words === "" ? "" : ` (${words})`}`;
  const said = `${placeOf(context)} failed: ${how}.`;
  const details = code === 1006 ? {} : { closeCode: code };
  // A peer that ends the session before it has said anything has done nothing.
  if (declared === undefined && REFUSE_IDENTITY.has(code) && (opening || fresh)) {
    return make("unauthenticated", said, {
      details,
      remedy: credentialRemedy(context.target, code === 4403 || code === 3003 ? 403 : 401),
    });
  }
  if (opening) {
    const meaning = declared ?? (REFUSE_MESSAGE.has(code) ? "protocol-error" : "unavailable");
    return make(meaning, said, {
      details,
      remedy: remedyFor(meaning, undefined, context, undefined) ?? SPEAKS_NO_WEBSOCKET,
    });
  }
  if (!sent) {
    const meaning = declared === "unauthenticated" ? declared : "session-lost";
    return make(meaning, `${context.target.endpoint} has ended the session: ${how}.`, {
      details,
      remedy: remedyFor(meaning, undefined, context, undefined),
    });
  }
  const meaning = declared ?? (REFUSE_MESSAGE.has(code) ? "protocol-error" : "outcome-unknown");
  return make(meaning, said, {
    details,
    remedy:
      code === 1009
        ? "Send less: the peer takes no message of this size."
        : (remedyFor(meaning, undefined, context, undefined) ??
          "Find out why the peer ends the session; its own log may say."),
  });
}
