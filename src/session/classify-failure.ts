import { CcosError, isCcosError, toCcosError } from "../kernel/index.ts";
import type { FailureContext, SessionHandler } from "./handler.ts";

/**
 * Any failure of a handler as one of ours. Ours pass; the handler translates its protocol's errors; what it
 * does not know is `unavailable` as long as nothing was sent, and of unknown outcome after that.
 */
export function classifyFailure(handler: SessionHandler, error: unknown, context: FailureContext): CcosError {
  if (isCcosError(error)) return error;
  if (handler.classifyFailure !== undefined) {
    try {
      return handler.classifyFailure(error, context);
    } catch (broken) {
      return toCcosError(broken);
    }
  }
  const text = error instanceof Error ? error.message : String(error);
  if (context.sent) {
    return new CcosError(
      "outcome-unknown",
      `The connection with ${context.target.endpoint} failed after the call was sent, so it may have run: ${text}`,
      {
        remedy:
          "Find out at the peer whether it ran; declare the capability :idempotent true if running it twice is harmless.",
        cause: error,
      },
    );
  }
  return new CcosError("unavailable", `${context.target.endpoint} could not be reached: ${text}`, {
    remedy: "Check the address and that the peer is running.",
    cause: error,
  });
}
