/**
 * Keeps secrets out of everything people or logs see.
 *
 * Whoever obtains a secret (a token from the environment, a session id from a peer) adds it here first;
 * whoever prints passes the text through `redact`. Patterns catch what was never registered.
 */
export interface Redactor {
  /** Registers a secret; texts of fewer than 6 characters are ignored, they would blank out ordinary words. */
  add(secret: string | undefined): void;
  redact(text: string): string;
  /** Blanks registered secrets only. For data, which no pattern may guess at. */
  redactKnown(text: string): string;
  /** The same as `redact` for every string inside a value (keys stay); cycles and depth are bounded. */
  redactValue<T>(value: T): T;
}

const MARK = "[redacted]";
const SHORTEST = 6;
// Bounds what a long-lived process remembers; the oldest secrets go first, long after their sessions.
const MOST_SECRETS = 10_000;
const PATTERNS: readonly [RegExp, string][] = [
  // A digit or a capital inside tells a credential from a word: "Basic dXNlcj…" from "basic knowledge".
  [/\b([Bb]earer|BEARER|[Bb]asic|BASIC|[Tt]oken)\s+(?=\S*(?:\d|[a-z][A-Z]))[A-Za-z0-9._~+/=-]{8,}/g, `$1 ${MARK}`],
  [/\b(gh[opusr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|sk-[A-Za-z0-9_-]{16,}|xox[abpr]-[A-Za-z0-9-]{10,})/g, MARK],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, MARK],
  [/(:\/\/)[^\s/@:]+:[^\s/@]+@/g, `$1${MARK}@`],
  [/([?&](?:access_token|api_key|apikey|key|token|secret|password|sig|signature)=)[^&#\s"']+/gi, `$1${MARK}`],
];

export function createRedactor(): Redactor {
  const secrets = new Set<string>();

  // Longest first, else a secret that begins with another one would be blanked only in part.
  let ordered: readonly string[] | undefined;

  const redactKnown = (text: string): string => {
    let result = text;
    ordered ??= [...secrets].toSorted((a, b) => b.length - a.length);
    for (const secret of ordered) {
      if (result.includes(secret)) result = result.replaceAll(secret, MARK);
    }
    return result;
  };

  const redact = (text: string): string => {
    let result = redactKnown(text);
    for (const [pattern, replacement] of PATTERNS) result = result.replace(pattern, replacement);
    return result;
  };

  const walk = (value: unknown, depth: number): unknown => {
    if (typeof value === "string") return redact(value);
    if (typeof value !== "object" || value === null) return value;
    if (depth > 64) return MARK;
    if (Array.isArray(value)) return value.map((item) => walk(item, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, depth + 1)]));
  };

  return {
    add(secret) {
      if (secret === undefined || secret.length < SHORTEST || secrets.has(secret)) return;
      if (secrets.size >= MOST_SECRETS) {
        for (const oldest of secrets) {
          secrets.delete(oldest);
          break;
        }
      }
      ordered = undefined;
      secrets.add(secret);
      const encoded = encodeURIComponent(secret);
      if (encoded !== secret) secrets.add(encoded);
    },
    redact,
    redactKnown,
    redactValue: <T>(value: T) => walk(value, 0) as T,
  };
}
