import { fail, getOwn, isJsonObject } from "../kernel/index.ts";
import type { SessionCapability } from "../session/handler.ts";

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// Printable Latin-1 and tab: a line break would begin another header.
const VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
const MOST_HEADERS = 64;
const LONGEST_VALUE = 8192;

/** Headers that the HTTP client decides, whatever is spoken over it. */
const CLIENTS = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Headers that carry credentials: a file names the variable, and never the secret. */
const SECRET = new Set(["authorization", "cookie", "proxy-authorization"]);

/** Whether a text can be sent as the value of a header. */
export function isHeaderValue(text: string): boolean {
  return text.length <= LONGEST_VALUE && VALUE.test(text);
}

export function isHeaderName(text: string): boolean {
  return NAME.test(text);
}

export interface HeaderRules {
  /** The name of the metadata block. */
  readonly provider: string;
  /** Names in lower case that the protocol decides, besides those that HTTP does. One that ends in `*` is a prefix. */
  readonly reserved?: readonly string[] | undefined;
}

/** The `:headers` of a capability, with lower-case names in order, so that equal sets are equal texts. Has no prototype. */
export function readHeaders(capability: SessionCapability, rules: HeaderRules): Record<string, string> {
  const entries = declaredHeaders(capability, rules.provider);
  const id = JSON.stringify(capability.id);
  if (entries.length > MOST_HEADERS) fail("invalid-argument", `${id} declares more than ${MOST_HEADERS} headers.`);
  const result: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of entries.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const lower = name.toLowerCase();
    if (!isHeaderName(name)) fail("invalid-argument", `${id} declares a header with a name that HTTP does not allow.`);
    if (CLIENTS.has(lower) || isReserved(lower, rules.reserved)) {
      fail("invalid-argument", `${id} declares the header ${lower}, which belongs to the protocol.`, {
        remedy: "Remove it from :headers.",
      });
    }
    if (SECRET.has(lower)) {
      fail("invalid-argument", `${id} declares the header ${lower}: a capability file must not carry credentials.`, {
        remedy: "Put the value into a variable and name that with :auth_env_var, or with :auth {…}.",
      });
    }
    if (!isHeaderValue(value))
      fail("invalid-argument", `The header ${lower} of ${id} has a value that HTTP does not allow.`);
    result[lower] = value.trim();
  }
  return result;
}

function isReserved(name: string, reserved: readonly string[] = []): boolean {
  return reserved.some((rule) => (rule.endsWith("*") ? name.startsWith(rule.slice(0, -1)) : name === rule));
}

function declaredHeaders(capability: SessionCapability, provider: string): [string, string][] {
  const block = getOwn(capability.block, "headers");
  if (isJsonObject(block)) {
    return Object.entries(block).map(([name, value]) => {
      if (typeof value === "object") {
        fail("invalid-argument", `The header ${name.toLowerCase()} of ${JSON.stringify(capability.id)} is no text.`);
      }
      return [name, String(value)];
    });
  }
  const prefix = `${provider}_headers_`;
  const keys = Object.keys(capability.metadata).filter((key) => key.startsWith(prefix));
  const hyphened = new Set(keys.filter((key) => key.includes("-")).map((key) => key.replaceAll("-", "_")));
  // Flattening stores a hyphened key under its underscore spelling too; that one is no header of its own.
  return keys
    .filter((key) => key.includes("-") || !hyphened.has(key))
    .map((key) => [key.slice(prefix.length), capability.metadata[key] as string]);
}
