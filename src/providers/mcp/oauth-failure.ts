import { exchangeFailure } from "../../http/index.ts";
import { CcosError, isCcosError, oneLine, type ErrorCode } from "../../kernel/index.ts";
import type { Target } from "../../session/handler.ts";

/** Refusals of an issuer (RFC 6749, sections 4.1.2.1 and 5.2; RFC 8628, section 3.5), and what they mean here. */
const REFUSALS: Readonly<Record<string, readonly [code: ErrorCode, remedy: string]>> = {
  access_denied: ["rejected", "Whoever was asked said no."],
  expired_token: ["deadline-exceeded", "The code was not typed in in time; run it again."],
  invalid_client: ["unauthenticated", "The issuer does not know the client: check :client_id and its secret in :auth."],
  invalid_grant: ["unauthenticated", "Sign in anew."],
  invalid_request: ["rejected", "The issuer did not understand; it may be of another kind."],
  invalid_scope: ["rejected", "The issuer knows no such scope; correct --scope or :scope."],
  server_error: ["unavailable", "The issuer fails; try again later."],
  temporarily_unavailable: ["unavailable", "The issuer is busy or down; try again later."],
  too_many_requests: ["rate-limited", "Wait, and try again."],
  invalid_target: ["rejected", "The issuer gives no tokens for this server."],
  unauthorized_client: ["unauthenticated", "The issuer does not let this client sign people in."],
};

/** What a step of signing in, or of renewing, failed with. Nothing of a token or code is ever in it. */
export function oauthFailure(error: unknown, target: Target, where: string): CcosError {
  if (isCcosError(error)) return error;
  const { name = "", message = "" } = (error instanceof Error ? error : {}) as Partial<Error>;
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  const word = typeof code === "string" ? code : undefined;
  const refusal = word === undefined || !Object.hasOwn(REFUSALS, word) ? undefined : REFUSALS[word];
  const said = (what: string): string => `${where} failed: ${oneLine(what)}`;
  if (refusal !== undefined)
    return new CcosError(refusal[0], said(message || (word as string)), { remedy: refusal[1], cause: error });
  switch (name) {
    case "TimeoutError":
      return new CcosError("unavailable", said("no answer in time."), {
        remedy: "Check that the server and its issuer are well.",
        cause: error,
      });
    case "IssuerMismatchError":
    case "AuthorizationServerMismatchError":
      return new CcosError("permission-denied", said(message), {
        remedy: "Another issuer answered than the one that was asked; do not go on unless you know why.",
        cause: error,
      });
    case "InsecureTokenEndpointError":
      return new CcosError("permission-denied", said("its token endpoint is neither https nor on this machine."), {
        cause: error,
      });
    case "RegistrationRejectedError":
    case "OAuthClientRegistrationError":
      return new CcosError("rejected", said(`the issuer does not register us${status(error)}.`), {
        remedy:
          'Register a client there by hand, and name it: :auth {:type "oauth2" :grant "authorization_code" :client_id "…"}.',
        cause: error,
      });
  }
  if (/does not support dynamic client registration/.test(message)) {
    return new CcosError("rejected", said("the issuer registers no clients by itself."), {
      remedy:
        'Register a client there by hand, and name it: :auth {:type "oauth2" :grant "authorization_code" :client_id "…"}.',
      cause: error,
    });
  }
  if (/^Protected resource .* does not match/.test(message)) {
    return new CcosError(
      "permission-denied",
      said("the server's metadata is for another server, so no token is asked for."),
      {
        remedy: "Check :server_url; the address in the server's metadata has to be that one.",
        cause: error,
      },
    );
  }
  const inner = name === "TypeError" && error instanceof Error ? error.cause : undefined;
  if (inner !== undefined) return exchangeFailure(inner, { phase: "open", sent: true, target, where });
  if (word !== undefined && name.startsWith("OAuth"))
    return new CcosError("rejected", said(message || word), { cause: error });
  if (name === "TypeError" || word?.startsWith("E") === true || word?.startsWith("UND_") === true)
    return exchangeFailure(error, { phase: "open", sent: true, target, where });
  return new CcosError("protocol-error", said(message || "the issuer answered what nobody understands."), {
    remedy: "What answers there signs nobody in, or does so in another way.",
    cause: error,
  });
}

function status(error: unknown): string {
  const { status: code } = error as { readonly status?: unknown };
  return typeof code === "number" ? ` (HTTP ${code})` : "";
}
