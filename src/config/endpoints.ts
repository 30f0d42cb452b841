/**
 * The entry whose key is the longest prefix of an endpoint; undefined where none is.
 *
 * A URL matches by whole parts: `https://api.acme.com/v1` covers `/v1` and `/v1/users`, neither `/v10`
 * nor the host `api.acme.com.evil`. Host names are compared without case and default ports. Anything that
 * is no URL (a command line) matches by whole words.
 */
export function forEndpoint<T>(entries: Readonly<Record<string, T>>, endpoint: string): T | undefined {
  const wanted = split(endpoint);
  let best: T | undefined;
  let length = -1;
  for (const [prefix, entry] of Object.entries(entries)) {
    const known = split(prefix);
    if (known.base !== wanted.base || !covers(known, wanted)) continue;
    if (known.rest.length > length) {
      best = entry;
      length = known.rest.length;
    }
  }
  return best;
}

interface Parts {
  /** Scheme, host and port of a URL; empty for anything else. */
  readonly base: string;
  readonly rest: string;
}

function split(address: string): Parts {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(address) || !URL.canParse(address)) return { base: "", rest: address.trim() };
  const url = new URL(address);
  return {
    base: `${url.protocol}//${url.host.toLowerCase()}`,
    rest: `${url.pathname}${url.search}`.replace(/\/+$/, ""),
  };
}

function covers(prefix: Parts, whole: Parts): boolean {
  if (!whole.rest.startsWith(prefix.rest)) return false;
  const next = whole.rest[prefix.rest.length];
  return next === undefined || next === "/" || next === "?" || (prefix.base === "" && next === " ");
}
