import { CcosError, isCcosError, oneLine } from "../kernel/index.ts";
import { exchangeFailure, type HttpFailureContext } from "./failure.ts";
import type { OAuthPlan } from "./oauth-plan.ts";

/** Errors of the issuer (RFC 6749, section 5.2) and of the way to it. */
export function tokenFailure(
  error: unknown,
  plan: OAuthPlan,
  context: HttpFailureContext,
  timeoutMs: number,
): CcosError {
  if (isCcosError(error)) return error;
  const {
    error: code,
    error_description: text,
    name,
    message,
  } = error as {
    readonly error?: unknown;
    readonly error_description?: unknown;
    readonly name?: string;
    readonly message?: string;
  };
  if (typeof code === "string") {
    const said = `${context.where} failed: ${oneLine(code, 60)}${typeof text === "string" ? `: ${oneLine(text)}` : ""}`;
    return new CcosError(CLIENT_REFUSED.test(code) ? "unauthenticated" : "rejected", said, {
      remedy: remedyFor(code, plan),
      cause: error,
    });
  }
  if (name === "WWWAuthenticateChallengeError")
    return new CcosError("unauthenticated", `${context.where} failed: the client was refused.`, {
      remedy: remedyFor("invalid_client", plan),
      cause: error,
    });
  if (name === "TimeoutError")
    return new CcosError("unavailable", `${context.where} failed: no answer within ${timeoutMs} ms.`, {
      remedy: "Check that the issuer is well.",
      cause: error,
    });
  if (name === "OperationProcessingError" || name === "UnsupportedOperationError")
    return new CcosError("protocol-error", `${context.where} failed: ${oneLine(message ?? "")}.`, {
      remedy: "Check :token_url or :issuer: what answers there is no such endpoint.",
      cause: error,
    });
  return exchangeFailure(name === "TypeError" && error instanceof Error ? (error.cause ?? error) : error, context);
}

const CLIENT_REFUSED = /^(?:invalid_client|invalid_grant|unauthorized_client|access_denied)$/;

function remedyFor(code: string, plan: OAuthPlan): string {
  switch (code) {
    case "invalid_client":
    case "unauthorized_client":
      return `Check :client_id, the secret in ${plan.source}, and :client_auth (${plan.clientAuthentication} was used).`;
    case "invalid_grant":
      return plan.grant === "refresh_token"
        ? `The refresh token in ${plan.source} has expired, was revoked, or was used elsewhere; get another one.`
        : `What is in ${plan.source} is refused; it may have expired, or be meant for another issuer.`;
    case "invalid_scope":
      return "Correct :scope of :auth.";
    case "invalid_target":
      return "Correct :resource or :audience of :auth.";
    case "unsupported_grant_type":
      return `The issuer does not offer the grant ${plan.grant}.`;
    default:
      return "The issuer's own log may say more.";
  }
}
