import { createHash, createHmac } from "node:crypto";
import { fail } from "../kernel/index.ts";
import type { Target } from "./handler.ts";
import type { SessionScope } from "./session-policy.ts";

/** What people see where a session carries no credentials. */
export const ANONYMOUS = "anonymous";

// Length-prefixed, so that no two different records can be written as the same text.
function canonical(record: Readonly<Record<string, string>>): string {
  return Object.keys(record)
    .sort()
    .map((key) => {
      const value = record[key] as string;
      return `${key.length}:${key}=${value.length}:${value}`;
    })
    .join(",");
}

/** A keyed fingerprint of credentials: equal for equal ones, and of no use to whoever reads it. */
export function fingerprintIdentity(key: Uint8Array, credentials: Readonly<Record<string, string>>): string {
  if (Object.keys(credentials).length === 0) return ANONYMOUS;
  return createHmac("sha256", key).update(canonical(credentials)).digest("base64url").slice(0, 22);
}

export interface SessionKeyParts {
  readonly provider: string;
  readonly target: Target;
  readonly identity: string;
  readonly scope: SessionScope;
  readonly capabilityId: string;
  readonly callerId: string | undefined;
  /** A session of its own for every call: such sessions never meet pooled ones. */
  readonly ephemeral: boolean;
}

/** Calls with equal keys may share a session; nothing else may. */
export function sessionKey(parts: SessionKeyParts): string {
  const { target, scope } = parts;
  if (scope === "shared" && parts.identity !== ANONYMOUS) {
    fail(
      "invalid-argument",
      `The session of "${parts.capabilityId}" carries credentials, so it cannot have the scope "shared".`,
      {
        remedy: 'Use :scope "identity" (one pool for each credential), or remove the credentials.',
      },
    );
  }
  const scoped = scope === "caller" ? (parts.callerId ?? "") : scope === "capability" ? parts.capabilityId : "";
  const shape = createHash("sha256").update(canonical(target.shape)).digest("base64url").slice(0, 22);
  return canonical({
    provider: parts.provider,
    endpoint: target.endpoint,
    identity: parts.identity,
    scope,
    scoped,
    shape,
    mode: parts.ephemeral ? "ephemeral" : "pooled",
  });
}
