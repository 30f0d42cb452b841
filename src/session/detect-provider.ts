const SUFFIX = "_requires_session";

export interface DetectedProvider {
  /** The metadata prefix: the key without `_requires_session`. */
  readonly provider: string;
  readonly key: string;
  readonly value: string;
}

/**
 * The provider whose sessions a capability needs, read from its flattened metadata: the prefix of the key
 * `<provider>_requires_session` that says "true" or "auto". Undefined where none does.
 */
export function detectProvider(metadata: Readonly<Record<string, string>>): DetectedProvider | undefined {
  for (const [key, value] of Object.entries(metadata)) {
    if (key.length > SUFFIX.length && key.endsWith(SUFFIX) && (value === "true" || value === "auto")) {
      return { provider: key.slice(0, -SUFFIX.length), key, value };
    }
  }
  return undefined;
}
