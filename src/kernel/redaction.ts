import type { CcosError } from "./errors.ts";
import { setOwn } from "./json.ts";

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
  /**
   * The same as `redact` for every string inside a value, and blanks what keys with the name of a secret hold; keys
   * stay; cycles and depth are bounded.
   */
  redactValue<T>(value: T): T;
}

const MARK = "[redacted]";
const SHORTEST = 6;
const CUT = "…";
// Bounds what a long-lived process remembers; the oldest secrets go first, long after their sessions.
const MOST_SECRETS = 10_000;
// Texts may be megabytes from a server: each pattern takes time linear in them.
const PATTERNS: readonly [RegExp, string][] = [
  // A digit or a capital inside tells a credential from a word: "Basic dXNlcj…" from "basic knowledge".
  [/\b([Bb]earer|BEARER|[Bb]asic|BASIC|[Tt]oken)\s+(?=\S*(?:\d|[a-z][A-Z]))[A-Za-z0-9._~+/=-]{8,}/g, `$1 ${MARK}`],
  [
    /\b(gh[opusr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|sk-[A-Za-z0-9_-]{16,}|xox[abpr]-[A-Za-z0-9-]{10,})/g,
    MARK,
  ],
  // Begun only where no such character stands before, so that a long run of them is gone through once.
  [/(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, MARK],
  [/(:\/\/)[^\s/@:]+:[^\s/@]+@/g, `$1${MARK}@`],
  // A text that a key of that name holds, in JSON, in a capability file, or as a header.
  [
    /([:"'][\w.-]*(?:token|secret|password|passwd|api[_-]?key|authorization|cookie)["']?\s*[:=]?\s*(["']))(?:(?!\2)[^\\]|\\.){6,}(?=\2)/gi,
    `$1${MARK}`,
  ],
  [/([?&](?:access_token|api_key|apikey|key|token|secret|password|sig|signature)=)[^&#\s"']+/gi, `$1${MARK}`],
];

/** A name whose value is a credential wherever it stands: of a header, of a key, of a variable. */
const SECRET_NAME = /(?:^|[^a-z])(?:token|secret|password|passwd|api[_-]?key|authorization|cookie|credentials?)$/i;

/** Whether what such a name holds must not be shown: `x-api-key`, `auth_token`, `GITHUB_TOKEN`. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.replace(/([a-z])([A-Z])/g, "$1-$2"));
}

/**
 * An error as it may be shown. Always a copy, because one error may have been shared between calls; the original's
 * `cause` goes with it, and is shown nowhere.
 */
export function redactError(error: CcosError, redactor: Redactor): CcosError {
  return error.with({
    message: redactor.redact(error.message),
    remedy: error.remedy === undefined ? undefined : redactor.redact(error.remedy),
    details: error.details === undefined ? undefined : redactor.redactValue(error.details),
  });
}

/**
 * A text that was cut short may end, or begin, in the middle of a secret. What of one stands beside the mark of the
 * cut goes too, unless it is shorter than any secret.
 */
function redactCut(text: string, secrets: readonly string[]): string {
  const parts = text.split(CUT);
  for (const [index, part] of parts.entries()) {
    let shown = part;
    for (const secret of secrets) {
      if (index < parts.length - 1) {
        const from = shown.lastIndexOf(secret.slice(0, SHORTEST));
        if (from >= 0 && secret.startsWith(shown.slice(from))) shown = `${shown.slice(0, from)}${MARK}`;
      }
      if (index > 0) {
        const end = secret.slice(-SHORTEST);
        const to = shown.indexOf(end) + end.length;
        if (to >= end.length && secret.endsWith(shown.slice(0, to))) shown = `${MARK}${shown.slice(to)}`;
      }
    }
    parts[index] = shown;
  }
  return parts.join(CUT);
}

/** A secret is known by this many of its first characters, where it has a third more. */
const HEAD = 12;

/** A peer may have cut what it quotes, and left the beginning of a secret in the middle of a text. */
function redactHeads(text: string, secrets: readonly string[]): string {
  let result = text;
  for (const secret of secrets) {
    if (secret.length < HEAD + HEAD / 3) continue;
    const head = secret.slice(0, HEAD);
    for (let at = result.indexOf(head); at >= 0; at = result.indexOf(head, at + MARK.length)) {
      let end = at + HEAD;
      while (end < result.length && result[end] === secret[end - at]) end++;
      result = `${result.slice(0, at)}${MARK}${result.slice(end)}`;
    }
  }
  return result;
}

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
    return result.includes(CUT) ? redactCut(result, ordered) : result;
  };

  const redact = (text: string): string => {
    let result = redactHeads(redactKnown(text), ordered ?? []);
    for (const [pattern, replacement] of PATTERNS) result = result.replace(pattern, replacement);
    return result;
  };

  const walk = (value: unknown, depth: number): unknown => {
    if (typeof value === "string") return redact(value);
    if (typeof value !== "object" || value === null) return value;
    if (depth > 64) return MARK;
    if (Array.isArray(value)) return value.map((item) => walk(item, depth + 1));
    const result: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      setOwn(result, key, typeof item === "string" && item !== "" && isSecretName(key) ? MARK : walk(item, depth + 1));
    }
    return result;
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
