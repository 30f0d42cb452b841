import { fail, isLoopbackHost } from "../../kernel/index.ts";

/** Where a channel goes. */
export interface Address {
  /** As the transport wants it, such as `dns:example.com:443`. */
  readonly target: string;
  /** A host name or IP address (in brackets where it is of version 6); the path of a socket. */
  readonly host: string;
  readonly port: number | undefined;
  readonly tls: boolean;
  /** For people, for keys and for settings: `grpcs://host:port`, `grpc://host:port` or `unix:/path`. */
  readonly endpoint: string;
  /** The origin that secrets are bound to. A socket of this machine counts as loopback. */
  readonly origin: string;
  /** The same place as an address of the web: for what is the same over every kind of HTTP. */
  readonly url: URL;
}

const SCHEMES: Readonly<Record<string, boolean>> = {
  "grpc:": false,
  "grpcs:": true,
  "http:": false,
  "https:": true,
};

/**
 * Reads `host:port`, `dns:///host:port`, `ipv4:…`, `ipv6:…`, `unix:/path`, or a URL (`grpc://`, `grpcs://`, `http://`,
 * `https://`). Without a port it is 443 with TLS and 80 without. `tls` says what `:tls` does; undefined: what the scheme
 * says, else TLS unless the host is loopback. Throws `invalid-argument`; `where` names the place of the text.
 */
export function readAddress(text: string, tls: boolean | undefined, where: string, remedy: string): Address {
  const wrong = (why: string): never => fail("invalid-argument", `The target of ${where} ${why}.`, { remedy });
  const given = text.trim();
  if (/^unix:/i.test(given)) return socketAddress(given, tls, wrong);
  const scheme = /^([a-z][a-z0-9+.-]*:)\/\//i.exec(given)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme in SCHEMES) {
    const declared = SCHEMES[scheme] as boolean;
    if (tls !== undefined && tls !== declared) wrong(`is of the scheme ${scheme}//, which :tls contradicts`);
    // A scheme of the web, so that the host is read and spelled as every other one is.
    const url = URL.parse(given.replace(/^[^:]+/, "http"));
    if (url === null) return wrong("is no address");
    if (url.username !== "" || url.password !== "") wrong("contains credentials");
    if (url.pathname !== "/" || url.search !== "" || url.hash !== "") wrong("has more than a host and a port");
    // The port 80 that is written for a TLS server is not the one that is left out.
    const written = /:(\d+)\/?$/.exec(given.replace(/\[[^\]]*\]/, ""))?.[1];
    return address(url.hostname, written, declared, wrong);
  }
  const rest = given.replace(/^dns:(?:\/\/\/)?/i, "").replace(/^ipv[46]:(?:\/\/\/)?/i, "");
  // A name server of the capability's choosing could say that any host is anywhere.
  if (/^dns:\/\//i.test(rest) || rest.startsWith("//")) wrong("names a name server, which is not supported");
  if (rest.includes(",")) wrong("has several addresses, and a session is one connection");
  const [, host = "", port] = /^(\[[0-9a-f:.%]+\]|[^\s:/@?#[\]]+)(?::(\d{1,5}))?$/i.exec(rest) ?? [];
  if (host === "") return wrong("is no host and port");
  const name = hostName(host) ?? wrong("is no host and port");
  return address(name, port, tls ?? !isLoopbackHost(name), wrong);
}

function hostName(host: string): string | undefined {
  const url = URL.parse(`http://${host}`);
  return url === null || url.pathname !== "/" || url.hostname === "" ? undefined : url.hostname;
}

function address(host: string, port: string | undefined, tls: boolean, wrong: (why: string) => never): Address {
  const number = port === undefined ? (tls ? 443 : 80) : Number(port);
  if (number < 1 || number > 65_535) wrong("has an impossible port");
  const place = `${host}:${number}`;
  const origin = `${tls ? "grpcs" : "grpc"}://${place}`;
  const url = new URL(`${tls ? "https" : "http"}://${place}`);
  return { target: `dns:${place}`, host, port: number, tls, endpoint: origin, origin, url };
}

function socketAddress(text: string, tls: boolean | undefined, wrong: (why: string) => never): Address {
  const path = text.replace(/^unix:(?:\/\/)?/i, "");
  if (!path.startsWith("/") || path.includes("\0")) wrong("names a socket without its whole path");
  return {
    target: `unix:${path}`,
    host: path,
    port: undefined,
    tls: tls ?? false,
    endpoint: `unix:${path}`,
    origin: "grpc://localhost",
    url: new URL("http://localhost"),
  };
}
