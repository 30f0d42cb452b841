import { isJsonObject, isSecretName, type JsonValue } from "../kernel/index.ts";

/** Credentials that somebody wrote into a file itself: under a key of that name, or after a flag of that name. */
export function secretsInMetadata(value: JsonValue): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => {
      if (typeof item !== "string") return secretsInMetadata(item);
      const [, flag = "", own = ""] = /^--?([\w-]+)=(.+)$/s.exec(item) ?? [];
      const before = value[index - 1];
      if (isSecretName(flag)) return [own];
      return typeof before === "string" && /^--?[\w-]+$/.test(before) && isSecretName(before) && !item.startsWith("-")
        ? [item]
        : [];
    });
  }
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    typeof item === "string" && isSecretName(key) ? [item] : secretsInMetadata(item ?? null),
  );
}
