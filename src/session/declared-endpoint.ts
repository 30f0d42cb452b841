import type { Manifest } from "../capability/manifest.ts";

/**
 * Where a call of a capability goes as far as its file says: the first address in the provider's block. Variables
 * that replace it are not looked at, and nothing is executed. Empty where the file names none.
 */
export function declaredEndpoint({ execution, flatMetadata }: Manifest): string {
  if (execution.kind !== "provider") return "";
  const prefix = `${execution.block.provider}_`;
  const isAddress = (key: string, value: string): boolean => key.startsWith(prefix) && /^[a-z][a-z0-9+.-]*:\/\//i.test(value);
  return Object.entries(flatMetadata).find(([key, value]) => isAddress(key, value))?.[1] ?? "";
}
