import { credentialRemedy as remedyForCredential } from "../../http/index.ts";
import { oneLine } from "../../kernel/index.ts";
import type { Target } from "../../session/handler.ts";
import { readChallenge, type Challenge } from "./sign-in-plan.ts";
import type { HttpSettings, McpSettings } from "./target.ts";
import { WireError } from "./wire-error.ts";

/** What a server asked for when it refused; undefined where it refused nothing, or said nothing of it. */
export function challengeOf(error: unknown): Challenge | undefined {
  for (let seen = error, depth = 0; seen !== undefined && seen !== null && depth < 8; depth++) {
    if (seen instanceof WireError) {
      const { failure } = seen;
      if (failure.kind !== "http" || (failure.status !== 401 && failure.status !== 403)) return undefined;
      return readChallenge(failure.challenge);
    }
    seen = (seen as { cause?: unknown }).cause;
  }
  return undefined;
}

/**
 * What to do about refused credentials: the variable by its name and whether it was set, or the command with which a
 * person signs in, where the server says that people do.
 */
export function credentialRemedy(target: Target, status: number, challenge?: Challenge): string {
  const settings = target.settings as McpSettings;
  if (settings.kind !== "http") {
    const isSent = Object.keys(target.credentials).length > 0;
    return `${remedyForCredential(target, status)}${isSent ? " The server got it in its environment." : ""}`;
  }
  const missing = challenge?.error === "insufficient_scope" ? challenge.scope : undefined;
  const command = signInCommand(target, missing);
  if (settings.signIn?.record !== undefined) {
    if (missing !== undefined) return `The sign-in does not reach that far. Widen it: ${command}`;
    return status === 403
      ? "Whoever has signed in is not allowed to do this."
      : `The sign-in has ended. Sign in anew: ${command}`;
  }
  const remedy = remedyForCredential(target, status);
  if (settings.place?.credential.oauth !== undefined) return remedy;
  return challenge?.resourceMetadata === undefined ? remedy : `${remedy} Or sign in: ${command}`;
}

/** What a person types to sign in where a target's calls go. */
export function signInCommand({ settings }: Target, scope?: string): string {
  const { capabilityId } = settings as HttpSettings;
  const asked = scope === undefined ? "" : ` --scope ${JSON.stringify(oneLine(scope, 200))}`;
  return `ccos auth ${capabilityId ?? "ID"}${asked}`;
}
