/** A label in its normal form: trimmed, lower case, with a leading colon. */
export function normaliseEffect(label: string): string {
  const text = label.trim().toLowerCase();
  return text.startsWith(":") ? text : `:${text}`;
}

/** The labels in their normal form, each once, in the order given. */
export function normaliseEffects(labels: Iterable<string>): string[] {
  const normal = new Set<string>();
  for (const label of labels) normal.add(normaliseEffect(label));
  normal.delete(":");
  return [...normal];
}

const BY_ID: readonly (readonly [RegExp, readonly string[]])[] = [
  [
    /^ccos\.io\.(?:file-exists|read-file|write-file|delete-file|open-file|read-line|write-line|close-file)$/,
    [":filesystem"],
  ],
  [/^ccos\.network\.http-fetch$/, [":network"]],
  [/^ccos\.system\.(?:get-env|current-time|current-timestamp-ms|sleep-ms)$/, [":system"]],
  [/^ccos\.user\.ask$/, [":io", ":user-interaction"]],
  [/^ccos\.ai\.llm-execute$/, [":ai"]],
  [/^ccos\.agent\./, [":agent"]],
  [/^ccos\.stream\./, [":streaming"]],
];

/** What a capability without labels of its own does, judged by its id. */
export function defaultEffects(id: string): readonly string[] {
  return BY_ID.find(([pattern]) => pattern.test(id))?.[1] ?? [":compute"];
}

/** Labels of what touches nothing outside: allowed to every file's own code. */
export const HARMLESS_EFFECTS: readonly string[] = [":pure", ":compute"];
