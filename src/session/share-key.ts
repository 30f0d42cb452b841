import { hash } from "node:crypto";
import type { Manifest } from "../capability/manifest.ts";
import { canonicalJson, type JsonValue } from "../kernel/index.ts";
import type { ResolvedTarget } from "./resolve-target.ts";

const manifests = new WeakMap<Manifest, string>();

/**
 * Equal for calls that ask the same thing in the same way as the same identity: the session key (provider,
 * endpoint, identity, and caller or capability where the scope says so), what the capability's file declares,
 * and the input. Undefined where something of it has no canonical form. Gives away nothing of what is in it.
 */
export function shareKey(resolved: ResolvedTarget, manifest: Manifest, input: JsonValue): string | undefined {
  const asked = canonicalJson(input);
  const declared = fingerprintOf(manifest);
  if (asked === undefined || declared === "") return undefined;
  return hash("sha256", JSON.stringify([resolved.key, resolved.target.operation, declared, asked]), "base64url");
}

/** A file that was loaded anew under the same id must not find the answers to what it replaced. */
function fingerprintOf(manifest: Manifest): string {
  let fingerprint = manifests.get(manifest);
  if (fingerprint === undefined) {
    const text = canonicalJson([manifest.id, manifest.metadata]);
    fingerprint = text === undefined ? "" : hash("sha256", text, "base64url");
    manifests.set(manifest, fingerprint);
  }
  return fingerprint;
}
