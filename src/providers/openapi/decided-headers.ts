/**
 * Headers that no parameter decides. A definition of the first three "shall be ignored"
 * (https://spec.openapis.org/oas/v3.1.1.html#common-fixed-fields): they are what `:accept`, the media type of the body and
 * `:auth` say. The others belong to the connection, or tell where a request ends: whoever chose them could send
 * another request inside of one.
 */
const DECIDED: ReadonlySet<string> = new Set([
  "accept",
  "content-type",
  "authorization",
  "accept-encoding",
  "connection",
  "content-length",
  "cookie",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Whether a header parameter with this name is left out. */
export function isDecidedHeader(name: string): boolean {
  return DECIDED.has(name.toLowerCase());
}
