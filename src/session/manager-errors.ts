import type { Manifest, ProviderBlock } from "../capability/manifest.ts";
import { CcosError } from "../kernel/index.ts";

/** What is said to calls that come while the sessions are being closed. */
export function closingError(): CcosError {
  return new CcosError("pool-closed", "The sessions are being closed.", {
    remedy: "Call before the environment is closed, or create another environment.",
  });
}

/** The block of a capability that has sessions. Throws `invalid-argument` for any other. */
export function blockOf(manifest: Manifest): ProviderBlock {
  if (manifest.execution.kind === "provider") return manifest.execution.block;
  throw new CcosError("invalid-argument", `"${manifest.id}" names no provider, so it has no session.`);
}
