import type { Manifest } from "../capability/manifest.ts";

/**
 * Where a call of a capability goes as far as its file says: the first address in the provider's block. Variables
 * that replace it are not looked at, and nothing is executed. Empty where the file names none.
 */
export function declaredEndpoint(manifest: Manifest): string {
  let endpoint = known.get(manifest);
  if (endpoint === undefined) known.set(manifest, (endpoint = findEndpoint(manifest)));
  return endpoint;
}

// Asked for at every call, and a manifest does not change.
const known = new WeakMap<Manifest, string>();

function findEndpoint({ execution, flatMetadata }: Manifest): string {
  if (execution.kind !== "provider") return "";
  const prefix = `${execution.block.provider}_`;
  const isAddress = (key: string, value: string): boolean =>
    key.startsWith(prefix) && /^[a-z][a-z0-9+.-]*:\/\//i.test(value);
  return Object.entries(flatMetadata).find(([key, value]) => isAddress(key, value))?.[1] ?? "";
}
